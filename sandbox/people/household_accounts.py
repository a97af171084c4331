"""The household's accounts as they are opened: names, masks, limits, first balances, institutions.

Here belongs what the accounts are. What happens on them belongs to `household`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.market import Market, add_months
from sandbox.people.bank import BankAccount, CardAccount
from sandbox.people.household_investments import Brokerage, Retirement
from sandbox.people.loans import LoanAccount, MortgageAccount
from sandbox.people.model import Login, plaid_id


@dataclass(frozen=True)
class HouseholdAccounts:
    """The ten accounts that Plaid shows; the eleventh is at Alpaca."""

    joint: BankAccount
    personal: BankAccount
    savings: BankAccount
    hsa: BankAccount
    cash_card: CardAccount
    travel_card: CardAccount
    mortgage: MortgageAccount
    car_loan: LoanAccount
    brokerage: Brokerage
    retirement: Retirement

    @classmethod
    def open(cls, start: date, seed: int, market: Market) -> "HouseholdAccounts":
        """Open them all with the balances of `start`."""

        def key(name: str) -> str:
            return plaid_id("account", seed, "household", name)

        mortgage = MortgageAccount(
            key("mortgage"), "Home Mortgage", "Platypus 30 Year Fixed Mortgage", "4471", "loan", "mortgage",
            principal=Decimal("385000.00"), apr=Decimal("3.625"), months=360,
            originated=add_months(start.replace(day=1), -65), escrow=Decimal("640.00"),
            account_number="3120194471",
            address={"street": "41 Harrison Avenue", "city": "Montclair", "region": "NJ", "postal_code": "07042", "country": "US"},
        )  # fmt: skip
        car_loan = LoanAccount(
            key("car loan"), "Auto Loan", "Gingham New Auto Loan", "2208", "loan", "auto",
            principal=Decimal("28500.00"), apr=Decimal("5.49"), months=60,
            originated=add_months(start.replace(day=12), -14),
        )  # fmt: skip
        mortgage.begin(start)
        car_loan.begin(start)
        brokerage = Brokerage(
            key("brokerage"), "Individual Brokerage", "Houndstooth Individual Brokerage Account", "9034", "investment", "brokerage",
            market=market,
        )  # fmt: skip
        retirement = Retirement(
            key("401k"), "Acme Robotics 401(k)", "Acme Robotics Retirement Savings Plan", "0117", "investment", "401k",
            market=market,
        )  # fmt: skip
        return cls(
            joint=BankAccount(key("joint"), "Joint Checking", "Platypus Everyday Checking", "7730", "depository", "checking", Decimal("6240.18")),
            personal=BankAccount(key("personal"), "Daniel Checking", "Gingham Free Checking", "5519", "depository", "checking", Decimal("3310.44")),
            savings=BankAccount(key("savings"), "High Yield Savings", "Tartan High Yield Savings", "4471", "depository", "savings", Decimal("18500.00")),
            hsa=BankAccount(key("hsa"), "Health Savings", "Houndstooth Health Savings Account", "0091", "depository", "hsa", Decimal("3120.75")),
            cash_card=CardAccount(key("cash card"), "Cash Rewards Card", "Platypus Cash Rewards Visa Signature", "8841", "credit", "credit card", Decimal("1890.22"), Decimal("15000.00"), apr=Decimal("22.49"), statement_day=14),
            travel_card=CardAccount(key("travel card"), "Travel Card", "Tartan Voyager World Mastercard", "0291", "credit", "credit card", Decimal("642.10"), Decimal("12000.00"), apr=Decimal("24.99"), statement_day=22),
            mortgage=mortgage,
            car_loan=car_loan,
            brokerage=brokerage,
            retirement=retirement,
        )  # fmt: skip

    def logins(self) -> tuple[Login, ...]:
        """One login per institution, with the products its accounts can serve."""
        return (
            Login("rivera_platypus", "ins_109508", "First Platypus Bank", ("transactions", "liabilities"),
                  (self.joint, self.cash_card, self.mortgage)),
            Login("rivera_gingham", "ins_109509", "First Gingham Credit Union", ("transactions",),
                  (self.personal, self.car_loan)),
            Login("rivera_tartan", "ins_109511", "Tartan Bank", ("transactions", "liabilities"),
                  (self.savings, self.travel_card)),
            Login("rivera_houndstooth", "ins_109512", "Houndstooth Bank", ("transactions", "investments"),
                  (self.hsa, self.brokerage)),
            Login("rivera_tattersall", "ins_109510", "Tattersall Federal Credit Union", ("investments",),
                  (self.retirement,)),
        )  # fmt: skip
