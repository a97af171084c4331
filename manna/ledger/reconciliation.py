"""The ledger against what the provider said: money per account and day, positions per security and day.

What belongs here: the provider's side of the comparison, and the comparison. What does not: making a
difference go away; nothing here changes the books.
"""

from collections.abc import Mapping

import polars as pl

from manna.contracts.clean import HOLDINGS
from manna.contracts.ledger import RECONCILIATION
from manna.ledger.chart import INVESTMENT_TYPES, OwnAccount
from manna.ledger.records import cash_securities
from manna.money import MARGIN_ENDING

_DAY = ["account_id", "as_of"]


def as_told(holdings: pl.DataFrame) -> pl.DataFrame:
    """``holdings`` made whole per account and day: what a day does not repeat stands as last told.

    A word that has not changed may not have been stored again, so a day's rows can be a part of what was
    said that day. What was given up is no silence: ``clean`` lists it once at zero.
    """
    days = holdings.select(_DAY).unique()
    pairs = holdings.select("account_id", "security_id").unique()
    return (
        days.join(pairs, on="account_id")
        .sort("as_of")
        .join_asof(
            holdings.sort("as_of"), on="as_of", by=["account_id", "security_id"], check_sortedness=False
        )
        .filter(pl.col("quantity").is_not_null())
    )


def provider_money(
    own: Mapping[str, OwnAccount], balances: pl.DataFrame, holdings: pl.DataFrame, securities: pl.DataFrame
) -> pl.DataFrame:
    """How much money each account held, per day on which the provider's word allows to say so.

    A bank account, card or loan: its balance. An investment account: the money among its holdings; on a
    day without such a row its balance less the value of its securities, provided holdings were listed
    that day (or never are: an account without securities) and all are in the balance's currency. A margin loan that
    is stated apart lowers it, unless it is below zero as it is: then the loan is in it already.

    Returns:
        ``account_id, as_of, currency, amount, source``: positive = debit, one row at most per account, day
        and currency; ``source`` is the table that said so.
    """
    kinds = pl.DataFrame(
        [(a.account_id, a.type in INVESTMENT_TYPES) for a in own.values()],
        schema={"account_id": pl.String, "invests": pl.Boolean},
        orient="row",
    )
    stated = balances.join(kinds, on="account_id").select(*_DAY, "currency", "invests", amount="current")
    columns = [*_DAY, "currency", "amount", "source"]
    stated = stated.with_columns(source=pl.lit("clean.balances"))
    banks = stated.filter(~pl.col("invests")).select(columns)
    brokers = stated.filter("invests").drop("invests")
    listed = as_told(holdings).join(kinds.filter("invests"), on="account_id", how="semi")
    listed = listed.with_columns(
        is_cash=pl.col("security_id").is_in(list(cash_securities(securities, holdings)))
    )
    is_loan = pl.col("security_id").str.ends_with(MARGIN_ENDING)
    loans = listed.filter(is_loan).group_by(*_DAY, "currency").agg(lent=pl.col("value").sum())
    listed = listed.filter(~is_loan)
    money = listed.filter("is_cash").group_by(*_DAY, "currency").agg(amount=pl.col("value").sum())
    money = money.with_columns(source=pl.lit("clean.holdings"))
    days = listed.group_by(*_DAY).agg(
        pl.col("value").sum(), priced_in=pl.col("currency").unique(), has_money=pl.col("is_cash").any()
    )
    derived = (
        brokers.join(days, on=_DAY, how="left")
        .join(listed.select("account_id", listed_ever=True).unique(), on="account_id", how="left")
        .filter(~pl.col("has_money").fill_null(False))
        .filter(
            (pl.col("priced_in") == pl.concat_list("currency")).fill_null(False)
            | pl.col("listed_ever").is_null()
        )
        .with_columns(amount=pl.col("amount") - pl.col("value").fill_null(0))
    )
    invested = pl.concat([money.select(columns), derived.select(columns)], how="vertical_relaxed")
    stated_once = [banks, _less_loans(invested, loans).select(columns)]
    return pl.concat(stated_once, how="vertical_relaxed").sort(*_DAY, "currency")


def _less_loans(money: pl.DataFrame, loans: pl.DataFrame) -> pl.DataFrame:
    """``money`` with the margin loans that are stated apart from it; what is below zero has its loan in it already."""
    lent = pl.when(pl.col("amount") < 0).then(0).otherwise(pl.col("lent").fill_null(0))
    return money.join(loans, on=[*_DAY, "currency"], how="left").with_columns(pl.col("amount") + lent)


def reconcile(
    book_id: str,
    own: Mapping[str, OwnAccount],
    provider: pl.DataFrame,
    postings: pl.DataFrame,
    plugged: frozenset[str],
) -> pl.DataFrame:
    """ledger.reconciliation: each account's money by the ledger against the provider's, per day.

    Only the account's own currency is compared. For an investment account this is its cash; its positions
    are compared by :func:`position_differences`.

    Args:
        provider: :func:`provider_money`.
        postings: all postings, as told balances saw them.
        plugged: accounts whose every balance is booked as it comes (loans without transactions), so that
            agreement proves nothing. Of every other account that is true of its first day alone.
    """
    currencies = pl.DataFrame(
        [(a.account_id, a.currency) for a in own.values()],
        schema={"account_id": pl.String, "currency": pl.String},
        orient="row",
    )
    days = provider.join(currencies, on=["account_id", "currency"], how="semi").sort("as_of")
    balances = (
        postings.filter(pl.col("account_id").is_not_null() & pl.col("security_id").is_null())
        .group_by("account_id", "currency", "date")
        .agg(pl.col("amount").sum())
        .sort("date")
        .with_columns(ledger_balance=pl.col("amount").cum_sum().over("account_id", "currency"))
        .drop("amount")
    )
    compared = days.join_asof(
        balances, left_on="as_of", right_on="date", by=["account_id", "currency"], check_sortedness=False
    ).with_columns(
        book=pl.lit(book_id), provider_balance="amount", ledger_balance=pl.col("ledger_balance").fill_null(0)
    )
    compared = compared.with_columns(difference=pl.col("ledger_balance") - pl.col("provider_balance"))
    first = pl.col("as_of") == pl.col("as_of").min().over("account_id")
    basis = (
        pl.when(pl.col("difference") != 0)
        .then(pl.lit("difference"))
        .when(first | pl.col("account_id").is_in(list(plugged)))
        .then(pl.lit("plugged"))
        .otherwise(pl.lit("reconciled"))
    )
    return RECONCILIATION.conform(compared.with_columns(basis=basis)).sort(RECONCILIATION.key)


def position_differences(
    postings: pl.DataFrame, holdings: pl.DataFrame, securities: pl.DataFrame
) -> pl.DataFrame:
    """Every position the ledger and the institution disagree on, per day on which holdings were listed.

    Args:
        postings: ledger.postings.
        holdings, securities: rows of those tables of ``clean``; money is left out.

    Returns:
        ``account_id, security_id, as_of, provider_quantity, ledger_quantity, difference`` (ledger less
        provider), only where the difference is not zero. A security the institution has not listed by
        then is held at zero there.
    """
    key = ["account_id", "security_id"]
    cash = list(cash_securities(securities, holdings))
    moves = (
        postings.filter(pl.col("security_id").is_not_null())
        .group_by(*key, "date")
        .agg(pl.col("quantity").sum())
        .sort("date")
        .with_columns(ledger_quantity=pl.col("quantity").cum_sum().over(key))
        .drop("quantity")
    )
    told = as_told(holdings).select(*key, "as_of", provider_quantity="quantity")
    pairs = pl.concat([told.select(key), moves.select(key)]).unique()
    days = told.select(_DAY).unique().join(pairs, on="account_id").sort("as_of")
    compared = (
        days.filter(~pl.col("security_id").is_in(cash))
        .join_asof(moves, left_on="as_of", right_on="date", by=key, check_sortedness=False)
        .join(told, on=[*key, "as_of"], how="left")
        .with_columns(pl.col("provider_quantity", "ledger_quantity").fill_null(0))
    )
    quantity = HOLDINGS.polars_schema["quantity"]
    return (
        compared.with_columns(difference=pl.col("ledger_quantity") - pl.col("provider_quantity"))
        .filter(pl.col("difference") != 0)
        .select(*key, "as_of", pl.col("provider_quantity", "ledger_quantity", "difference").cast(quantity))
        .sort(*key, "as_of")
    )
