"""What a person decided on a row holds for the row that took its place."""

import polars as pl
import pytest

from manna.categorizing.following import DECISIONS, followed, proposals
from manna.contracts.continuity import SUCCESSIONS

Decided = tuple[str, str]


def decisions(*said: Decided) -> pl.DataFrame:
    rows = [(row_id, category, f"note on {row_id}", '[{"amount": "1"}]', "ana") for row_id, category in said]
    return pl.DataFrame(rows, schema=DECISIONS, orient="row")


def successors(*pairs: tuple[str, str] | tuple[str, str, bool]) -> pl.DataFrame:
    rows = [
        {
            "predecessor_id": pair[0],
            "successor_id": pair[1],
            "book": "home",
            "account_id": "card",
            "how": "same_amount",
            "certain": len(pair) == 2,
            "reason": "because",
        }
        for pair in pairs
    ]
    return pl.DataFrame(rows, schema=SUCCESSIONS.polars_schema)


CHAIN = successors(("pending", "posted"), ("posted", "relinked"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], {}),
        ([("other", "A")], {"other": "A"}),
        ([("pending", "A")], {"pending": "A", "posted": "A", "relinked": "A"}),
        ([("pending", "A"), ("posted", "B")], {"pending": "A", "posted": "B", "relinked": "B"}),
        ([("posted", "B"), ("pending", "A")], {"pending": "A", "posted": "A", "relinked": "A"}),
        ([("pending", "A"), ("relinked", "C"), ("relinked", "D")], {"pending": "A", "posted": "A", "relinked": "D"}),
    ],
)  # fmt: skip
def test_the_last_word_on_any_row_of_a_chain_holds_for_what_came_of_it(
    said: list[Decided], expected: dict[str, str]
) -> None:
    found = followed(decisions(*said), CHAIN)
    assert dict(found.select("transaction_id", "category").iter_rows()) == expected


def test_note_splits_and_who_decided_on_what_follow_too() -> None:
    found = followed(decisions(("pending", "A")), CHAIN).row(2, named=True)
    assert found == {
        "transaction_id": "relinked",
        "category": "A",
        "note": "note on pending",
        "splits": '[{"amount": "1"}]',
        "decided_by": "ana",
        "decided_on": "pending",
    }


def test_what_is_not_certain_is_proposed_until_somebody_decides() -> None:
    unsure = successors(("pending", "posted", False), ("posted", "relinked"))
    said = decisions(("pending", "A"))
    assert followed(said, unsure)["transaction_id"].to_list() == ["pending"]
    assert proposals(said, unsure).rows() == [("home", "pending", "posted", "A", "ana", "because")]
    assert proposals(decisions(("pending", "A"), ("posted", "B")), unsure).is_empty()
    assert proposals(decisions(), unsure).is_empty()
