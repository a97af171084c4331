"""The accounts, and which of them are one: ``clean.accounts`` and ``clean.account_questions``.

What belongs here: what every other table has to know of accounts. What does not: how an account is
recognised (``identity``).
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from manna.cleaning import alpaca, plaid
from manna.cleaning.context import Context, Raw
from manna.cleaning.decoding import Cleaned, Payload, Reader, both, latest, refused, typed
from manna.cleaning.identity import Identities, identities
from manna.contracts import clean as c
from manna.contracts.continuity import ACCOUNT_QUESTIONS

HELD = "it may continue an account of a former login: `manna accounts list` says which, and asks"


def _with_institution(raw: pl.DataFrame, context: Context) -> pl.DataFrame:
    return raw.with_columns(
        institution=pl.col("connection_id").replace_strict(
            dict(context.institutions), default="unknown institution", return_dtype=pl.String
        )
    )


def who_is_who(raw: Raw, context: Context) -> Identities:
    """Which accounts are one."""
    return identities(raw["raw.plaid_accounts"], context.institutions, context.decisions, context.statuses)


def each_account(raw: Raw, context: Context) -> Cleaned:
    """Rows of ``clean.accounts`` under the providers' ids; one that a person is asked about is held."""
    told = _with_institution(latest(raw["raw.plaid_accounts"]), context)
    held = pl.col("source_id").is_in(list(who_is_who(raw, context).held))
    return both(
        c.ACCOUNTS,
        refused(c.ACCOUNTS, told.filter(held), HELD),
        typed(c.ACCOUNTS, told.filter(~held), _by_its_id(plaid.account)),
        typed(c.ACCOUNTS, latest(raw["raw.alpaca_account"]), _by_its_id(alpaca.account)),
    )


def _by_its_id(read: Reader) -> Reader:
    """``read``, for accounts whose id is text: ``raw`` knows no other, and all else is looked up by it."""

    def account(payload: Payload, row: Mapping[str, Any]) -> Mapping[str, Any]:
        found = read(payload, row)
        if not isinstance(found["account_id"], str | None):
            raise TypeError("the account's id is no text")
        return found

    return account


def taken(raw: Raw, context: Context) -> pl.Series:
    """Ids, the providers', of the accounts whose rows are taken."""
    return each_account(raw, context).rows["account_id"]


def with_rows(part: Cleaned, rows: pl.DataFrame) -> Cleaned:
    """``part`` with other rows; what says the same thing once more does not count as received."""
    said_twice = part.rows.height - rows.height
    return Cleaned(rows, part.quarantined, part.received - said_twice)


def of_the_latest_login(part: Cleaned, who: Identities) -> Cleaned:
    """Of rows that describe one account through several logins those of the latest, under Manna's id."""
    if not who.chains:
        return part
    ranked = part.rows.sort(
        pl.col("account_id").replace_strict(who.ranks, default=0, return_dtype=pl.Int64), maintain_order=True
    )
    owned = ranked.with_columns(pl.col("account_id").replace(who.owners))
    return with_rows(part, owned.unique("account_id", keep="last", maintain_order=True))


def accounts(raw: Raw, context: Context) -> Cleaned:
    """``clean.accounts``: an account that vanished from its login stays, with its history."""
    return of_the_latest_login(each_account(raw, context), who_is_who(raw, context))


def account_questions(raw: Raw, context: Context) -> Cleaned:
    """``clean.account_questions``: what a person has to say before an account is taken."""
    asked = who_is_who(raw, context).questions
    listed = _with_institution(latest(raw["raw.plaid_accounts"]), context)
    described = typed(c.ACCOUNTS, listed, plaid.account).rows
    rows = pl.DataFrame(
        [(question.account_id, ",".join(question.candidates), question.reason) for question in asked],
        schema={"account_id": pl.String, "candidates": pl.String, "reason": pl.String},
        orient="row",
    ).join(described, on="account_id", how="inner", maintain_order="left")
    return Cleaned(ACCOUNT_QUESTIONS.conform(rows), c.QUARANTINE.empty(), rows.height)
