"""The account, a position and an asset as Alpaca's trading service shows them."""

from decimal import Decimal

from sandbox.alpaca.book import Position
from sandbox.alpaca.desk import Desk
from sandbox.alpaca.funds import buying_power, held_for_sales
from sandbox.alpaca.wire import asset_id, identifier, instant, new_york, number
from sandbox.alpaca.world import AlpacaWorld
from sandbox.listings import Listing
from sandbox.state import Document


def account_document(world: AlpacaWorld, desk: Desk) -> Document:
    """A cash account: it lends nothing, so buying power is cash that is not yet promised."""
    before = world.session_before(world.today())
    cash, equity, power = (
        world.book().cash,
        world.equity(),
        number(max(buying_power(world, desk.open()), Decimal(0))),
    )
    invested = number(equity - cash)
    yes_no = dict.fromkeys(
        ("trading_blocked", "transfers_blocked", "account_blocked", "trade_suspended_by_user"), False
    )
    return {
        "id": identifier("account", world.state.seed),
        "account_number": f"PA{world.state.seed % 10**9:09d}",
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "buying_power": power,
        "regt_buying_power": power,
        "daytrading_buying_power": "0",
        "effective_buying_power": power,
        "non_marginable_buying_power": power,
        "options_buying_power": power,
        "options_approved_level": 0,
        "options_trading_level": 0,
        "cash": number(cash),
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "pending_reg_taf_fees": "0",
        "intraday_adjustments": "0",
        "portfolio_value": number(equity),
        "equity": number(equity),
        "last_equity": number(world.equity(before.closes)),
        "balance_asof": before.day.isoformat(),
        "position_market_value": invested,
        "long_market_value": invested,
        "short_market_value": "0",
        "initial_margin": invested,
        "maintenance_margin": "0",
        "last_maintenance_margin": "0",
        "sma": "0",
        "multiplier": "1",
        "daytrade_count": 0,
        "pattern_day_trader": False,
        "shorting_enabled": False,
        "created_at": instant(new_york(world.state.start, 8)),
        **yes_no,
    }


def position_document(world: AlpacaWorld, desk: Desk, symbol: str, position: Position) -> Document:
    """A long position, valued at the latest close."""
    price = world.price(symbol, world.now())
    last = world.price_on(symbol, world.session_before(world.today()).day, world.today())
    value, gain, today = position.qty * price, position.qty * price - position.cost, price - last
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": world.market.listing(symbol).exchange,
        "asset_class": "us_equity",
        "asset_marginable": True,
        "avg_entry_price": number(_rounded(position.cost / position.qty)),
        "qty": number(position.qty),
        "qty_available": number(position.qty - held_for_sales(world, symbol, desk.open())),
        "side": "long",
        "market_value": number(value),
        "cost_basis": number(_rounded(position.cost)),
        "unrealized_pl": number(_rounded(gain)),
        "unrealized_plpc": number(_rounded(gain / position.cost)),
        "unrealized_intraday_pl": number(today * position.qty),
        "unrealized_intraday_plpc": number(_rounded(today / last)),
        "current_price": number(price),
        "lastday_price": number(last),
        "change_today": number(_rounded(today / last)),
    }


def configurations_document(world: AlpacaWorld) -> Document:
    """The account's settings: fractions are allowed unless that was changed."""
    return {
        "dtbp_check": "entry",
        "no_shorting": True,
        "suspend_trade": False,
        "fractional_trading": True,
        "max_margin_multiplier": "1",
        "pdt_check": "entry",
        "trade_confirm_email": "all",
        "ptp_no_exception_entry": False,
        "max_options_trading_level": 0,
        **world.changes(""),
    }


def asset_document(listing: Listing, world: AlpacaWorld) -> Document:
    """A listed security: tradable in fractions unless that was changed, never short."""
    return {
        "id": asset_id(listing.symbol),
        "class": "us_equity",
        "exchange": listing.exchange,
        "symbol": listing.symbol,
        "name": listing.name,
        "status": "active",
        "tradable": True,
        "marginable": True,
        "shortable": False,
        "easy_to_borrow": False,
        "borrow_status": "hard_to_borrow",
        "fractionable": True,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "100",
        "attributes": ["fractional_eh_enabled"],
        **{name: said for name, said in world.changes(listing.symbol).items() if name not in ("bid", "ask")},
    }


def _rounded(value: Decimal) -> Decimal:
    """Ratios and averages to nine places: they have no last digit of their own."""
    return value.quantize(Decimal("0.000000001"))
