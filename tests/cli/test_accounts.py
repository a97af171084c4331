"""`manna accounts`: what it lists, and answers that cannot be taken."""

import json

import pytest
from console import Demo, Manna


def test_every_account_is_listed_with_its_whole_id(demo: Demo, manna: Manna) -> None:
    said = manna(demo.data_dir, "accounts", "list", "--format", "json", MANNA_POSTGRES_URL=demo.url)
    assert said.code == 0, said.err
    rows = json.loads(said.out)
    assert {row["state"] for row in rows} == {"taken"}
    assert {row["book"] for row in rows} == {"household", "studio"}
    plaid = [row["account"] for row in rows if row["institution"] != "Alpaca"]
    assert {len(account) for account in plaid} == {37}


def test_a_terminal_gets_short_ids_and_no_empty_columns(demo: Demo, manna: Manna) -> None:
    said = manna(demo.data_dir, "accounts", "list", MANNA_POSTGRES_URL=demo.url)
    assert said.code == 0, said.err
    assert "First Platypus Bank" in said.out
    assert "may continue" not in said.out


def test_nothing_is_to_be_reviewed(demo: Demo, manna: Manna) -> None:
    said = manna(demo.data_dir, "accounts", "review", "--format", "json", MANNA_POSTGRES_URL=demo.url)
    assert (said.code, json.loads(said.out)) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("same", "nobody", "noone"), "there is no account 'nobody'"),
        (("different", "nobody"), "there is no account 'nobody'"),
        (("carry", "nothing"), "there is no decision to review 'nothing'"),
        (("list", "--format", "xml"), "xml"),
        (("review", "--format", "xml"), "xml"),
        (("same", "only-one"), "Missing argument"),
    ],
)
def test_what_cannot_be_is_one_line(demo: Demo, manna: Manna, arguments: tuple[str, ...], why: str) -> None:
    said = manna(demo.data_dir, "accounts", *arguments, MANNA_POSTGRES_URL=demo.url)
    assert said.code != 0
    assert why in said.err
    assert len(said.err.strip().splitlines()) <= 2
