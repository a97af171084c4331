"""What is on its way between two investment accounts of a book: in neither of them, and still the book's.

What belongs here: its value day by day, as a position of the book alone. What does not: what comes from or goes to
other accounts, which is a flow (:mod:`components`).
"""

import polars as pl

from manna.ledger.chart import IN_TRANSIT
from manna.portfolio.components import AMOUNTS, MONEY, in_kind, worth

ON_THE_WAY = "in transit"
_OF = ["security_id", "currency"]


def in_transit(
    postings: pl.DataFrame,
    journal: pl.DataFrame,
    transfers: pl.DataFrame,
    valuations: pl.DataFrame,
    accounts: pl.DataFrame,
) -> pl.DataFrame:
    """Rows like those of :func:`manna.portfolio.components.components`, of the account :data:`ON_THE_WAY`.

    Money counts between the days of the two legs that ``categorized.transfers`` has paired, securities while more have
    left than arrived, at the last price known. Empty where everything arrives on the day it leaves.
    """
    investing = accounts.filter(pl.col("type").is_in(["investment", "brokerage"]))["account_id"].unique()
    last = valuations["date"].max()
    lines = postings.filter(pl.col("account_id").is_in(investing.implode()), pl.col("date") <= last)
    lines = lines.with_columns(
        security_id=pl.coalesce("security_id", pl.concat_str(pl.lit("CUR:"), "currency"))
    )
    rest = postings.filter(pl.col("account") == IN_TRANSIT)
    rest = rest.join(lines.select("entry_id").unique(), on="entry_id", how="semi")
    found = pl.concat([_money(lines, journal, transfers), _securities(in_kind(lines, rest), valuations)])
    amounts = [pl.col(name).cast(MONEY) for name in AMOUNTS]
    return found.filter(pl.col("date") <= last).select(
        pl.lit(ON_THE_WAY).alias("account_id"), *_OF, "date", *amounts,
        pl.lit(False).alias("unpriced"), pl.col("date").alias("price_date"),
    )  # fmt: skip


def _money(lines: pl.DataFrame, journal: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    entries = (
        lines.select("entry_id", "date").unique().join(journal.select("entry_id", "source_id"), on="entry_id")
    )
    days = entries.select("source_id", "date").unique("source_id", keep="any")
    same = transfers.filter(
        pl.col("currency") == pl.col("in_currency"), pl.col("amount") == pl.col("in_amount")
    )
    pairs = same.join(days.rename({"source_id": "out_id", "date": "left"}), on="out_id")
    pairs = pairs.join(days.rename({"source_id": "in_id", "date": "came"}), on="in_id")
    pairs = pairs.filter(pl.col("left") != pl.col("came")).with_columns(
        first=pl.min_horizontal("left", "came"),
        end=pl.max_horizontal("left", "came"),
        there=pl.when(pl.col("left") < pl.col("came")).then(pl.col("amount")).otherwise(-pl.col("amount")),
    )
    daily = pairs.with_columns(date=pl.date_ranges("first", "end")).explode("date")
    daily = daily.with_columns(
        security_id=pl.concat_str(pl.lit("CUR:"), "currency"),
        opening=pl.when(pl.col("date") > pl.col("first")).then("there").otherwise(0),
        closing=pl.when(pl.col("date") < pl.col("end")).then("there").otherwise(0),
    ).with_columns(flows=pl.col("closing") - pl.col("opening"), unrealized=pl.lit(0))
    return _rows(daily)


def _securities(moved: pl.DataFrame, valuations: pl.DataFrame) -> pl.DataFrame:
    """Quantity that has left and not arrived, at the last price up to each day."""
    changes = moved.group_by([*_OF, "date"]).agg(gone=-pl.col("quantity").sum()).filter(pl.col("gone") != 0)
    spans = changes.group_by(_OF).agg(date=pl.date_ranges(pl.col("date").min(), pl.col("date").max()).first())
    daily = spans.explode("date").join(changes, on=[*_OF, "date"], how="left").sort(*_OF, "date")
    daily = daily.with_columns(pl.col("gone").fill_null(0)).with_columns(
        there=pl.col("gone").cum_sum().over(_OF)
    )
    prices = valuations.filter(pl.col("price").is_not_null()).select(*_OF, "date", "price").sort("date")
    daily = daily.sort("date").join_asof(prices, on="date", by=_OF, check_sortedness=False).sort(*_OF, "date")
    known = daily.filter(pl.col("price").is_not_null())
    currencies = known["currency"].unique()
    valued = known.with_columns(
        closing=worth("there", currencies), flows=worth("gone", currencies)
    ).with_columns(opening=pl.col("closing").shift(1).over(_OF).fill_null(0))
    valued = valued.filter((pl.col("opening") != 0) | (pl.col("closing") != 0) | (pl.col("flows") != 0))
    return _rows(valued.with_columns(unrealized=pl.col("closing") - pl.col("opening") - pl.col("flows")))


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    nothing = [pl.lit(0).cast(MONEY).alias(name) for name in ("income", "fees", "realized", "joined")]
    amounts = [pl.col(name).cast(MONEY) for name in ("opening", "flows", "unrealized", "closing")]
    return frame.select(*_OF, "date", *amounts, *nothing)
