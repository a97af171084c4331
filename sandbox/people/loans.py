"""Mortgage and car loan: balances that amortize, with no transactions of their own.

Here belongs the loan as the lender keeps it. The payment that leaves the checking account belongs to the
person who makes it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sandbox.market import add_months
from sandbox.people.bank import cents
from sandbox.people.model import ZERO, Account, Json


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the lender booked it; `balance` is the principal that remains."""

    moment: datetime
    day: date
    interest: Decimal
    principal: Decimal
    balance: Decimal


def installment(principal: Decimal, apr: Decimal, months: int) -> Decimal:
    """The level monthly payment that repays `principal` in `months` at `apr` per cent a year."""
    rate = apr / 1200
    growth = (1 + rate) ** months
    return cents(principal * rate * growth / (growth - 1))


@dataclass
class LoanAccount(Account):
    """An amortizing loan; `principal` was lent on `originated`, payments so far were made on time."""

    principal: Decimal = ZERO
    apr: Decimal = ZERO
    months: int = 360
    originated: date = date(2020, 1, 1)
    payments: list[Payment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.installment = installment(self.principal, self.apr, self.months)

    def begin(self, start: date) -> None:
        """Set `opening` to what remains after the payments made before `start`."""
        balance, day = self.principal, add_months(self.originated, 1)
        while day < start and balance > 0:
            balance -= self._split(balance)[1]
            day = add_months(day, 1)
        self.opening = balance

    def due(self) -> Decimal:
        """The next payment of principal and interest; zero when the loan is repaid."""
        interest, principal = self._split(self._remaining())
        return interest + principal

    def pay(self, day: date, moment: datetime) -> None:
        """Book the installment due, told from `moment` on."""
        interest, principal = self._split(self._remaining())
        self.payments.append(Payment(moment, day, interest, principal, self._remaining() - principal))

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        made = self.made(when)
        return None, made[-1].balance if made else self.opening

    def made(self, when: datetime) -> list[Payment]:
        """The payments booked up to `when`, since the first day of the world."""
        return [payment for payment in self.payments if payment.moment <= when]

    def _remaining(self) -> Decimal:
        return self.payments[-1].balance if self.payments else self.opening

    def _split(self, balance: Decimal) -> tuple[Decimal, Decimal]:
        """(interest, principal) of the payment on `balance`; the last one pays what is left."""
        interest = cents(balance * self.apr / 1200)
        return interest, min(balance, self.installment - interest)


@dataclass
class MortgageAccount(LoanAccount):
    """A home loan, with the record Plaid gives of it; `escrow` is paid on top for taxes and insurance."""

    escrow: Decimal = ZERO
    account_number: str = ""
    address: Json = field(default_factory=dict)

    def liability(self, when: datetime) -> tuple[str, Json] | None:
        made = self.made(when)
        last = made[-1] if made else None
        this_year = [payment for payment in made if last and payment.day.year == last.day.year]
        monthly = self.installment + self.escrow
        return "mortgage", {
            "account_id": self.account_id,
            "account_number": self.account_number,
            "current_late_fee": ZERO,
            "escrow_balance": self.escrow * 4,
            "has_pmi": False,
            "has_prepayment_penalty": False,
            "interest_rate": {"percentage": self.apr, "type": "fixed"},
            "last_payment_amount": monthly if last else None,
            "last_payment_date": last.day.isoformat() if last else None,
            "loan_term": f"{self.months // 12} year",
            "loan_type_description": "conventional",
            "maturity_date": add_months(self.originated, self.months).isoformat(),
            "next_monthly_payment": monthly,
            "next_payment_due_date": add_months(last.day.replace(day=1), 1).isoformat() if last else None,
            "origination_date": self.originated.isoformat(),
            "origination_principal_amount": self.principal,
            "past_due_amount": ZERO,
            "property_address": self.address,
            "ytd_interest_paid": sum((payment.interest for payment in this_year), ZERO),
            "ytd_principal_paid": sum((payment.principal for payment in this_year), ZERO),
        }
