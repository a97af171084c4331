"""What follows from a declaration: DDL, row checks with every reason, and hashes of content."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.contracts import CONTRACTS, Column, Contract, Kind
from manna.contracts.declaration import content_hash, content_hashes

THING = Contract(
    "clean",
    "things",
    "Things of these tests.",
    (
        Column("id", Kind.TEXT, "its id", pattern="^[a-z]+$"),
        Column("kind", Kind.TEXT, "its kind", allowed=("one", "other")),
        Column("day", Kind.DATE, "its day", minimum=date(1970, 1, 1)),
        Column("amount", Kind.MONEY, "its price", nullable=True, minimum=Decimal(0), maximum=Decimal(10)),
        Column("count", Kind.INTEGER, "how many", nullable=True, minimum=1),
        Column("known_at", Kind.MOMENT, "when learnt", nullable=True),
    ),
    key=("id", "day"),
    volatile=("known_at",),
)
FINE = {
    "id": "a",
    "kind": "one",
    "day": date(2026, 1, 1),
    "amount": Decimal("10"),
    "count": 1,
    "known_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def things(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([FINE | row for row in rows], schema=THING.polars_schema)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_contract_makes_a_table(contract: Contract) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE SCHEMA {contract.schema}")
        connection.execute(contract.ddl())
        described = connection.execute(f"DESCRIBE {contract.address}").fetchall()
    found = [(name, kind, null == "YES") for name, kind, null, *_ in described]
    kinds = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    assert found == [(c.name, kinds.get(c.kind.duckdb, c.kind.duckdb), c.nullable) for c in contract.columns]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_contract_is_described_and_whole(contract: Contract) -> None:
    assert contract.meaning.endswith(".")
    assert all(column.meaning for column in contract.columns)
    assert len(set(contract.names)) == len(contract.names)
    assert contract.key
    assert set(contract.key) | set(contract.volatile) <= set(contract.names)
    assert not set(contract.key) & set(contract.volatile)
    assert contract.violations(contract.empty()).len() == 0
    assert contract.conform(contract.empty()).schema == contract.polars_schema


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        ({}, []),
        ({"amount": None, "count": None, "known_at": None}, []),
        ({"id": None}, ["id is missing"]),
        ({"id": "A1"}, ["id does not match ^[a-z]+$"]),
        ({"id": "a\n"}, ["id does not match ^[a-z]+$"]),
        ({"kind": "third"}, ["kind is none of: one, other"]),
        ({"day": date(1969, 12, 31)}, ["day is below 1970-01-01"]),
        ({"amount": Decimal("-0.0001")}, ["amount is below 0"]),
        ({"amount": Decimal("10.0001")}, ["amount is above 10"]),
        (
            {"id": None, "kind": None, "day": None, "amount": Decimal(11), "count": 0},
            ["id is missing", "kind is missing", "day is missing", "amount is above 10", "count is below 1"],
        ),
    ],
)
def test_a_row_names_every_reason(row: dict, reasons: list[str]) -> None:
    assert THING.violations(things(row)).to_list() == [reasons]


def test_a_column_that_came_later_stands_last_and_is_nullable() -> None:
    late = Column("late", Kind.TEXT, "Late.", nullable=True, since=2)
    grown = replace(THING, version=2, columns=(*THING.columns, late))
    assert grown.ddl_from(1) == ['ALTER TABLE clean.things ADD COLUMN "late" VARCHAR']
    assert grown.ddl_from(2) == THING.ddl_from(1) == []
    for columns in ((late, *THING.columns), (*THING.columns, replace(late, since=3))):
        with pytest.raises(
            ValueError, match=r"clean\.things: columns stand in the order of `since`, up to 2"
        ):
            replace(THING, version=2, columns=columns)
    with pytest.raises(ValueError, match="a column that came later is nullable"):
        replace(grown, columns=(*THING.columns, replace(late, nullable=False)))


def test_a_key_given_twice_is_a_fault_of_every_such_row() -> None:
    found = THING.violations(things({}, {"day": date(2026, 1, 2)}, {"kind": "other"})).to_list()
    assert found == [["duplicate key (id, day)"], [], ["duplicate key (id, day)"]]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.text(max_size=3),
            "kind": st.none() | st.sampled_from(["one", "other", "third"]),
            "day": st.none() | st.dates(),
            "amount": st.none() | st.decimals(-100, 100, places=4),
            "count": st.none() | st.integers(-5, 5),
            "known_at": st.none(),
        }
    ),
    max_size=6,
)


def naive_faults(row: dict, rows: list[dict]) -> int:
    """The same promises, said once more the slow way."""
    return sum(
        [
            row["id"] is None or not (row["id"].isascii() and row["id"].islower() and row["id"].isalpha()),
            row["kind"] not in ("one", "other"),
            row["day"] is None or row["day"] < date(1970, 1, 1),
            row["amount"] is not None and not 0 <= row["amount"] <= 10,
            row["count"] is not None and row["count"] < 1,
            sum(other["id"] == row["id"] and other["day"] == row["day"] for other in rows) > 1,
        ]
    )


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_violations_agree_with_the_promises_said_naively(rows: list[dict]) -> None:
    found = THING.violations(pl.DataFrame(rows, schema=THING.polars_schema)).to_list()
    assert [len(reasons) for reasons in found] == [naive_faults(row, rows) for row in rows]


def test_the_hash_is_of_the_content_alone() -> None:
    one, two = {"id": "a"}, {"id": "b", "amount": None}
    first = content_hash(THING, things(one, two))
    assert content_hash(THING, things(two, one)) == first
    assert content_hash(THING, things(one, two).select(reversed(THING.names))) == first
    later = {"known_at": datetime(2027, 1, 1, tzinfo=UTC)}
    assert content_hash(THING, things(one | later, two)) == first
    for change in ({"amount": Decimal("9.9999")}, {"amount": None}, {"kind": "other"}, {"id": "c"}):
        assert content_hash(THING, things(one | change, two)) != first


def test_no_text_passes_for_a_null() -> None:
    texts = Contract("clean", "texts", "Texts.", (Column("a", Kind.TEXT, "a", nullable=True),), key=("a",))
    told = [None, "", "\\N", "\\\\N", '"', "\n", "a\nb", '""']
    hashes = {content_hash(texts, pl.DataFrame({"a": [text]}, schema={"a": pl.String})) for text in told}
    assert len(hashes) == len(told)


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_the_hash_survives_a_stay_in_duckdb(rows: list[dict]) -> None:
    keyed = {(row["id"], row["day"]): row for row in rows if row["day"] is None or row["day"].year >= 1}
    frame = pl.DataFrame(list(keyed.values()), schema=THING.polars_schema)
    with duckdb.connect() as connection:
        connection.register("incoming", frame.to_arrow())
        connection.execute("CREATE TABLE things AS SELECT * FROM incoming ORDER BY random()")
        back = connection.execute("SELECT * FROM things").pl()
    assert content_hash(THING, back) == content_hash(THING, frame)


def test_the_hashes_of_parts_are_those_of_each_part() -> None:
    prices = [None if n == 3 else Decimal(5 - n % 3) for n in range(9)]
    frame = things(*({"id": "abcdefghi"[n], "amount": price} for n, price in enumerate(prices)))
    assert content_hashes(THING, frame, pl.col("amount")) == {
        price: content_hash(
            THING, things(*({"id": "abcdefghi"[n], "amount": p} for n, p in enumerate(prices) if p == price))
        )
        for price in set(prices)
    }
    assert content_hashes(THING, THING.empty(), pl.col("amount")) == {}
