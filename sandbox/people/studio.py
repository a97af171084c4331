"""The demo firm: Rivera Studio of Los Angeles, a sole proprietor's design studio.

Here belongs what happens to the studio. Its draws into the household's book are agreed in `draws`.
"""

from datetime import date
from decimal import Decimal

from sandbox.people import bills, merchants
from sandbox.people.bank import BankAccount, Banking, CardAccount, cents
from sandbox.people.bills import bills_due
from sandbox.people.calendar import falls_due, is_month_end, next_business_day
from sandbox.people.draws import owner_draw
from sandbox.people.model import Login, plaid_id
from sandbox.people.rows import Description

CLIENTS = ("NORTHWIND DESIGN LLC", "HALCYON FOODS INC", "BLUE HERON MEDIA", "CASTRO & LEE ARCHITECTS")
RETAINER = Decimal("2600.00")
TAX_SHARE = Decimal("0.24")
SAVINGS_RATE = Decimal("0.0325")
TAX_MONTHS = (1, 4, 6, 9)
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"

# fmt: off
RETAINER_RECEIVED = Description("ACH CREDIT NORTHWIND DESIGN LLC RETAINER", "INCOME_OTHER", "MEDIUM", "Northwind Design", "income_source")
TO_RESERVE = Description("ONLINE TRANSFER TO SAV ...3306 TAX RESERVE", "TRANSFER_OUT_SAVINGS")
RESERVE_RECEIVED = Description("ONLINE TRANSFER FROM CHK ...3305 TAX RESERVE", "TRANSFER_IN_SAVINGS")
RESERVE_SENT = Description("ONLINE TRANSFER TO CHK ...3305", "TRANSFER_OUT_ACCOUNT_TRANSFER")
FROM_RESERVE = Description("ONLINE TRANSFER FROM SAV ...3306", "TRANSFER_IN_SAVINGS")
CARD_AUTOPAY = Description("HOUNDSTOOTH INK CARD AUTOPAY 7712", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "VERY_HIGH")
CARD_PAID = Description("AUTOPAY PAYMENT - THANK YOU", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "VERY_HIGH")
DRAW_SENT = Description("ONLINE TRANSFER OWNER DRAW TO PLATYPUS BK 7730", "TRANSFER_OUT_ACCOUNT_TRANSFER")
SERVICE_FEE = Description("MONTHLY SERVICE FEE BUSINESS ADVANTAGE", "BANK_FEES_OTHER_BANK_FEES", "VERY_HIGH")
INTEREST = Description("INTEREST PAYMENT", "INCOME_INTEREST_EARNED", "VERY_HIGH")
# fmt: on


class Studio(Banking):
    """The book `studio`: business checking, business savings and a business card, all at one bank."""

    book = "studio"
    book_name = "Rivera Studio"
    time_zone = "America/Los_Angeles"

    def __init__(self, start: date, seed: int) -> None:
        super().__init__(start, seed)

        def key(name: str) -> str:
            return plaid_id("account", seed, "studio", name)

        self.checking = BankAccount(key("checking"), "Business Checking", "Houndstooth Business Advantage Checking", "3305", "depository", "checking", Decimal("9480.32"), holder="business")  # fmt: skip
        self.savings = BankAccount(key("savings"), "Business Savings", "Houndstooth Business Savings", "3306", "depository", "savings", Decimal("6200.00"), holder="business")  # fmt: skip
        self.card = CardAccount(key("card"), "Business Card", "Houndstooth Ink Business Card", "7712", "credit", "credit card", Decimal("418.77"), Decimal("10000.00"), holder="business", apr=Decimal("21.24"), statement_day=18)  # fmt: skip
        self.logins = (
            Login("rivera_studio", "ins_109512", "Houndstooth Bank", ("transactions", "liabilities"),
                  (self.checking, self.savings, self.card)),
        )  # fmt: skip
        self._invoice = 1040
        self._tax_reserve = Decimal("3200.00")

    def live(self, day: date) -> None:
        self._earn(day)
        self._spend(day)
        self._pay_people(day)
        self._pay_taxes(day)
        self.settle_card(self.card, self.checking, day, CARD_AUTOPAY, CARD_PAID)
        if is_month_end(day):
            interest = cents(self.balance(self.savings, day) * SAVINGS_RATE / 12)
            self.post(self.savings, day, INTEREST, -interest)

    def _earn(self, day: date) -> None:
        """A retainer, invoices, card sales through Stripe every Tuesday; a share of all is put by for taxes."""
        dice, income = self.dice(day, "income"), Decimal(0)
        if falls_due(day, 1) or falls_due(day, 16):
            income += RETAINER
            self.post(self.checking, day, RETAINER_RECEIVED, -RETAINER)
        if day.weekday() < 5 and dice.chance(0.11):
            self._invoice += 1
            client = dice.pick(CLIENTS)
            amount = dice.money(600, 2400)
            income += amount
            name = f"ACH CREDIT {client} INV {self._invoice}"
            text = Description(name, "INCOME_OTHER", "MEDIUM", client.title(), "income_source")
            self.post(self.checking, day, text, -amount)
        if day.weekday() == 1:
            amount = dice.money(180, 960)
            income += amount
            name = f"STRIPE TRANSFER ST-{dice.text(10, CAPITALS)}"
            text = Description(name, "INCOME_OTHER", "HIGH", "Stripe", "payment_app", website="stripe.com")
            self.post(self.checking, day, text, -amount)
        if income:
            put_by = cents(income * TAX_SHARE)
            self._tax_reserve += put_by
            moved = next_business_day(day)
            self.transfer(self.checking, self.savings, moved, moved, put_by, TO_RESERVE, RESERVE_RECEIVED)

    def _spend(self, day: date) -> None:
        dice = self.dice(day, "outlays")
        for bill in bills_due(bills.STUDIO_SOFTWARE, day):
            self.purchase(self.card, day, bill.describe(), bill.charge(day, self.start, dice), dice)
        for bill in bills_due(bills.STUDIO_OVERHEADS, day):
            self.post(self.checking, day, bill.describe(), bill.charge(day, self.start, dice))
        for _ in range(2 if day.weekday() < 5 else 1):
            if dice.chance(0.3):
                shop = dice.pick(merchants.STUDIO_OUTLAYS)
                amount = dice.money(shop.low, shop.high)
                tips = shop.category == "FOOD_AND_DRINK_RESTAURANT"
                tip = cents(amount * Decimal("0.20")) if tips else Decimal(0)
                self.purchase(self.card, day, shop.describe(dice), amount, dice, tip)
        if falls_due(day, 27):
            self.post(self.checking, day, SERVICE_FEE, Decimal("16.00"))

    def _pay_people(self, day: date) -> None:
        dice = self.dice(day, "people")
        if falls_due(day, 24) and self.balance(self.checking, day) > 6000:
            for name in ("MAYA CHEN", "T OKAFOR")[: dice.whole(1, 2)]:
                zelle = f"ZELLE PAYMENT TO {name} JPM{dice.text(9)}"
                text = Description(zelle, "TRANSFER_OUT_ACCOUNT_TRANSFER", "MEDIUM", "Zelle", "payment_app")
                self.post(self.checking, day, text, dice.money(350, 1250))
        if draw := owner_draw(day):
            self.post(self.checking, day, DRAW_SENT, draw)

    def _pay_taxes(self, day: date) -> None:
        """The quarterly estimate: taken back from savings and paid on the 15th."""
        if day.month not in TAX_MONTHS or not falls_due(day, 15):
            return
        estimate = self._tax_reserve // 100 * 100
        self._tax_reserve -= estimate
        self.transfer(self.savings, self.checking, day, day, estimate, RESERVE_SENT, FROM_RESERVE)
        federal = cents(estimate * Decimal("0.75"))
        for text, amount in (
            ("IRS USATAXPYMT 2704{} EFTPS", federal),
            ("FRANCHISE TAX BD WEB PYMT {}", estimate - federal),
        ):
            name = text.format(self.dice(day, "tax").text(8))
            self.post(
                self.checking,
                day,
                Description(name, "GOVERNMENT_AND_NON_PROFIT_TAX_PAYMENT", "VERY_HIGH"),
                amount,
            )
