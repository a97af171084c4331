"""What a book's file says of trading: the section ``trading``, and what its limits mean.

What belongs here: the shape of that section, and which limit an order would break. What does not: targets
(``targets`` of the book), or counting what was sent (``resources.orders``).
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from manna.book_sections import Ratio, Section

Amount = Annotated[Decimal, Field(gt=0)]


class Trading(Section):
    """Limits are per book and market day; without ``live`` only paper accounts are traded.

    ``daily_loss`` is the share of yesterday's equity that may be lost before nothing more is sent.
    """

    live: bool = False
    orders_per_day: Annotated[int, Field(ge=0)] = 50
    order_amount: Amount | None = None
    amount_per_day: Amount | None = None
    daily_loss: Ratio = Decimal("0.05")


def daily_loss(settings: Trading, equity: Decimal, last_equity: Decimal, paid_in: Decimal) -> str | None:
    """Why nothing is sent any more today; null where the loss is within its limit.

    What was paid in since the last close (negative: out) is neither gained nor lost: a deposit must not hide a loss.
    """
    loss = last_equity + paid_in - equity
    if last_equity <= 0 or loss <= last_equity * settings.daily_loss:
        return None
    lost = loss / last_equity
    return f"the account has lost {lost:.1%} since the last close, more than daily_loss {settings.daily_loss:.1%}"


def order_limit(settings: Trading, orders: int, amount: Decimal, wanted: Decimal) -> str | None:
    """Why an order of ``wanted`` is not made after ``orders`` of ``amount`` in all today; null where it may be."""
    if orders >= settings.orders_per_day:
        return f"{orders} orders were made today: orders_per_day is {settings.orders_per_day}"
    if settings.order_amount is not None and wanted > settings.order_amount:
        return f"an order of {wanted:,.2f} is more than order_amount {settings.order_amount:,.2f}"
    if settings.amount_per_day is not None and amount + wanted > settings.amount_per_day:
        return (
            f"with an order of {wanted:,.2f} today's would be {amount + wanted:,.2f}, "
            f"more than amount_per_day {settings.amount_per_day:,.2f}"
        )
    return None
