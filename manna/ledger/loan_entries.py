"""The entries of loans of which the lender tells balances alone: payments divided into principal, interest and escrow.

What belongs here: which payments lowered which balance, what they consisted of, and their entries. What does not: what is
known of a loan (:mod:`loans`), or the arithmetic (:mod:`amortizing`).

A payment leaves the bank on one day and lowers the balance on another, so it goes through ``Assets:In Transit``, and net
worth does not dip meanwhile. Payments before the first balance are divided by the schedule, reckoned backwards. A
payment that lowers no balance, and whose division nobody knows, stays the expense that its category says.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.contracts.categorized import SPLITS
from manna.contracts.ledger import ADJUSTING
from manna.ledger.amortizing import Parts, divided, interest_of, walked_back
from manna.ledger.chart import IN_TRANSIT, LOAN_CHANGES, OPENING_BALANCES, SUSPENSE
from manna.ledger.journal import Entry, Line, balanced
from manna.ledger.loans import Loan, Payment

_LAG = timedelta(days=15)
"""So long after a payment a lender may take to show it."""
_AHEAD = timedelta(days=4)
"""So long before the bank posts a payment the lender may have it already."""
_PATIENCE = timedelta(days=35)
"""So long a payment is on its way; after that no balance will show it."""
_ZERO = Decimal(0)
_YEAR_END = (12, 31)
SOURCE = "ops.tax_forms"
FORMS = {
    "form_id": pl.Int64(),
    "year": pl.Int64(),
    "form": pl.String(),
    "issuer": pl.String(),
    "account_id": pl.String(),
    "boxes": pl.String(),
}
"""Columns of ``ops.tax_forms`` that are needed here; ``boxes`` is JSON: box to amount (text)."""
_INTEREST_BOX = "1"
"""Form 1098, box 1: mortgage interest received from the payer."""


@dataclass(slots=True)
class BookedLoans:
    """What follows from loans: their entries, divisions of bank rows, and the interest booked by loan and year."""

    entries: list[Entry] = field(default_factory=list)
    splits: list[tuple[str, int, str, Decimal, str]] = field(default_factory=list)
    interest: dict[tuple[str, int], Decimal] = field(default_factory=dict)

    def split_rows(self, book_id: str) -> pl.DataFrame:
        """The divisions as rows of categorized.splits."""
        rows = [
            (transaction_id, position, book_id, category, amount, currency)
            for transaction_id, position, category, amount, currency in self.splits
        ]
        return pl.DataFrame(rows, schema=SPLITS.polars_schema, orient="row")


def book_loans(loans: Sequence[Loan], heard: date, opened: Mapping[str, date]) -> BookedLoans:
    """Entries of all loans' balances, and how the bank's rows that paid them are divided.

    Args:
        loans: :func:`find_loans`.
        heard: the last day of which the book knows anything.
        opened: the day of each account's opening.
    """
    booked = BookedLoans()
    for loan in loans:
        if not loan.owed:
            continue
        deposits, left = _changes(loan, booked)
        _before(loan, left, booked)
        for payment in left:
            since_told = payment.day > loan.owed[-1][0] - _LAG and payment.day > loan.owed[0][0]
            if since_told and heard - payment.day <= _PATIENCE:
                booked.splits.append(_whole(loan, payment))
        booked.entries += _escrow(loan, deposits, opened[loan.account.account_id])
    return booked


def _changes(loan: Loan, booked: BookedLoans) -> tuple[list[tuple[date, Decimal]], list[Payment]]:
    """An entry per change of the balance. Returns what was put into escrow, by day, and the payments left over."""
    left, deposits, last = list(loan.payments), list[tuple[date, Decimal]](), loan.owed[0][0]
    for (since, before), (day, after) in zip(loan.owed, loan.owed[1:], strict=False):
        if before == after:
            continue
        principal = before - after
        paying = _paying(left, last, since, day) if principal > 0 else []
        lines = [Line(loan.account.cash, principal, loan.account.currency, loan.account.account_id)]
        if paying:
            last = day
            parts = _parts(loan, paying, since, day, before, principal)
            lines += _other_lines(loan, parts)
            lines.append(Line(IN_TRANSIT, -parts.paid, loan.account.currency))
            deposits.append((day, parts.escrow))
            year = (loan.account.account_id, day.year)
            booked.interest[year] = booked.interest.get(year, _ZERO) + parts.interest
            booked.splits += [_whole(loan, payment) for payment in paying]
            left = [payment for payment in left if payment not in paying]
        text = "Loan payment" if paying else "Loan balance change"
        source_id = f"{loan.account.account_id}/{day}"
        told = tuple(lines) if paying else balanced(lines, LOAN_CHANGES)
        booked.entries.append(Entry(day, "balance", text, "clean.balances", source_id, told))
    return deposits, left


def _paying(left: Sequence[Payment], last: date, since: date, day: date) -> list[Payment]:
    """The payments that lowered the balance of ``day``: those since the last decrease; else the nearest one before, or
    one that the lender had before the bank."""
    fresh = [p for p in left if max(last, min(since, day - _LAG)) < p.day <= day]
    if fresh:
        return fresh
    earlier = [p for p in left if day - _LAG <= p.day <= day]
    return earlier[-1:] or [p for p in left if day < p.day <= day + _AHEAD][:1]


def _parts(
    loan: Loan, paying: Sequence[Payment], since: date, day: date, before: Decimal, principal: Decimal
) -> Parts:
    paid = sum((payment.amount for payment in paying), _ZERO)
    interest, rate = loan.interest_told(since, day), loan.rate(day)
    if interest is None or interest > paid - principal:
        interest = _ZERO
        if rate is not None:
            interest = interest_of(before, rate, loan.account.currency) * len(paying)
    own = loan.setting.escrow if loan.setting else None
    escrow = own * len(paying) if own is not None else None if loan.keeps_escrow else _ZERO
    return divided(paid, principal, interest, escrow)


def _other_lines(loan: Loan, parts: Parts) -> list[Line]:
    """All of a payment but its principal."""
    accounts = ((loan.interest, parts.interest), (loan.escrow, parts.escrow), (SUSPENSE, parts.rest))
    return [Line(account, amount, loan.account.currency) for account, amount in accounts if amount]


def _before(loan: Loan, left: Sequence[Payment], booked: BookedLoans) -> None:
    """Divides the payments that the first balance includes, by the schedule. Without one they stay as they are.

    What was put into escrow before anybody told its balance has been spent by now, as far as anybody knows.
    """
    first, owed = loan.owed[0]
    earlier = [payment for payment in left if payment.day <= first]
    rate, installed = loan.rate(first), loan.installed() if loan.keeps_escrow else None
    if rate is None or (installed is None and loan.keeps_escrow):
        return
    amounts = [payment.amount for payment in earlier]
    walked = walked_back(owed, amounts, rate, installed, loan.account.currency)
    for payment, parts in zip(earlier, walked, strict=True):
        accounts = (
            (loan.account.cash, parts.principal),
            (loan.interest, parts.interest),
            (loan.escrow_pays, parts.escrow),
        )
        given = [(account, amount) for account, amount in accounts if amount]
        for position, (account, amount) in enumerate(given, start=1):
            booked.splits.append((payment.transaction_id, position, account, -amount, loan.account.currency))
        year = (loan.account.account_id, payment.day.year)
        booked.interest[year] = booked.interest.get(year, _ZERO) + parts.interest


def _whole(loan: Loan, payment: Payment) -> tuple[str, int, str, Decimal, str]:
    return payment.transaction_id, 1, IN_TRANSIT, -payment.amount, loan.account.currency


def _escrow(loan: Loan, deposits: Sequence[tuple[date, Decimal]], opened: date) -> list[Entry]:
    """What the lender held at first, what it has paid out of it since, and what it has added.

    A stated balance counts once it has had time to include the last payment.
    """
    stated = [(row["as_of"], row["escrow"]) for row in loan.terms if row["escrow"] is not None]
    entries: list[Entry] = []
    held = _ZERO
    for position, (day, amount) in enumerate(stated):
        put = sum((part for on, part in deposits if on <= day), _ZERO)
        if position and any(day - _AHEAD <= on <= day for on, _ in deposits):
            continue
        change = amount - put - held
        if not change:
            continue
        held += change
        counter, text = (
            (loan.escrow_pays, "Paid from escrow") if change < 0 else (SUSPENSE, "Added to escrow")
        )
        kind = "balance"
        if not position:
            day, kind, counter, text = opened, "opening", OPENING_BALANCES, "Opening of escrow"
        source_id = f"{loan.account.account_id}/{stated[position][0]}"
        line = Line(loan.escrow, change, loan.account.currency)
        entries.append(Entry(day, kind, text, "clean.loan_terms", source_id, balanced([line], counter)))
    return entries


def trued_up(book_id: str, loans: Sequence[Loan], booked: BookedLoans, forms: pl.DataFrame) -> list[Entry]:
    """What Form 1098 says of a year's interest beyond what was booked, as an adjusting entry of its last day.

    Args:
        book_id: the book.
        loans: all its loans.
        booked: what they came to.
        forms: rows of :data:`FORMS` that count; one that names no account is about the only mortgage of its issuer.
    """
    told: dict[tuple[str, int], list[tuple[int, Decimal]]] = {}
    for form in forms.filter(pl.col("form") == "1098").sort("form_id").iter_rows(named=True):
        meant = [loan for loan in loans if _is_about(form, loan)]
        said = json.loads(form["boxes"]).get(_INTEREST_BOX)
        if (
            len(meant) == 1 and said is not None
        ):  # a loan that was sold within the year has a form of each lender
            told.setdefault((meant[0].account.account_id, form["year"]), []).append(
                (form["form_id"], Decimal(said))
            )
    known = {loan.account.account_id: loan for loan in loans}
    entries = []
    for (account_id, year), said in sorted(told.items()):
        loan, paid = known[account_id], sum((amount for _, amount in said), _ZERO)
        line = Line(
            loan.interest, paid - booked.interest.get((account_id, year), _ZERO), loan.account.currency
        )
        if line.amount:
            text, source_id = f"Interest of {year} by Form 1098", f"{said[0][0]}/{book_id}"
            lines = balanced([line], SUSPENSE)
            entries.append(Entry(date(year, *_YEAR_END), ADJUSTING, text, SOURCE, source_id, lines))
    return entries


def _is_about(form: Mapping[str, Any], loan: Loan) -> bool:
    if form["account_id"] is not None:
        return bool(form["account_id"] == loan.account.account_id)
    return loan.is_mortgage and loan.institution.casefold() == form["issuer"].casefold()
