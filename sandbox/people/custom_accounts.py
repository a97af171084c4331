"""The accounts of custom users: what their file forces a bank to say.

Here belong the differences from `bank`, `loans` and `investments`. Reading the file belongs to
`custom_user_file`, putting a person together to `custom_users`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.market import add_months
from sandbox.people.bank import BankAccount, CardAccount, cents
from sandbox.people.calendar import instant, months_between
from sandbox.people.custom_user_file import CustomHolding, CustomSecurity, Liability, OverrideAccount
from sandbox.people.investments import InvestmentAccount, Quote, Security, cash_security
from sandbox.people.loans import installment
from sandbox.people.model import ZERO, Account, Json, plaid_id

# What Plaid's own sandbox shows for an account whose file says nothing.
PLAID_BALANCES = {
    "checking": Decimal("110.00"),
    "savings": Decimal("210.00"),
    "cd": Decimal("1000.00"),
    "credit card": Decimal("410.00"),
    "money market": Decimal("43200.00"),
    "ira": Decimal("320.76"),
    "401k": Decimal("23631.98"),
    "mortgage": Decimal("56302.06"),
    "hsa": Decimal("6009.00"),
}
SUBTYPE_OF_TYPE = {
    "buy": "buy",
    "sell": "sell",
    "cash": "deposit",
    "fee": "account fee",
    "transfer": "transfer",
}

Known = tuple[str, str, str | None, str, str, str]


@dataclass
class CustomBankAccount(BankAccount):
    """A depository account whose available balance may be forced."""

    forced_available: Decimal | None = None
    null_available: bool = False

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        available, current = super().balances(when)
        if self.null_available:
            return None, current
        return (available if self.forced_available is None else self.forced_available), current


@dataclass
class CustomCardAccount(CardAccount):
    """A card, or a loan without terms, whose liability record is stated in the file."""

    forced_available: Decimal | None = None
    null_available: bool = False
    stated: Liability | None = None

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        available, current = super().balances(when)
        if self.null_available:
            return None, current
        return (available if self.forced_available is None else self.forced_available), current

    def liability(self, when: datetime) -> tuple[str, Json] | None:
        if self.stated is None:
            return super().liability(when) if self.type == "credit" else None
        kind, record = super().liability(when) or ("credit", {})
        rates = {
            "purchase_apr": self.stated.purchase_apr,
            "cash_apr": self.stated.cash_apr,
            "balance_transfer_apr": self.stated.balance_transfer_apr,
            "special": self.stated.special_apr,
        }
        record["aprs"] = [
            {
                "apr_percentage": rate,
                "apr_type": name,
                "balance_subject_to_apr": None,
                "interest_charge_amount": None,
            }
            for name, rate in rates.items()
            if rate is not None
        ]
        record["is_overdue"] = self.stated.is_overdue
        for name in ("last_payment_amount", "minimum_payment_amount"):
            if getattr(self.stated, name) is not None:
                record[name] = getattr(self.stated, name)
        return kind, record


@dataclass
class StudentLoanAccount(Account):
    """A student loan repaid by the standard model: nothing for a while, then level payments.

    The balance is the principal that remains (no payment is late, interest before repayment is not added to
    it); `stated` replaces it when the file gives a starting balance.
    """

    terms: Liability = field(default_factory=lambda: Liability(type="credit"))
    stated: Decimal | None = None

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        return None, self.stated if self.stated is not None else self._repaid(when)[0]

    def _repaid(self, when: datetime) -> tuple[Decimal, int]:
        """(principal that remains, number of payments made) at `when`."""
        balance, model = self.terms.principal or ZERO, self.terms.repayment_model
        payment = self._payment()
        due = max(0, months_between(self._originated(), when.date()) - model.non_repayment_months)
        made = 0
        while made < min(due, model.repayment_months):
            interest = cents(balance * (self.terms.nominal_apr or ZERO) / 1200)
            balance -= min(balance, payment - interest)
            made += 1
        return (ZERO if made == model.repayment_months else balance), made

    def _originated(self) -> date:
        return self.terms.origination_date or date(2020, 1, 1)

    def _payment(self) -> Decimal:
        principal, months = self.terms.principal or ZERO, self.terms.repayment_model.repayment_months
        if not self.terms.nominal_apr:
            return cents(principal / months)
        return installment(principal, self.terms.nominal_apr, months)

    def liability(self, when: datetime) -> tuple[str, Json] | None:
        terms, model = self.terms, self.terms.repayment_model
        _, made = self._repaid(when)
        first_due = add_months(self._originated(), model.non_repayment_months + 1)
        payoff = terms.expected_payoff_date or add_months(first_due, model.repayment_months - 1)
        payment = self._payment()
        address = (terms.servicer_address or {}).get("data") or {}
        status = terms.loan_status
        return "student", {
            "account_id": self.account_id,
            "account_number": plaid_id(self.account_id, "number")[:10],
            "disbursement_dates": [self._originated().isoformat()],
            "expected_payoff_date": payoff.isoformat(),
            "guarantor": terms.guarantor or "DEPT OF ED",
            "interest_rate_percentage": terms.nominal_apr,
            "is_overdue": terms.is_overdue,
            "last_payment_amount": payment if made else None,
            "last_payment_date": add_months(first_due, made - 1).isoformat() if made else None,
            "last_statement_balance": None,
            "last_statement_issue_date": None,
            "loan_name": terms.loan_name,
            "loan_status": {
                "end_date": (status.end_date or payoff).isoformat(),
                "type": status.type or "repayment",
            },
            "minimum_payment_amount": terms.minimum_payment_amount or payment,
            "next_payment_due_date": add_months(first_due, made).isoformat(),
            "origination_date": self._originated().isoformat(),
            "origination_principal_amount": terms.principal,
            "outstanding_interest_amount": None,
            "payment_reference_number": terms.payment_reference_number,
            "pslf_status": {
                "estimated_eligibility_date": None,
                "payments_made": None,
                "payments_remaining": None,
            },
            "repayment_plan": {
                "description": terms.repayment_plan_description or "Standard Repayment",
                "type": terms.repayment_plan_type or "standard",
            },
            "sequence_number": terms.sequence_number,
            "servicer_address": {
                part: address.get(part) for part in ("city", "region", "street", "postal_code", "country")
            },
            "ytd_interest_paid": None,
            "ytd_principal_paid": None,
        }


@dataclass
class CustomInvestmentAccount(InvestmentAccount):
    """Holdings as the file states them: trades are told, but do not change what the institution reports."""

    stated: list[CustomHolding] = field(default_factory=list)

    def holdings(self, when: datetime) -> list[tuple[Security, Json]]:
        found = []
        for given in self.stated:
            security = self.securities[_key(given.security)]
            found.append(self._holding(security, given.quantity, given.cost_basis, when))
        return found

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        return None, sum((holding["institution_value"] for _, holding in self.holdings(when)), ZERO)


def open_investment_account(
    known: Known, given: OverrideAccount, served_from: date, zone: ZoneInfo
) -> CustomInvestmentAccount:
    """An investment account of a file; without holdings it holds its starting balance in cash."""
    account = CustomInvestmentAccount(
        *known, currency=given.currency, cash_key=None, stated=list(given.holdings)
    )
    if not given.holdings:
        cash = given.starting_balance
        if cash is None:
            cash = PLAID_BALANCES.get(given.subtype, ZERO)
        account.stated.append(_cash_holding(cash, given.currency))
    for holding in account.stated:
        key = _key(holding.security)
        account.securities[key] = _security(
            holding.security, holding.institution_price, holding.institution_price_as_of or served_from
        )
    for trade in given.investment_transactions:
        key_ = _key(trade.security) if trade.security else None
        if trade.security and key_ and key_ not in account.securities:
            account.securities[key_] = _security(trade.security, trade.price, trade.date)
        account.record(
            instant(trade.date, 19, 0, zone), trade.date, key_, trade.type, SUBTYPE_OF_TYPE[trade.type], trade.name,
            quantity=trade.quantity, price=trade.price, amount=cents(trade.quantity * trade.price + trade.fees), fees=trade.fees,
        )  # fmt: skip
    return account


def _key(security: CustomSecurity) -> str:
    return security.ticker_symbol or security.cusip or security.isin or ""


def _cash_holding(amount: Decimal, currency: str) -> CustomHolding:
    security = CustomSecurity(ticker_symbol=cash_security(currency).key, currency=currency)
    return CustomHolding(
        institution_price=Decimal(1), quantity=amount, cost_basis=amount, currency=currency, security=security
    )


def _security(given: CustomSecurity, price: Decimal, day: date) -> Security:
    key = _key(given)
    if key.startswith("CUR:"):
        return cash_security(given.currency)

    def quote(_: datetime) -> Quote:
        return price, day

    return Security(key, given.name or key, "equity", "common stock", quote, given.ticker_symbol,
                    currency=given.currency, isin=given.isin, cusip=given.cusip)  # fmt: skip
