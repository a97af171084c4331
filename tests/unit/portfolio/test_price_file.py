"""Files of prices: both forms, and every fault with its line."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from manna.portfolio.market import Market
from manna.portfolio.price_file import read_prices
from manna.portfolio.series_file import SeriesFileError


def read(text: str) -> Market:
    return read_prices(pl.read_csv(text.encode(), infer_schema=False))


def test_a_column_per_symbol() -> None:
    found = read("date,vti,bnd\n2024-01-03,11,\n2024-01-02, 10 ,50\n")
    assert found.days == (date(2024, 1, 2), date(2024, 1, 3))
    assert found.symbols == ("VTI", "BND")
    np.testing.assert_array_equal(found.closes, [[10, 50], [11, np.nan]])
    assert (found.splits, found.dividends, found.delistings) == (None, None, None)


def test_a_row_per_symbol_with_events() -> None:
    found = read(
        "date,symbol,close,split,dividend,delisted\n2024-01-02,A,10,,,\n2024-01-03,A,5,2,0.5,\n2024-01-04,A,,,,4\n"
    )
    np.testing.assert_array_equal(found.closes[:, 0], [10, 5, np.nan])
    assert found.splits is not None
    assert found.splits[:, 0].tolist() == [1, 2, 1]
    assert found.dividends is not None
    assert found.dividends[:, 0].tolist() == [0, 0.5, 0]
    assert found.delistings is not None
    np.testing.assert_array_equal(found.delistings[:, 0], [np.nan, np.nan, 4])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,A\n2024-01-02,1\n", "no column date"),
        ("date\n2024-01-02\n", "a column of prices per symbol"),
        ("date,symbol\n2024-01-02,A\n", "needs date, symbol and close"),
        ("date,A\n02/01/2024,1\n", "line 2: '02/01/2024' is no day; write it as 2026-03-31"),
        ("date,A\n,1\n", "line 2: '' is no day"),
        ('date,A\n2024-01-02,"1,5"\n', "line 2: close of A '1,5' is no price"),
        ("date,A\n2024-01-02,nan\n", "line 2: close of A 'nan' is no price"),
        ("date,A\n2024-01-02,-1\n", "line 2: close of A '-1' is no price"),
        ("date,A\n2024-01-02,1\n2024-01-02,2\n", "line 3: A has a second price on 2024-01-02"),
        ("date,symbol,close,split\n2024-01-02,A,1,0\n", "line 2: split of A '0' is no price or ratio above zero"),
        ("date,symbol,close\n2024-01-02,,1\n", "line 2: no symbol"),
        ("date,symbol,close,delisted\n2024-01-02,A,1,1\n", "A has a price on 2024-01-02, but is delisted by then"),
        ("date,A\n", "the file has no prices"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(SeriesFileError, match=said.replace("(", r"\(")):
        read(text)


def test_every_fault_is_named_up_to_ten() -> None:
    with pytest.raises(SeriesFileError) as caught:
        read("date,A,B\n" + "".join(f"2024-01-{day:02},x,y\n" for day in range(1, 9)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("line 2: close of A 'x'")
    assert lines[-1] == "and 6 more faults"
