"""The text of numbers and dates on a page.

What belongs here: Decimal and date in, text out, without passing through a float or the machine's
locale. What does not: rounding of its own (see :func:`manna.money.round_money`) or markup.

A negative amount in a statement stands in parentheses, as accountants set it; in running text and
charts it has a true minus (U+2212), which is as wide as a figure and never breaks from its number.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from manna.money import minor_units, round_money

MINUS = "\N{MINUS SIGN}"
NIL = "\N{EN DASH}"
FIGURE_SPACE = "\N{FIGURE SPACE}"
UNKNOWN = "not known"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

_SCALES = ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "m"), (Decimal(1000), "k"))


def amount(value: Decimal | None, currency: str, *, signed: bool = False) -> str:
    """``−1,234.50``: rounded to the currency's minor unit; with ``signed`` a gain gets its plus."""
    if value is None:
        return UNKNOWN
    rounded = round_money(value, currency)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):,.{minor_units(currency)}f}"


def accounting(value: Decimal | None, currency: str) -> str:
    """``(1,234.50)`` for a negative amount, an en dash for nil, as in a printed statement."""
    if value is None:
        return UNKNOWN
    rounded = round_money(value, currency)
    if rounded == 0:
        return NIL
    digits = f"{abs(rounded):,.{minor_units(currency)}f}"
    return f"({digits})" if rounded < 0 else digits


def percent(ratio: Decimal | None, decimals: int = 1) -> str:
    """``0.1234`` as ``12.3%``, halves to even; an unknown ratio is an en dash."""
    if ratio is None:
        return NIL
    value = (ratio * 100).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    return f"{MINUS if value < 0 else ''}{abs(value):,.{decimals}f}%"


def quantity(value: Decimal | None) -> str:
    """Units with as many decimals as they have: ``1,250.5``."""
    if value is None:
        return UNKNOWN
    text = f"{abs(value):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS if value < 0 else ''}{text}"


def abbreviated(value: Decimal) -> str:
    """A chart's label: ``450k``, ``−1.25m``; exact for the round numbers that axes have."""
    for unit, suffix in _SCALES:
        if abs(value) >= unit:
            return quantity(value / unit) + suffix
    return quantity(value)


def long_date(day: date | None) -> str:
    """``31 March 2026``, in English whatever the machine's locale."""
    return UNKNOWN if day is None else f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_date(day: date) -> str:
    """``31 Mar 2026``, for the columns of a table."""
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def form_date(day: date) -> str:
    """``03/31/2026``, as the forms of the Internal Revenue Service have it (month, day, year)."""
    return f"{day:%m/%d/%Y}"


def month_name(day: date) -> str:
    """``March 2026``."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def moment(at: datetime | None, time_zone: str) -> str:
    """``20 November 2026, 21:10 EST``: an aware moment in the book's own time zone."""
    if at is None:
        return UNKNOWN
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{long_date(local.date())}, {local:%H:%M %Z}"
