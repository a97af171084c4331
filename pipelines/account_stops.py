"""What stops all orders of an account today: it is blocked, or it has lost too much.

What belongs here: asking the broker for what decides that. What does not: the limits themselves
(``manna.trading.settings``), or what else stops an execution (``executing``).
"""

from decimal import Decimal

from manna.trading import alpaca
from manna.trading.alpaca import PayloadError
from manna.trading.settings import Trading, daily_loss
from resources.broker import Broker

_UNTOLD = "today's loss cannot be told, so nothing is sent"


def account_stops(broker: Broker, limits: Trading) -> str | None:
    """Why nothing is sent for this account; null where orders may be.

    What the owner moved in or out since the last close is taken out of the day's loss; where that cannot be told, nothing
    is sent.
    """
    account = alpaca.account(broker.account())
    if account.blocked is not None:
        return f"the account cannot trade: {account.blocked}"
    if account.last_equity <= 0:
        return None
    if account.last_close is None:
        return f"{_UNTOLD}: Alpaca does not say of which day last_equity is (balance_asof)"
    prices = {
        position["symbol"]: Decimal(str(position["current_price"]))
        for position in broker.positions()
        if position.get("current_price")
    }
    try:
        paid_in = alpaca.paid_in(broker.movements_since(account.last_close), prices)
    except PayloadError as error:
        return f"{_UNTOLD}: {error}"
    return daily_loss(limits, account.equity, account.last_equity, paid_in)
