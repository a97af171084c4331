"""What the books ask a person, and the answers: is this account that one, does this decision still hold.

What belongs here: what `manna accounts` shows and writes down. What does not: recognising anything
(``manna.cleaning``), or how it is printed.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

from assets.clean import cleaning_context
from manna.categorizing import proposals
from manna.cleaning.identity import Decision, identities
from resources.installation import Installation

_SHORTEST = 8


class AnswerError(Exception):
    """The answer cannot be taken. One line that says why."""


def listed(manna: Installation) -> pl.DataFrame:
    """Every account: account, book, institution, name, mask, type, state, may_continue, reason.

    ``state``: ``taken``, or ``held`` until a person says whether it is one of ``may_continue``.
    """
    taken = manna.lake.query(
        "SELECT account_id AS account, book, institution, name, mask, coalesce(subtype, type) AS type, "
        "'taken' AS state, NULL::VARCHAR AS may_continue, NULL::VARCHAR AS reason FROM clean.accounts"
    )
    held = manna.lake.query(
        "SELECT account_id AS account, book, institution, name, mask, NULL::VARCHAR AS type, 'held' AS state, "
        "candidates AS may_continue, reason FROM clean.account_questions"
    )
    return pl.concat([held, taken]).sort("state", "book", "institution", "name", "account")


def shortened(accounts: pl.DataFrame) -> pl.DataFrame:
    """The same for a terminal: ids as short as they can be told apart, questions only where there are any."""
    ids = accounts["account"].to_list()
    length = next((n for n in range(_SHORTEST, 64) if len({i[:n] for i in ids}) == len(set(ids))), 64)
    if (accounts["state"] == "taken").all():
        accounts = accounts.drop("state", "may_continue", "reason")
        return accounts.with_columns(pl.col("account").str.slice(0, length))
    return accounts.with_columns(
        pl.col("account").str.slice(0, length),
        pl.col("may_continue").str.split(",").list.eval(pl.element().str.slice(0, length)).list.join(" or "),
    )


def same(manna: Installation, new: str, old: str, by: str) -> str:
    """Writes down that account ``new`` continues ``old``; returns what was done, in words.

    Args:
        manna: the installation.
        new, old: ids as the providers gave them, or beginnings that name one account each.
        by: who says so.

    Raises:
        AnswerError: no or several such accounts, or they cannot be one.
    """
    later, former = _found(manna, new), _found(manna, old)
    now, context = manna.settings.now(), cleaning_context(manna)
    word = Decision(later["book"], later["source_id"], former["source_id"], now)
    raw = manna.lake.read("raw.plaid_accounts")
    owners = identities(raw, context.institutions, [*context.decisions, word], context.statuses).owners
    ours = owners.get(former["source_id"], former["source_id"])
    if later["source_id"] == former["source_id"] or owners.get(later["source_id"]) != ours:
        raise AnswerError(
            f"{new} cannot continue {old}: it must come through a later login of the same book, "
            "and two accounts of one login are never the same"
        )
    manna.ops.decide_account(word.book, word.account_id, word.same_as, by, now)
    return f"{later['source_id']} continues {ours}; `manna run nightly_close` joins their histories"


def different(manna: Installation, new: str, by: str) -> str:
    """Writes down that account ``new`` continues no other one; returns what was done, in words.

    Raises:
        AnswerError: no or several such accounts.
    """
    later = _found(manna, new)
    manna.ops.decide_account(later["book"], later["source_id"], None, by, manna.settings.now())
    return f"{later['source_id']} is an account of its own; `manna run nightly_close` takes it in"


def to_review(manna: Installation) -> pl.DataFrame:
    """Decisions that may hold for a posted row whose amount has changed: see ``following.proposals``."""
    return proposals(manna.ops.overrides(), manna.lake.read("clean.successions"))


def carry(manna: Installation, pending: str, by: str) -> str:
    """Takes over what was decided on the row ``pending`` for the row it probably became.

    Raises:
        AnswerError: nothing is proposed for it.
    """
    open_ = [row for row in to_review(manna).to_dicts() if row["predecessor_id"].startswith(pending)]
    ids = [str(each["predecessor_id"]) for each in open_]
    row = _only(open_, pending, "decision to review", ids, "review")
    last = manna.ops.overrides().filter(pl.col("transaction_id") == row["predecessor_id"]).tail(1)
    # Splits are of the former amount, so they are not taken over.
    manna.ops.decide(
        row["book"], row["successor_id"], row["category"], by, manna.settings.now(), note=last["note"].item()
    )
    return f"{row['successor_id']} is {row['category']}; `manna run nightly_close` books it so"


def _found(manna: Installation, text: str) -> dict[str, Any]:
    """The account whose id is ``text`` or begins with it."""
    known = manna.lake.query(
        "SELECT DISTINCT source_id, book FROM raw.plaid_accounts WHERE starts_with(source_id, ?)", [text]
    ).to_dicts()
    exact = [row for row in known if row["source_id"] == text]
    return _only(exact or known, text, "account", [str(row["source_id"]) for row in known])


def _only(
    found: list[dict[str, Any]], text: str, what: str, ids: Iterable[str], shown_by: str = "list"
) -> dict[str, Any]:
    if len(found) == 1 and text:
        return found[0]
    if not found:
        raise AnswerError(f"there is no {what} {text!r}; `manna accounts {shown_by}` shows them")
    raise AnswerError(f"{text!r} could be any of {', '.join(sorted(ids))}; write more of it")
