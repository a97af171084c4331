"""The arithmetic of a loan that is repaid in level payments.

What belongs here: the payment, and what a payment consists of. What does not: which payments there are, or where they are
booked (:mod:`loans`). Rates are percent a year; interest is that of a twelfth of a year, rounded per payment, as United
States lenders reckon it (Regulation Z, 12 CFR 1026.22 and appendix J, for regular monthly periods).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from manna.money import round_money

_PERIODS = Decimal(1200)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a payment consists of; all of them sum to it. ``rest`` is what nobody can explain, and may be negative."""

    principal: Decimal
    interest: Decimal
    escrow: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)

    @property
    def paid(self) -> Decimal:
        """The payment."""
        return self.principal + self.interest + self.escrow + self.rest


def installment(principal: Decimal, rate: Decimal, months: int, currency: str) -> Decimal:
    """The level monthly payment that repays ``principal`` in ``months``: P r / (1 - (1 + r)^-n), the annuity."""
    if not rate:
        return round_money(principal / months, currency)
    with localcontext(prec=40):
        monthly = rate / _PERIODS
        payment = principal * monthly / (1 - (1 + monthly) ** -months)
    return round_money(payment, currency)


def interest_of(owed: Decimal, rate: Decimal, currency: str) -> Decimal:
    """A month's interest on what is owed."""
    return round_money(owed * rate / _PERIODS, currency)


def divided(paid: Decimal, decrease: Decimal, interest: Decimal, escrow: Decimal | None) -> Parts:
    """A payment by what the balance went down by.

    Args:
        paid: what was paid, positive.
        decrease: of what is owed: the principal.
        interest: by the lender's figures or the schedule; never more than is left beside the principal.
        escrow: what of it is for taxes and insurance; null: all that is left, because the lender keeps an escrow account.
    """
    left = paid - decrease
    counted = min(interest, max(left, Decimal(0)))
    rest = left - counted
    held = max(rest, Decimal(0)) if escrow is None else min(escrow, max(rest, Decimal(0)))
    return Parts(decrease, counted, held, rest - held)


def walked_back(
    owed_after: Decimal,
    payments: Sequence[Decimal],
    rate: Decimal,
    installed: Decimal | None,
    currency: str,
) -> list[Parts]:
    """What payments before the first known balance consisted of, reckoned backwards from it.

    Before a payment of principal and interest ``p`` after which ``b`` is owed, ``(b + p) / (1 + r)`` was owed; that
    amount's interest is in it.

    Args:
        owed_after: the first known balance, positive.
        payments: what was paid, oldest first.
        rate: percent a year.
        installed: principal and interest of a regular payment, beyond which all is escrow; null: there is no escrow.
        currency: of all amounts.
    """
    found = []
    owed = owed_after
    for paid in reversed(payments):
        regular = paid if installed is None else min(paid, installed)
        with localcontext(prec=40):
            before = (owed + regular) / (1 + rate / _PERIODS)
        interest = min(interest_of(before, rate, currency), regular)
        found.append(Parts(regular - interest, interest, paid - regular))
        owed += regular - interest
    return found[::-1]
