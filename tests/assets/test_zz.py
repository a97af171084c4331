import json, worlds
import polars as pl
pl.Config.set_tbl_rows(80); pl.Config.set_tbl_width_chars(220); pl.Config.set_fmt_str_lengths(60); pl.Config.set_tbl_cols(20)
def test_days(world):
    w=world
    w.at("2026-03-17T12:00:00Z")
    r=w.night()
    for n,c in worlds.checks(r).items():
        if not c.passed: print(n,{k:v.value for k,v in c.metadata.items()})
    acc="51Et6mpQpQUMJwnAnLNxEJswQ69FaKZNoBDDm"
    print(w.read("ledger.reconciliation", account_id=acc).select("as_of","provider_balance","ledger_balance","difference","basis"))
    print(w.read("clean.transactions", account_id=acc).filter(pl.col("date")>=pl.date(2026,3,12)).select("transaction_id","date","authorized_date","amount","description","pending","removed","known_at").sort("date"))
    print([ (json.loads(x)["name"],json.loads(x)["balances"]["current"],str(k)) for x,k in w.read("raw.plaid_accounts", source_id=acc).select("payload","known_at").rows()])
