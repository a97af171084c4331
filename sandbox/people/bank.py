"""Checking, savings and card accounts: posting, pending, statements, interest.

Here belongs what a bank does to an account. Why it happens belongs to the people; loans without a
transaction feed to `loans`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.people.calendar import business_day, instant, next_business_day
from sandbox.people.dice import Dice
from sandbox.people.model import ZERO, Account, Json, Person, plaid_id
from sandbox.people.rows import Description, transaction_row

CENT = Decimal("0.01")
POSTING_HOUR = 5  # a bank tells of what it posted before the day begins
CLOSING_HOUR = 22


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded to cents, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


class BankAccount(Account):
    """A depository account. Current = opening - posted rows; available also subtracts pending rows."""

    # The last sums, and at which moment and after how many events: every page of a pass states the balances.
    _summed: tuple[datetime, int, tuple[Decimal, Decimal]] | None = None

    def totals(self, when: datetime) -> tuple[Decimal, Decimal]:
        """(sum of posted rows, sum of pending rows) the bank stands by at `when`, positive = money out."""
        if self._summed is None or self._summed[:2] != (when, len(self.events)):
            self._summed = (when, len(self.events), self._sums(when))
        return self._summed[2]

    def _sums(self, when: datetime) -> tuple[Decimal, Decimal]:
        posted = pending = ZERO
        for event in self.events:
            if event.moment > when or event.kind == "modified":
                continue  # the sandbox's modifications never change an amount
            amount: Decimal = event.row["amount"] if event.kind == "added" else -event.row["amount"]
            if event.row["pending"]:
                pending += amount
            else:
                posted += amount
        return posted, pending

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        posted, pending = self.totals(when)
        current = self.opening - posted
        return current - pending, current


@dataclass(frozen=True, slots=True)
class Statement:
    """A card's monthly statement: what is owed, and by when."""

    issued: date
    moment: datetime
    balance: Decimal
    due: date


@dataclass
class CardAccount(BankAccount):
    """A credit card. Current = opening + posted rows (owed); available = limit - current - pending."""

    apr: Decimal = ZERO
    statement_day: int = 1
    statements: list[Statement] = field(default_factory=list)

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        posted, pending = self.totals(when)
        current = self.opening + posted
        return (None if self.limit is None else self.limit - current - pending), current

    def close_statement(self, day: date, closing: datetime) -> None:
        """Issue the statement of `day`: what is owed at `closing`, due 25 days later."""
        self.statements.append(Statement(day, closing, self.balances(closing)[1], day + timedelta(days=25)))

    def liability(self, when: datetime) -> tuple[str, Json] | None:
        issued = [statement for statement in self.statements if statement.moment <= when]
        last = issued[-1] if issued else None
        payments = [
            event.row
            for event in self.events
            if event.moment <= when and event.kind == "added" and event.row["amount"] < 0
            and _is_card_payment(event.row)
        ]  # fmt: skip
        payment = payments[-1] if payments else None
        record: Json = {
            "account_id": self.account_id,
            "aprs": [
                {
                    "apr_percentage": self.apr,
                    "apr_type": "purchase_apr",
                    "balance_subject_to_apr": ZERO,
                    "interest_charge_amount": ZERO,
                }
            ],
            "is_overdue": False,
            "last_payment_amount": -payment["amount"] if payment else None,
            "last_payment_date": payment["date"] if payment else None,
            "last_statement_issue_date": last.issued.isoformat() if last else None,
            "last_statement_balance": last.balance if last else None,
            "minimum_payment_amount": minimum_payment(last.balance) if last else None,
            "next_payment_due_date": last.due.isoformat() if last else None,
        }
        return "credit", record


def _is_card_payment(row: Json) -> bool:
    category = row["personal_finance_category"]
    return bool(category) and category["detailed"] == "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"


def minimum_payment(balance: Decimal) -> Decimal:
    """What a card asks at least for a statement of `balance`: 1 %, no less than 35.00, no more than is owed."""
    return max(ZERO, min(balance, max(Decimal("35.00"), cents(balance / 100))))


class Banking(Person):
    """A person with bank accounts: the movements every such person makes."""

    def dice(self, day: date, purpose: str) -> Dice:
        """Chance for one purpose on one day."""
        return Dice(self.seed, self.book, day, purpose)

    def post(
        self,
        account: Account,
        day: date,
        description: Description,
        amount: Decimal,
        *,
        currency: str | None = "USD",
    ) -> Json:
        """Post a row on `day` without a pending row before it (transfers, bills, interest); positive = out."""
        row = transaction_row(
            account.account_id,
            self._row_id(account, day, description, amount),
            description,
            amount,
            day,
            authorized=day,
            currency=currency,
        )
        self.tell(account, instant(day, POSTING_HOUR, 30, self.zone), "added", row)
        return row

    def purchase(
        self,
        account: Account,
        day: date,
        description: Description,
        amount: Decimal,
        dice: Dice,
        tip: Decimal = ZERO,
    ) -> date:
        """Authorise a card purchase on `day`; it posts one to three days later, with the tip. Returns that day."""
        posted_on = day + timedelta(days=dice.whole(1, 3))
        pending = transaction_row(
            account.account_id,
            self._row_id(account, day, description, amount),
            description,
            amount,
            day,
            authorized=day,
            pending=True,
        )
        posted = transaction_row(
            account.account_id,
            plaid_id("posted", pending["transaction_id"]),
            description,
            amount + tip,
            posted_on,
            authorized=day,
            pending_transaction_id=pending["transaction_id"],
        )
        self.tell(account, instant(day, dice.whole(7, 21), dice.whole(0, 59), self.zone), "added", pending)
        posting = instant(posted_on, POSTING_HOUR, dice.whole(0, 59), self.zone)
        self.tell(account, posting, "removed", pending)
        if dice.chance(0.01):
            # Plaid recognises the merchant of a few rows only a day later.
            unrecognised = {**posted, "merchant_name": None, "merchant_entity_id": None, "counterparties": []}
            self.tell(account, posting, "added", unrecognised)
            self.tell(account, posting + timedelta(days=1), "modified", posted)
        else:
            self.tell(account, posting, "added", posted)
        return posted_on

    def transfer(
        self, origin: Account, target: Account, sent: date, received: date, amount: Decimal,
        out_text: Description, in_text: Description,
    ) -> None:  # fmt: skip
        """Move `amount` > 0 between two own accounts: one row in each."""
        self.post(origin, sent, out_text, amount)
        self.post(target, received, in_text, -amount)

    def settle_card(
        self, card: CardAccount, payer: Account, day: date, sent: Description, received: Description
    ) -> None:
        """Issue the card's statement on its day, and pay in full what is due: both legs.

        Called last on a day, so that the statement has all of it.
        """
        if day.day == card.statement_day:
            card.close_statement(day, instant(day, CLOSING_HOUR, 0, self.zone))
        for statement in card.statements:
            if business_day(statement.due) == day and statement.balance > 0:
                self.transfer(payer, card, day, next_business_day(day), statement.balance, sent, received)

    def balance(self, account: Account, day: date) -> Decimal:
        """The current balance after everything posted on `day`."""
        return account.balances(instant(day, CLOSING_HOUR, 0, self.zone))[1]

    def _row_id(self, account: Account, day: date, description: Description, amount: Decimal) -> str:
        # The count of rows so far tells true twins apart and is the same in every process.
        return plaid_id(account.account_id, day, description.name, amount, len(account.events))
