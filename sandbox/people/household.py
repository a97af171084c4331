"""The demo household: the Riveras of Montclair, ten accounts at four institutions and one at Alpaca.

Here belongs what happens to them and when. What banks do with it belongs to `bank` and `loans`, the
securities accounts to `investments`, prices and shops to `bills` and `merchants`. The accounts
themselves are opened in `household_accounts`.
"""

from datetime import date, timedelta
from decimal import Decimal

from sandbox.market import Market, add_months, alpaca_funding
from sandbox.people import bills, merchants
from sandbox.people import household_texts as texts
from sandbox.people.bank import POSTING_HOUR, BankAccount, Banking, cents
from sandbox.people.bills import Bill, bills_due
from sandbox.people.calendar import (
    ONE_DAY,
    business_day,
    falls_due,
    instant,
    is_month_end,
    next_business_day,
)
from sandbox.people.dice import Dice
from sandbox.people.draws import owner_draw
from sandbox.people.household_accounts import HouseholdAccounts
from sandbox.people.merchants import Merchant
from sandbox.people.rows import Description

FORTNIGHT = 14
ANA_PAY, DANIEL_PAY = Decimal("3284.61"), Decimal("1712.38")
SAVINGS_RATE, HSA_RATE = Decimal("0.0410"), Decimal("0.0012")


class Household(Banking):
    """The book `household`. `market` prices its securities."""

    book = "household"
    book_name = "Rivera household"
    time_zone = "America/New_York"
    alpaca = True

    def __init__(self, start: date, seed: int, market: Market) -> None:
        super().__init__(start, seed)
        self.accounts = HouseholdAccounts.open(start, seed, market)
        self.logins = self.accounts.logins()
        self._first_friday = start + timedelta(days=(4 - start.weekday()) % 7)
        # The first day the sandbox is served: pending rows and the vanishing row are arranged around it.
        self._served_from = add_months(start, 24)
        self.from_checking: tuple[Bill, ...] = bills.FROM_CHECKING
        self.on_card: tuple[Bill, ...] = bills.ON_CARD
        self._refunds: list[tuple[date, Description, Decimal]] = []
        self._check_number = 1180

    def live(self, day: date) -> None:
        self._earn(day)
        self._pay_bills(day)
        self._pay_loans(day)
        self._move_money(day)
        self._shop(day)
        self._commute(day)
        self._stay_healthy(day)
        self._give_back(day)
        self._odd_rows(day)
        self._pay_cards(day)
        self._close_month(day)
        self.accounts.brokerage.live(self, day)
        self.accounts.retirement.live(self, day, self.is_payday(day))

    def is_payday(self, day: date) -> bool:
        """Whether Ana is paid on `day`: every second Friday, with her 401(k) contribution."""
        return (day - self._first_friday).days % FORTNIGHT == 0 and day >= self._first_friday

    def _earn(self, day: date) -> None:
        own = self.accounts
        grown = Decimal("1.03") ** (day.year - self.start.year)
        if self.is_payday(day):
            self.post(own.joint, day, texts.SALARY_ANA, -cents(ANA_PAY * grown))
        if self.is_payday(day - timedelta(days=7)):
            self.post(own.personal, day, texts.SALARY_DANIEL, -cents(DANIEL_PAY * grown))
        yesterday = day - ONE_DAY
        if yesterday >= self.start and (draw := owner_draw(yesterday)):
            self.post(own.joint, day, texts.DRAW_RECEIVED, -draw)
        if day.month == 4 and falls_due(day, 11):
            self.post(own.joint, day, texts.TAX_REFUND, -self.dice(day, "tax refund").money(1400, 2300))

    def _pay_bills(self, day: date) -> None:
        dice, own = self.dice(day, "bills"), self.accounts
        for bill in bills_due(self.from_checking, day):
            self.post(own.joint, day, bill.describe(), bill.charge(day, self.start, dice))
        for bill in bills_due(self.on_card, day):
            self.purchase(own.cash_card, day, bill.describe(), bill.charge(day, self.start, dice), dice)
        if day.weekday() == 3 and (day - self.start).days // 7 % 2 == 0:
            self._check_number += 1
            self.post(own.joint, day, texts.check(self._check_number), Decimal("130.00"))

    def _pay_loans(self, day: date) -> None:
        own, booked = self.accounts, instant(day, POSTING_HOUR, 30, self.zone)
        if falls_due(day, 1):
            self.post(own.joint, day, texts.MORTGAGE_PAYMENT, own.mortgage.due() + own.mortgage.escrow)
            own.mortgage.pay(day, booked)
        if falls_due(day, 12) and (payment := own.car_loan.due()):
            self.post(own.personal, day, texts.CAR_PAYMENT, payment)
            own.car_loan.pay(day, booked)

    def _move_money(self, day: date) -> None:
        own = self.accounts
        if falls_due(day, 2):
            self._send(
                own.joint, own.savings, day, Decimal("600.00"), texts.TO_SAVINGS, texts.SAVINGS_RECEIVED
            )
        if falls_due(day, 3):
            self._send(own.joint, own.hsa, day, Decimal("250.00"), texts.TO_HSA, texts.HSA_RECEIVED)
        if falls_due(day, 8):
            self.post(own.joint, day, texts.TO_BROKERAGE, own.brokerage.monthly_deposit)
        if falls_due(day, 10):
            self._send(own.personal, own.joint, day, Decimal("2250.00"), texts.TO_JOINT, texts.JOINT_RECEIVED)
        for funded, amount in alpaca_funding(self.start, day):
            if funded == day:
                self.post(own.joint, day, texts.TO_ALPACA, amount)
        if falls_due(day, 26):
            self._level_checking(day)

    def _level_checking(self, day: date) -> None:
        """Keep the joint checking account between 7,500 and 12,000 with the savings account."""
        own = self.accounts
        balance = self.balance(own.joint, day)
        if balance > 12000:
            surplus = cents((balance - 9500) // 100 * 100)
            self._send(own.joint, own.savings, day, surplus, texts.TO_SAVINGS, texts.SAVINGS_RECEIVED)
        elif balance < 7500:
            self._send(
                own.savings, own.joint, day, Decimal("3000.00"), texts.SAVINGS_SENT, texts.FROM_SAVINGS
            )

    def _send(
        self,
        origin: BankAccount,
        target: BankAccount,
        day: date,
        amount: Decimal,
        sent: Description,
        received: Description,
    ) -> None:
        """A transfer between two banks: it arrives on the next business day."""
        self.transfer(origin, target, day, next_business_day(day), amount, sent, received)

    def _pay_cards(self, day: date) -> None:
        own = self.accounts
        self.settle_card(own.cash_card, own.joint, day, texts.CASH_CARD_AUTOPAY, texts.CASH_CARD_PAID)
        self.settle_card(own.travel_card, own.joint, day, texts.TRAVEL_CARD_AUTOPAY, texts.TRAVEL_CARD_PAID)

    def _shop(self, day: date) -> None:
        dice, own = self.dice(day, "shopping"), self.accounts
        weekend = day.weekday() >= 5
        if day.month == 7 and 11 <= day.day <= 20:
            self._travel(day, dice)
            return
        self._maybe(0.40, merchants.GROCERIES, own.cash_card, day, dice)
        self._maybe(0.20 if not weekend else 0.45, merchants.STORES, own.cash_card, day, dice)
        self._maybe(0.28, merchants.ONLINE, own.cash_card, day, dice)
        self._maybe(
            0.28 if not weekend else 0.62, merchants.RESTAURANTS, own.travel_card, day, dice, tips=True
        )
        self._maybe(0.25, merchants.FAST_FOOD, own.travel_card, day, dice)
        self._maybe(0.52, merchants.COFFEE, own.travel_card, day, dice)
        self._maybe(0.15, merchants.FUEL, own.travel_card, day, dice)
        self._maybe(0.08 if not weekend else 0.30, merchants.LEISURE, own.cash_card, day, dice)
        self._maybe(0.16, merchants.GETTING_AROUND, own.travel_card, day, dice)

    def _travel(self, day: date, dice: Dice) -> None:
        card = self.accounts.travel_card
        if day.day == 11:
            flight = Merchant(
                "United Airlines",
                "UNITED      016{n10} UNITED.COM TX",
                "TRAVEL_FLIGHTS",
                960,
                1320,
                None,
                "united.com",
            )
            hotel = Merchant(
                "Hotel Kabuki",
                "HOTEL KABUKI SAN FRANCISCO CA",
                "TRAVEL_LODGING",
                880,
                1240,
                "San Francisco, CA",
            )
            for merchant in (flight, hotel):
                self.purchase(
                    card, day, merchant.describe(dice), dice.money(merchant.low, merchant.high), dice
                )
        for _ in range(dice.whole(2, 4)):
            self._maybe(1.0, merchants.CALIFORNIA, card, day, dice)

    def _maybe(
        self,
        probability: float,
        shops: tuple[Merchant, ...],
        account: BankAccount,
        day: date,
        dice: Dice,
        tips: bool = False,
    ) -> None:
        """Perhaps buy at one of `shops`; some online purchases come back as refunds."""
        if not dice.chance(probability):
            return
        shop = dice.pick(shops)
        amount = dice.money(shop.low, shop.high)
        tip = (
            cents(amount * dice.pick((Decimal("0.18"), Decimal("0.20"), Decimal("0.22"))))
            if tips
            else Decimal(0)
        )
        text = shop.describe(dice)
        posted_on = self.purchase(account, day, text, amount, dice, tip)
        if account is self.accounts.cash_card and not tips and dice.chance(0.035):
            self._refunds.append((posted_on + timedelta(days=dice.whole(4, 12)), text, amount))

    def _give_back(self, day: date) -> None:
        for due, text, amount in self._refunds:
            if due == day:
                self.post(self.accounts.cash_card, day, text, -amount)
        self._refunds = [refund for refund in self._refunds if refund[0] > day]

    def _commute(self, day: date) -> None:
        dice, own = self.dice(day, "commute"), self.accounts
        if day.weekday() < 5:
            if dice.chance(0.42):
                # There and back at one fare: two rows alike in everything but their identifier.
                for _ in range(2):
                    self.purchase(
                        own.personal,
                        day,
                        merchants.TRANSIT.describe(dice),
                        Decimal("2.90"),
                        self.dice(day, "fare"),
                    )
            self._maybe(0.45, merchants.LUNCH, own.personal, day, dice)
        if dice.chance(0.035):
            cash = Decimal(dice.pick((40, 60, 80, 100)))
            self.post(own.personal, business_day(day), texts.cash_withdrawal(dice.text(6)), cash)
        if dice.chance(0.05):
            friend = texts.venmo(dice.text(10), dice.pick(("MARCO T", "JEN K", "PTA WATCHUNG", "SAM O")))
            self.post(own.personal, business_day(day), friend, dice.money(12, 90))

    def _stay_healthy(self, day: date) -> None:
        dice = self.dice(day, "health")
        self._maybe(0.035, merchants.HEALTH, self.accounts.hsa, day, dice)

    def _odd_rows(self, day: date) -> None:
        """What a good client must survive: a row that vanishes, and a row with no currency at all."""
        own, first_year = self.accounts, add_months(self.start, 7)
        for told, gone in (
            (first_year, first_year + 2 * ONE_DAY),
            (self._served_from - 2 * ONE_DAY, self._served_from + ONE_DAY),
        ):
            if day == told:
                row = self.post(own.joint, day, texts.BANK_ERROR, Decimal("312.40"))
                self.tell(own.joint, instant(gone, 6, 0, self.zone), "removed", row)
        if day == self._served_from - 40 * ONE_DAY:
            self.post(own.travel_card, day, texts.NO_CURRENCY, Decimal("38.20"), currency=None)

    def _close_month(self, day: date) -> None:
        own = self.accounts
        if not is_month_end(day):
            return
        for account, rate, text in (
            (own.savings, SAVINGS_RATE, texts.SAVINGS_INTEREST),
            (own.hsa, HSA_RATE, texts.HSA_INTEREST),
        ):
            interest = cents(self.balance(account, day) * rate / 12)
            if interest > 0:
                self.post(account, day, text, -interest)
