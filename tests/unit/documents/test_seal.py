"""The seal of a page: what it was made from, and whether it is whole."""

import pytest

from manna.documents.seal import seal_of, seal_on, sealed

PAGE = "<!doctype html>\n<p>1,204.00</p>\n"
SEAL = seal_of("household", 3)


def test_a_sealed_page_says_what_it_was_made_from() -> None:
    assert seal_on(sealed(PAGE, SEAL).encode()) == SEAL
    assert sealed(PAGE, SEAL).startswith(PAGE)


def test_other_facts_are_another_seal() -> None:
    assert len({SEAL, seal_of("household", 4), seal_of("household"), seal_of("household", "3")}) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda page: PAGE.encode(),
        lambda page: b"",
        lambda page: page.replace(b"1,204.00", b"9,204.00"),
        lambda page: page[:-10],
        lambda page: page + b"<p>more</p>",
        lambda page: page.replace(SEAL.encode(), b"0" * 10),
    ],
)
def test_a_page_that_was_touched_has_none(damage: object) -> None:
    assert callable(damage)
    assert seal_on(damage(sealed(PAGE, SEAL).encode())) is None
