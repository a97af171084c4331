"""Where provider accounts stand in the chart."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_examples import BOOK, account, rows

from manna.books import AccountSetting, Book
from manna.contracts import clean
from manna.contracts.ledger import POSTINGS
from manna.ledger import chart_account, chart_of_accounts
from manna.ledger.chart import RESERVED


def paths(book, *accounts):
    return {a.account_id: a.path for a in chart_of_accounts(book, rows(clean.ACCOUNTS, *accounts)).values()}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("depository", "Assets:Cash:Bank Main 1234"),
        ("credit", "Liabilities:Cards:Bank Main 1234"),
        ("loan", "Liabilities:Loans:Bank Main 1234"),
        ("investment", "Assets:Investments:Bank Main 1234"),
        ("brokerage", "Assets:Investments:Bank Main 1234"),
        ("payroll", "Assets:Other:Bank Main 1234"),
        ("other", "Assets:Other:Bank Main 1234"),
    ],
)
def test_the_type_gives_the_parent(kind, path):
    row = {"account_id": "a", "institution": "Bank", "name": "Main", "mask": "1234", "type": kind}
    assert chart_account(BOOK, row) == path


def test_money_and_securities_of_an_investment_account_are_its_children():
    own = chart_of_accounts(
        BOOK, rows(clean.ACCOUNTS, account("a", "brokerage"), account("hsa", subtype="hsa"))
    )
    assert own["a"].cash == "Assets:Investments:Bank A:Cash"
    assert own["a"].securities == "Assets:Investments:Bank A:Securities"
    assert own["hsa"].cash == "Assets:Cash:Bank Hsa"


@pytest.mark.parametrize(
    ("name", "part"),
    [("Joint: His\nand  Hers", "Joint His and Hers"), (" :x: ", "x"), ("a\x00b\tc", "a b c"), ("::", "")],
)
def test_colons_and_line_ends_are_neutralised(name, part):
    row = {"account_id": "a", "institution": "Bank", "name": name, "mask": None, "type": "depository"}
    assert chart_account(BOOK, row) == f"Assets:Cash:Bank {part}".strip()


def test_an_account_without_any_name_still_has_a_path():
    row = {"account_id": "a", "institution": "", "name": ":", "mask": None, "type": "loan"}
    assert chart_account(BOOK, row) == "Liabilities:Loans:Account"


def test_the_first_setting_that_matches_in_every_condition_decides():
    book = Book(
        id="home",
        name="Home",
        accounts=(
            AccountSetting(institution="bank", mask="9", account="Assets:Cash:Nine"),
            AccountSetting(institution="BANK", account="Assets:Cash:Any"),
            AccountSetting(name="Third", account="Assets:Cash:Never"),
        ),
    )
    found = paths(book, account("a", mask="9"), account("third", mask="8"), account("c", institution="Other"))
    assert found == {"a": "Assets:Cash:Nine", "third": "Assets:Cash:Any", "c": "Assets:Cash:Other C"}


def test_accounts_that_want_one_path_are_all_told_apart():
    twins = [account("id-aaaa1", name="Savings"), account("id-bbbb2", name="Savings")]
    alone = account("id-cccc3", name="Other")
    expected = {
        "id-aaaa1": "Assets:Cash:Bank Savings aaa1",
        "id-bbbb2": "Assets:Cash:Bank Savings bbb2",
        "id-cccc3": "Assets:Cash:Bank Other",
    }
    assert paths(BOOK, *twins, alone) == paths(BOOK, alone, *reversed(twins)) == expected


def test_a_tail_grows_until_it_tells_apart():
    found = paths(BOOK, account("x-0000", name="S"), account("y-0000", name="S"))
    assert found == {"x-0000": "Assets:Cash:Bank S x-0000", "y-0000": "Assets:Cash:Bank S y-0000"}


def test_a_path_that_manna_uses_itself_is_not_given_away():
    book = Book(id="home", name="Home", accounts=(AccountSetting(name="A", account="Assets:In Transit"),))
    assert paths(book, account("a", name="A", mask=None) | {"account_id": "acct77"}) == {
        "acct77": "Assets:In Transit ct77"
    }


def test_a_path_that_is_a_leaf_of_another_account_is_told_apart():
    book = Book(
        id="home",
        name="Home",
        accounts=(AccountSetting(name="Cash", account="Assets:Investments:Bank Ira:Cash"),),
    )
    own = chart_of_accounts(
        book, rows(clean.ACCOUNTS, account("ira1", "investment", name="Ira"), account("cash"))
    )
    leaves = [leaf for a in own.values() for leaf in (a.cash, a.securities)]
    assert own["ira1"].cash != own["cash"].cash
    assert len(leaves) == len(set(leaves))


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="ascii"), max_size=4), st.sampled_from(["depository", "brokerage"])
        ),
        max_size=8,
    )
)
def test_every_leaf_is_unique_and_a_valid_account(named):
    given_rows = [account(f"id{i:04}", kind, name=name) for i, (name, kind) in enumerate(named)]
    own = chart_of_accounts(BOOK, rows(clean.ACCOUNTS, *given_rows)).values()
    leaves = [leaf for a in own for leaf in {a.cash, a.securities}]
    assert len(leaves) == len(set(leaves))
    assert not RESERVED & set(leaves)
    pattern = next(c.pattern for c in POSTINGS.columns if c.name == "account")
    assert pl.Series(leaves, dtype=pl.String).str.contains(pattern).all()
