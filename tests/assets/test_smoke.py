import json, worlds
import polars as pl
pl.Config.set_tbl_rows(80); pl.Config.set_tbl_width_chars(250); pl.Config.set_fmt_str_lengths(150)
def test_days(world):
    w=world
    print(w.read("clean.holdings").height,w.read("raw.plaid_holdings").height,w.read("raw.alpaca_positions").height)
    print(w.read("clean.quarantine").select("table_name","reasons").group_by("table_name","reasons").len())
