"""Forms of others against the books, and a filed year against what is known now."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from ledger_examples import BOOK, balance, frames, trade

from manna.contracts.clean import ACCOUNTS
from manna.contracts.closings import ADJUSTMENTS, FILED_GAINS
from manna.contracts.ledger import GAINS, JOURNAL, POSTINGS
from manna.filing.amended import amended, as_filed, filed_years, pinned
from manna.filing.entered_forms import in_force
from manna.filing.tie_out import NET_PAY, TaxFormError, basis_reported, read_boxes, tie_out
from manna.ledger import keep_books
from manna.ledger.closing import with_tax_dates

YEAR = date(2025, 6, 30)


def frame(contract: Any, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``contract``; what is not said is null."""
    filled = [{name: row.get(name) for name in contract.names} for row in rows]
    return pl.DataFrame(filled, schema=contract.polars_schema)


def entry(
    number: int, account: str, amount: str, account_id: str = "bank", words: str = "x"
) -> tuple[Any, ...]:
    common = {"entry_id": f"e{number}", "date": YEAR, "currency": "USD", "description": words}
    lines = (
        {**common, "account": account, "amount": Decimal(amount)},
        {**common, "account": "Assets:Cash:Bank", "amount": -Decimal(amount), "account_id": account_id},
    )
    return common, *lines


ENTRIES = (
    entry(1, "Income:Interest", "-12.34"),
    entry(2, "Income:Interest", "-5.00", "other"),
    entry(3, "Income:Salary", "-3000", words="PAYROLL ACME INC"),
    entry(4, "Income:Dividends", "-40", "broker"),
    entry(5, "Income:Dividends", "-60", "ira"),
)
GAIN = {
    "gain_id": "g", "account_id": "broker", "security_id": "ABC", "entry_id": "s", "lot_id": "l", "closed": YEAR,
    "quantity": Decimal(1), "proceeds": Decimal(100), "cost": Decimal(70), "gain": Decimal(30), "term": "long",
    "currency": "USD",
}  # fmt: skip


def compare(
    form: str,
    issuer: str,
    account_id: str | None = None,
    adjustments: Any = (),
    entries: Any = ENTRIES,
    **boxes: str,
) -> list[tuple[Any, ...]]:
    given = {name.lstrip("_"): amount for name, amount in boxes.items()}
    found = tie_out(
        [
            {
                "form_id": 7,
                "year": 2025,
                "form": form,
                "issuer": issuer,
                "account_id": account_id,
                "boxes": given,
            }
        ],
        2025,
        "USD",
        postings=with_tax_dates(
            frame(POSTINGS, *(line for one in entries for line in one[1:])), frame(ADJUSTMENTS, *adjustments)
        ),
        journal=frame(JOURNAL, *(one[0] for one in entries)),
        accounts=frame(
            ACCOUNTS,
            {"account_id": "bank", "institution": "First Bank"},
            {"account_id": "other", "institution": "Second Bank"},
            {"account_id": "broker", "institution": "Broker"},
            {"account_id": "ira", "institution": "Broker"},
        ),
        gains=frame(GAINS, GAIN, GAIN | {"gain_id": "h", "closed": date(2024, 12, 31)}),
        sheltered=["ira"],
    )
    return found.select("box", "theirs", "ours", "difference").rows()


def test_interest_of_one_bank_alone() -> None:
    assert compare("1099-INT", "first bank", _1="12.30") == [
        ("1", Decimal("12.30"), Decimal("12.34"), Decimal("0.04"))
    ]
    assert compare("1099-INT", "Anybody", "other", _1="5") == [("1", 5, 5, 0)]


def test_dividends_without_sheltered_accounts_and_sales_of_the_year_alone() -> None:
    assert compare("1099-DIV", "Broker", _1a="40") == [("1a", 40, 40, 0)]
    assert compare("1099-B", "Broker", _1d="100", _1e="75") == [("1d", 100, 100, 0), ("1e", 75, 70, -5)]


def between(number: int, out: str, into: str, amount: str, **heading: Any) -> tuple[Any, ...]:
    """An entry of next year's first day that touches no account of a bank."""
    common = {"entry_id": f"e{number}", "date": date(2026, 1, 1), "currency": "USD", **heading}
    sides = ((out, -Decimal(amount)), (into, Decimal(amount)))
    return common, *({**common, "account": name, "amount": value} for name, value in sides)


def test_an_adjustment_that_touches_no_account_is_its_entrys_issuers() -> None:
    """Interest that was reported as a dividend is another category later: one posting each way, and no account."""
    late = between(9, "Income:Interest", "Income:Dividends", "40")
    of = {"entry_id": "e9", "date": date(2026, 1, 1), "tax_date": YEAR, "adjusts": "e4"}
    known = {"adjustments": [of], "entries": (*ENTRIES, late)}
    assert compare("1099-INT", "Broker", **known, _1="40") == [("1", 40, 40, 0)]
    assert compare("1099-DIV", "Broker", **known, _1a="0") == [("1a", 0, 0, 0)]
    assert compare("1099-INT", "First Bank", **known, _1="12.34") == [
        ("1", Decimal("12.34"), Decimal("12.34"), 0)
    ]


@pytest.mark.parametrize("closed", [False, True])
def test_what_a_form_1098_trues_up_counts_for_it(closed: bool) -> None:
    """1,000.00 were booked, the form says 856.31: the rest is in suspense, in the year or after it was closed."""
    paid = entry(8, "Expenses:Interest:Mortgage", "1000")
    form = {"source_table": "ops.tax_forms", "source_id": "7/home"}
    day = {} if closed else {"date": YEAR}
    trued = between(9, "Expenses:Interest:Mortgage", "Equity:Suspense", "143.69", **form, **day)
    of = {"entry_id": "e9", "date": date(2026, 1, 1), "tax_date": date(2025, 12, 31), "adjusts": "true-up"}
    known = {"adjustments": [of] if closed else [], "entries": (paid, trued)}
    assert compare("1098", "First Bank", **known, _1="856.31") == [
        ("1", Decimal("856.31"), Decimal("856.31"), 0)
    ]
    assert compare("1098", "First Bank", "bank", **known, _1="856.31")[0][-1] == 0
    another = (paid, between(9, "Expenses:Interest:Mortgage", "Equity:Suspense", "1", source_table="ops.tax_forms", source_id="71/home", **day))  # fmt: skip
    assert (
        compare("1098", "First Bank", adjustments=known["adjustments"], entries=another, _1="1000")[0][-1]
        == 0
    )


def test_wages_are_compared_with_net_pay_only_where_gross_pay_was_entered() -> None:
    form = {"_1": "4000", "_2": "600", "_4": "248", "_6": "58", "_17": "94"}
    found = compare("W-2", "Acme", **form)
    assert found[:2] == [("1", 4000, None, None), ("2", 600, None, None)]
    assert found[-1] == (NET_PAY, 3000, 3000, 0)
    gross = between(
        8, "Income:Salary", "Expenses:Taxes:Federal:Withheld", "600", description="Acme", date=YEAR
    )
    found = compare("W-2", "Acme", entries=(*ENTRIES, gross), **form)
    assert found[:2] == [("1", 4000, 3600, -400), ("2", 600, 600, 0)]
    assert found[-1] == (NET_PAY, 3000, 3000, 0)


def given(
    number: int, issuer: str, account_id: str | None = None, form: str = "1098", **boxes: str
) -> dict[str, Any]:
    named = {name.lstrip("_"): amount for name, amount in boxes.items()}
    return {
        "form_id": number,
        "year": 2025,
        "form": form,
        "issuer": issuer,
        "account_id": account_id,
        "boxes": named,
    }


@pytest.mark.parametrize(
    ("forms", "kept"),
    [
        pytest.param([given(1, "Bank"), given(2, "BANK ")], [2], id="corrected"),
        pytest.param([given(1, "Bank"), given(2, "Bank", "home")], [2], id="named later"),
        pytest.param([given(1, "Bank", "home"), given(2, "Bank")], [2], id="no longer named"),
        pytest.param([given(1, "Bank", "home"), given(2, "Bank", "hut")], [1, 2], id="two loans"),
        pytest.param([given(1, "Bank", "home"), given(2, "Other", "home")], [1, 2], id="sold"),
        pytest.param([given(1, "Bank", form="W-2"), given(2, "Bank")], [1, 2], id="two kinds"),
        pytest.param(
            [given(1, "Bank", form="1099-INT"), given(2, "Bank", "b", "1099-INT")], [1, 2], id="by account"
        ),
    ],
)
def test_which_forms_count(forms: list[dict[str, Any]], kept: list[int]) -> None:
    assert sorted(form["form_id"] for form in in_force(forms)) == kept


def test_a_loan_that_was_sold_is_compared_once() -> None:
    """500.00 of interest were booked; the first lender states 300.00, the one that bought the loan 195.00."""
    homes = frame(
        ACCOUNTS, {"account_id": "home", "institution": "First Bank", "type": "loan", "subtype": "mortgage"}
    )
    paid = entry(8, "Expenses:Interest:Mortgage", "500", "home")
    found = tie_out(
        [given(1, "First Bank", _1="300"), given(2, "Second Bank", "home", _1="195", _5="4")], 2025, "USD",
        postings=with_tax_dates(frame(POSTINGS, *paid[1:]), frame(ADJUSTMENTS)), journal=frame(JOURNAL, paid[0]),
        accounts=homes, gains=frame(GAINS),
    )  # fmt: skip
    assert found.select("issuer", "box", "theirs", "ours").rows() == [
        ("First Bank and Second Bank", "1", 495, 500), ("First Bank and Second Bank", "5", 4, 0),
    ]  # fmt: skip


def test_figures_are_read_with_their_commas() -> None:
    assert read_boxes("W-2", ["1=4,000.00", " 2 = $600 "]) == {"1": "4000.00", "2": "600"}
    assert read_boxes("1099-B", ["1d=100", "12=Yes"]) == {"1d": "100", "12": "yes"}


def test_box_12_is_not_compared_and_tells_whether_the_irs_knows_the_basis() -> None:
    assert compare("1099-B", "Broker", _1d="100", _12="yes") == [("1d", 100, 100, 0)]
    accounts = frame(
        ACCOUNTS,
        {"account_id": "broker", "institution": "Broker"},
        {"account_id": "ira", "institution": "Broker"},
    )
    form = {"form": "1099-B", "year": 2025, "issuer": "broker", "account_id": None, "boxes": {"12": "yes"}}
    no = {**form, "account_id": "broker", "boxes": {"12": "no"}}
    assert basis_reported([form], accounts, ["ira"]) == {(2025, "broker"): True}
    assert basis_reported([no], accounts) == {(2025, "broker"): False}
    assert basis_reported([form, no], accounts, ["ira"]) == {}
    assert basis_reported([{**form, "boxes": {"1d": "1"}}, {**form, "form": "W-2"}], accounts) == {}


@pytest.mark.parametrize(
    ("form", "boxes", "words"),
    [
        ("1099-K", ["1=1"], "unknown form"),
        ("W-2", [], "no figures"),
        ("W-2", ["99=1"], "no box '99'"),
        ("W-2", ["1"], "write each box once, as 1=1234.56"),
        ("W-2", ["1=a lot"], "write each box once"),
        ("W-2", ["1=1", "1=2"], "write each box once"),
        ("1099-B", ["12=5"], "write each box once, as 12=yes"),
    ],
)
def test_what_is_no_figure_is_refused(form: str, boxes: list[str], words: str) -> None:
    with pytest.raises(TaxFormError, match=words):
        read_boxes(form, boxes)


class TestAFiledYear:
    MOMENTS = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4))
    CLOSINGS = tuple(
        {"action": "file", "through": date(2025, 12, 31), "known_at": moment} for moment in MOMENTS
    )

    def test_the_last_filing_of_a_year_stands(self) -> None:
        assert filed_years(self.CLOSINGS) == {2025: self.MOMENTS[1]}
        rows = frame(FILED_GAINS, *(GAIN | {"known_at": moment} for moment in self.MOMENTS))
        assert as_filed(rows, self.CLOSINGS)["known_at"].to_list() == [self.MOMENTS[1]]

    def test_what_is_as_filed_is_no_line(self) -> None:
        assert amended(frame(GAINS, GAIN), frame(GAINS, GAIN), 2025).is_empty()

    def test_a_changed_a_new_and_a_vanished_sale(self) -> None:
        was = frame(GAINS, GAIN, GAIN | {"lot_id": "gone", "gain_id": "2"})
        now = frame(
            GAINS, GAIN | {"cost": Decimal(60), "gain": Decimal(40)}, GAIN | {"lot_id": "new", "gain_id": "3"}
        )
        found = amended(was, now, 2025).select("lot_id", "gain_filed", "gain", "difference").rows()
        assert sorted(found) == [("gone", 30, 0, -30), ("l", 30, 40, 10), ("new", 0, 30, 30)]

    def test_an_unknown_basis_stays_unknown(self) -> None:
        now = frame(GAINS, GAIN | {"cost": None, "gain": None})
        assert amended(frame(GAINS, GAIN), now, 2025).select("gain_filed", "gain", "difference").rows() == [
            (30, None, None)
        ]


class TestLotsOfAFiledYear:
    """A buy of an earlier day comes late: first in first out would take it, the filed sale keeps what it took."""

    EARLY = trade("early", "2025-01-10", "buy", 10, -100)
    BOUGHT = trade("bought", "2025-03-10", "buy", 10, -200)
    SOLD = trade("sold", "2025-06-10", "sell", -10, 300)

    def gains(self, *trades: dict[str, Any], instructions: Any = ()) -> pl.DataFrame:
        tables = frames(balances=[balance("broker", "2025-01-01", 1000)], trades=list(trades))
        return keep_books(BOOK, **tables, instructions=instructions).gains

    def test_it_keeps_its_lot(self) -> None:
        filed = self.gains(self.BOUGHT, self.SOLD)
        tables = frames(balances=[balance("broker", "2025-01-01", 1000)], trades=[self.BOUGHT, self.SOLD])
        journal = keep_books(BOOK, **tables).journal
        assert filed["gain"].to_list() == [100]
        assert self.gains(self.EARLY, self.BOUGHT, self.SOLD)["gain"].to_list() == [200]
        kept = self.gains(self.EARLY, self.BOUGHT, self.SOLD, instructions=pinned(filed, journal))
        assert kept["gain"].to_list() == [100]
        assert amended(filed, kept, 2025).is_empty()
