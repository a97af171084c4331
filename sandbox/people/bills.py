"""What comes every month: utilities, insurance, subscriptions, software.

Here belong the amounts, their seasons and their price rises. Which account pays, and when the row posts,
belongs to the people.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import cos, pi

from sandbox.people.bank import cents
from sandbox.people.calendar import falls_due, months_between
from sandbox.people.dice import Dice
from sandbox.people.rows import Description


@dataclass(frozen=True, slots=True)
class Bill:
    """A monthly bill in USD: `amount` in the middle of the year, `swing` around it with its peak in `peak_month`.

    From `rise_after` months after the first day on, `risen` is asked instead of `amount`.
    """

    day: int
    merchant: str
    raw: str
    category: str
    amount: str
    swing: float = 0.0
    peak_month: int = 1
    risen: str | None = None
    rise_after: int = 0
    every: int = 1
    website: str | None = None

    def due(self, day: date) -> bool:
        """Whether it is charged on `day`."""
        return falls_due(day, self.day) and (day.month - 1) % self.every == 0

    def charge(self, day: date, start: date, dice: Dice) -> Decimal:
        """What is asked on `day`, with a little weather when it has a season."""
        base = self.amount
        if self.risen is not None and months_between(start, day) >= self.rise_after:
            base = self.risen
        if not self.swing:
            return Decimal(base)
        season = 1 + self.swing * cos(2 * pi * (day.month - self.peak_month) / 12)
        weather = 0.95 + dice.whole(0, 100) / 1000
        return cents(Decimal(base) * Decimal(f"{season * weather:.4f}"))

    def describe(self) -> Description:
        """The text of its row."""
        return Description(
            self.raw, self.category, "VERY_HIGH", self.merchant, channel="online", website=self.website
        )


def bills_due(bills: Iterable[Bill], day: date) -> list[Bill]:
    """Those of `bills` charged on `day`."""
    return [bill for bill in bills if bill.due(day)]


FROM_CHECKING = (
    Bill(4, "PSE&G", "PSEG ELECTRIC & GAS WEB PAY", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "142.00", 0.28, 8),
    Bill(6, "New Jersey Natural Gas", "NJNG BILLPAY 800-221-0051", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "118.00", 0.75, 1),
    Bill(11, "Montclair Water Bureau", "MONTCLAIR TWP WATER BUREAU", "RENT_AND_UTILITIES_WATER", "168.00", 0.18, 7, every=3),
    Bill(13, "Verizon Fios", "VERIZON*RECURRING PAY 800-VERIZON", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", "74.99", risen="79.99", rise_after=9, website="verizon.com"),
    Bill(19, "GEICO", "GEICO *AUTO MACON GA", "GENERAL_SERVICES_INSURANCE", "171.42", risen="186.10", rise_after=12, website="geico.com"),
    Bill(21, "T-Mobile", "TMOBILE*AUTO PAY 800-937-8997 WA", "RENT_AND_UTILITIES_TELEPHONE", "140.00", website="t-mobile.com"),
    Bill(5, "Little Acorns Childcare", "LITTLE ACORNS CHILDCARE TUITION ACH", "GENERAL_SERVICES_CHILDCARE", "1140.00", risen="1195.00", rise_after=10),
)  # fmt: skip
ON_CARD = (
    Bill(3, "Netflix", "NETFLIX.COM 866-579-7172 CA", "ENTERTAINMENT_TV_AND_MOVIES", "15.49", risen="17.99", rise_after=14, website="netflix.com"),
    Bill(9, "Spotify", "SPOTIFY USA 877-778-1161 NY", "ENTERTAINMENT_MUSIC_AND_AUDIO", "16.99", website="spotify.com"),
    Bill(12, "Apple", "APPLE.COM/BILL 866-712-7753 CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "9.99", website="apple.com"),
    Bill(16, "The New York Times", "NYTIMES*NYTIMES DISC 800-698-4637 NY", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "17.00", risen="25.00", rise_after=7, website="nytimes.com"),
    Bill(18, "YMCA of Montclair", "YMCA OF MONTCLAIR 973-744-3400 NJ", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", "92.00"),
    Bill(24, "Disney+", "DISNEY PLUS 888-9057888 CA", "ENTERTAINMENT_TV_AND_MOVIES", "10.99", risen="13.99", rise_after=11, website="disneyplus.com"),
)  # fmt: skip
STUDIO_SOFTWARE = (
    Bill(2, "Adobe", "ADOBE  *CREATIVE CLOUD 408-536-6000 CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "59.99", risen="69.99", rise_after=8, website="adobe.com"),
    Bill(5, "Figma", "FIGMA MONTHLY RENEWAL 415-890-5404 CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "45.00", website="figma.com"),
    Bill(7, "GitHub", "GITHUB, INC. 415-448-6673 CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "21.00", website="github.com"),
    Bill(8, "Google Workspace", "GOOGLE *GSUITE RIVERA.STU CC@GOOGLE.COM CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "14.40", risen="16.80", rise_after=6, website="google.com"),
    Bill(11, "Amazon Web Services", "Amazon web services aws.amazon.co WA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "86.00", 0.2, 11, website="aws.amazon.com"),
    Bill(17, "Zoom", "ZOOM.US 888-799-9666 WWW.ZOOM.US CA", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "15.99", website="zoom.us"),
    Bill(20, "QuickBooks", "INTUIT *QBOOKS ONLINE CL.INTUIT.COM CA", "GENERAL_SERVICES_ACCOUNTING_AND_FINANCIAL_PLANNING", "35.00", risen="38.00", rise_after=13, website="quickbooks.intuit.com"),
)  # fmt: skip
STUDIO_OVERHEADS = (
    Bill(1, "Arts District Lofts", "ARTS DISTRICT LOFTS STUDIO RENT ACH", "RENT_AND_UTILITIES_RENT", "1450.00", risen="1495.00", rise_after=12),
    Bill(10, "Spectrum Business", "SPECTRUM BUSINESS 855-707-7328", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", "89.99", website="spectrum.com"),
    Bill(14, "Hiscox", "HISCOX INC LIABILITY INS PREM", "GENERAL_SERVICES_INSURANCE", "62.50", website="hiscox.com"),
)  # fmt: skip
