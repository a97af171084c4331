"""What may befall the demo people, and the label that says it did: for measuring whoever watches over money.

Here belong a household to whom things happen, and a studio to which nothing does beyond its life, each labelled in the
sandbox's own words. What anybody should make of
them belongs to whoever watches. The sandbox that is served has none of this.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.market import Market, add_months
from sandbox.people import bills
from sandbox.people import household_texts as texts
from sandbox.people.bank import cents
from sandbox.people.bills import Bill, bills_due
from sandbox.people.calendar import ONE_DAY, months_between, next_business_day
from sandbox.people.dice import Dice
from sandbox.people.draws import owner_draw
from sandbox.people.household import Household
from sandbox.people.model import ZERO, Account, Json
from sandbox.people.rows import Description
from sandbox.people.studio import Studio

FIRST_MONTH = 7
"""Before it nobody can know what is usual of the household."""

# fmt: off
LARGE = (
    Description("GARDEN STATE ROOFING LLC MONTCLAIR NJ", "HOME_IMPROVEMENT_REPAIR_AND_MAINTENANCE", "HIGH", "Garden State Roofing"),
    Description("BROOKDALE ORTHODONTICS BLOOMFIELD NJ", "MEDICAL_DENTAL_CARE", "HIGH", "Brookdale Orthodontics"),
)
WIRE = Description("WIRE OUT 4410 CEDAR HOLDINGS", "TRANSFER_OUT_OTHER_TRANSFER_OUT", "LOW", "Cedar Holdings")
WIRE_BACK = Description("WIRE IN RETURNED 4410", "TRANSFER_IN_OTHER_TRANSFER_IN", "LOW")
CATERER = Description("TWO RIVERS CATERING VERONA NJ", "FOOD_AND_DRINK_RESTAURANT", "HIGH", "Two Rivers Catering")
UNTOLD = Description("BLOOMFIELD AVE HARDWARE MONTCLAIR NJ", "HOME_IMPROVEMENT_HARDWARE", "HIGH", "Bloomfield Hardware")
# fmt: on


@dataclass(frozen=True, slots=True)
class Incident:
    """That something happened to an account (empty: to all that a book invests), from ``day`` to ``until``.

    ``what``: whom it was about, or null.
    """

    kind: str
    book: str
    account_id: str
    day: date
    until: date
    what: str | None = None


class Befallen(Household):
    """The household, and in some of its months an incident; which one when is a matter of the seed.

    ``untold``: transactions that the bank counts in its balances and never tells of.
    """

    def __init__(self, start: date, seed: int, market: Market) -> None:
        super().__init__(start, seed, market)
        self.incidents: list[Incident] = []
        self.untold: set[str] = set()
        self._due = _planned(start, Dice(seed, "incidents"))
        self._visits: dict[str, list[Decimal]] = {}
        self._wired: tuple[date, Decimal] | None = None
        rising = Dice(seed, "incidents", "rise").whole(FIRST_MONTH, 20)
        self.on_card = tuple(
            replace(bill, risen="19.99", rise_after=rising) if bill.merchant == "Spotify" else bill
            for bill in bills.ON_CARD
        )

    def live(self, day: date) -> None:
        super().live(day)
        own = self.accounts
        for account, own_bills in ((own.joint, self.from_checking), (own.cash_card, self.on_card)):
            self.incidents += _raised(own_bills, self.book, account, self.start, day)
        self._charge_again(day)
        self._buy_large(day)
        self._drain(day)
        self._celebrate(day)
        if self._is_due("row never told", day):
            row = self.post(own.joint, day, UNTOLD, Decimal("86.40"))
            self.untold.add(row["transaction_id"])
            self._note("row never told", own.joint, day, until=date.max)

    def post(
        self,
        account: Account,
        day: date,
        description: Description,
        amount: Decimal,
        *,
        currency: str | None = "USD",
    ) -> Json:
        """Post a row, unless it is one that somebody leaves out."""
        left_out = {texts.SALARY_ANA: "pay withheld", texts.SALARY_DANIEL: "pay withheld"}.get(description)
        if description.merchant == "T-Mobile":
            left_out = "bill left out"
        if left_out and self._is_due(left_out, day):
            self._note(left_out, account, day, what=description.merchant)
            return {}
        return super().post(account, day, description, amount, currency=currency)

    def purchase(
        self,
        account: Account,
        day: date,
        description: Description,
        amount: Decimal,
        dice: Dice,
        tip: Decimal = ZERO,
    ) -> date:
        """Buy, perhaps at a price whose point has slipped, or charged twice."""
        name = description.merchant or description.name
        before = self._visits.setdefault(name, [])
        slipped = len(before) >= 8 and 10 * amount > max(Decimal(120), 3 * max(before))
        if slipped and self._is_due("amount slipped", day):
            amount, tip = 10 * amount, ZERO
            self._note("amount slipped", account, day, until=day + timedelta(days=3), what=name)
        before.append(amount + tip)
        posted_on = super().purchase(account, day, description, amount, dice, tip)
        has_its_price = (
            amount >= 15 and amount % 1 != 0 and all(bill.merchant != name for bill in self.on_card)
        )
        if has_its_price and not tip and self._is_due("shop charged twice", day):
            again = posted_on + dice.whole(0, 1) * ONE_DAY
            self.post(account, again, description, amount)
            self._note("shop charged twice", account, posted_on, until=again, what=name)
        return posted_on

    def _charge_again(self, day: date) -> None:
        for bill in bills_due(self.on_card, day):
            if bill.risen is None and self._is_due("subscription charged twice", day):
                again = day + timedelta(days=2)
                charge = bill.charge(day, self.start, self.dice(day, "bills"))
                self.post(self.accounts.cash_card, again, bill.describe(), charge)
                self._note(
                    "subscription charged twice",
                    self.accounts.cash_card,
                    day,
                    until=again,
                    what=bill.merchant,
                )

    def _buy_large(self, day: date) -> None:
        if day.weekday() < 5 and self._is_due("large purchase", day):
            bought = sum(one.kind == "large purchase" for one in self.incidents)
            amount = self.dice(day, "large").money(1500, 3500)
            self.post(self.accounts.joint, day, LARGE[bought], amount)
            self._note("large purchase", self.accounts.joint, day, what=LARGE[bought].merchant)

    def _drain(self, day: date) -> None:
        """Nearly everything is wired away, and comes back three days later."""
        joint = self.accounts.joint
        if self._wired and self._wired[0] == day:
            self.post(joint, day, WIRE_BACK, -self._wired[1])
            self._wired = None
        if day.weekday() == 1 and self._is_due("account drained", day):
            self._wire(day, day + timedelta(days=3), "account drained", left=Decimal("140.00"))
        # The day before the mortgage is paid, in a month in which no pay comes between.
        tomorrow = day + ONE_DAY
        if (
            tomorrow.day == 1
            and day.weekday() < 4
            and not self.is_payday(tomorrow)
            and self._is_due("bills ahead", day)
        ):
            self._wire(day, next_business_day(tomorrow), "bills ahead", left=Decimal("1900.00"))

    def _wire(self, day: date, back: date, kind: str, left: Decimal) -> None:
        joint = self.accounts.joint
        amount = cents(self.balance(joint, day) - left)
        self.post(joint, day, WIRE, amount)
        self._wired = back, amount
        self._note(kind, joint, day, until=back, what=WIRE.merchant)

    def _celebrate(self, day: date) -> None:
        """A week of feasts."""
        if day.day == 8 and self._is_due("spree", day):
            for number in range(7):
                on = day + number * ONE_DAY
                self.post(self.accounts.travel_card, on, CATERER, self.dice(on, "feast").money(320, 460))
            self._note("spree", self.accounts.travel_card, day, until=day + timedelta(days=6))

    def _is_due(self, kind: str, day: date) -> bool:
        """Whether such an incident is to happen by now; it then is no more."""
        for planned in self._due:
            if planned[0] == kind and planned[1] <= day:
                self._due.remove(planned)
                return True
        return False

    def _note(
        self, kind: str, account: Account, day: date, *, until: date | None = None, what: str | None = None
    ) -> None:
        self.incidents.append(Incident(kind, self.book, account.account_id, day, until or day, what))


class LabelledStudio(Studio):
    """The studio, with labels of what happens to it anyway."""

    def __init__(self, start: date, seed: int) -> None:
        super().__init__(start, seed)
        self.incidents: list[Incident] = []
        self.untold: set[str] = set()

    def live(self, day: date) -> None:
        super().live(day)
        for account, own in ((self.card, bills.STUDIO_SOFTWARE), (self.checking, bills.STUDIO_OVERHEADS)):
            self.incidents += _raised(own, self.book, account, self.start, day)
        if day.month == 12 and owner_draw(day):
            self.incidents.append(
                Incident("more drawn", self.book, self.checking.account_id, day, day, "owner draw")
            )


def _raised(own: Iterable[Bill], book: str, account: Account, start: date, day: date) -> list[Incident]:
    """The bills of `day` that ask a new price for the first time."""
    return [
        Incident("price raised", book, account.account_id, day, day + timedelta(days=3), bill.merchant)
        for bill in bills_due(own, day)
        if bill.risen is not None and _is_first_rise(bill, start, day)
    ]


def _is_first_rise(bill: Bill, start: date, day: date) -> bool:
    return 0 <= months_between(start, day) - bill.rise_after < bill.every


def _planned(start: date, dice: Dice) -> list[tuple[str, date]]:
    """From when on each incident is to happen: every one in a month of its own, two of each kind where they are apart."""
    wanted = [
        "shop charged twice", "subscription charged twice", "amount slipped", "pay withheld", "bill left out",
        "large purchase", "account drained", "spree",
    ]  # fmt: skip
    wanted = [*wanted, *wanted[:4], "large purchase", "bills ahead", "row never told"]
    months = list(range(FIRST_MONTH, FIRST_MONTH + len(wanted)))
    planned = []
    for kind in wanted:
        month = dice.pick(months)
        months.remove(month)
        planned.append((kind, add_months(start.replace(day=1), month) + timedelta(days=dice.whole(0, 5))))
    return planned


def shocks(market: Market, book: str, sessions: list[date]) -> tuple[dict[date, float], list[Incident]]:
    """Falls of all shares that come on top of the market's own moves, by day, and their labels.

    One day falls by a tenth, and later twelve sessions by 4 % each. ``sessions``: market days, in order.
    """
    dice = Dice(market.seed, "shocks")
    one = dice.whole(300, 340)
    many = dice.whole(390, 440)
    slump = sessions[many : many + 12]
    falls = {sessions[one]: -0.10} | dict.fromkeys(slump, -0.04)
    fell = Incident("market fell", book, "", sessions[one], sessions[one])
    return falls, [fell, Incident("market slumped", book, "", slump[0], slump[-1])]
