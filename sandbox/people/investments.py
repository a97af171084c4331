"""Securities accounts as their institution keeps them: trades, lots, holdings, prices with their date.

Here belongs the bookkeeping of any securities account. What the demo household trades is in
`household_investments`; market prices come from `sandbox.market`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.market import Market
from sandbox.people.bank import cents
from sandbox.people.calendar import ONE_DAY
from sandbox.people.model import ZERO, Account, Json, plaid_id

NEW_YORK = ZoneInfo("America/New_York")
PRICES_TOLD = time(18, 0)  # New York; until then a custodian shows the close of the session before
QUANTITY = Decimal("0.000001")

Quote = tuple[Decimal, date | None]  # a price in USD and the day it is of


@dataclass(frozen=True)
class Security:
    """What can be held; `quote` answers its price at an instant. `listed`: it has a market price."""

    key: str
    name: str
    type: str
    subtype: str
    quote: Callable[[datetime], Quote]
    ticker: str | None = None
    listed: bool = True
    currency: str = "USD"
    isin: str | None = None
    cusip: str | None = None

    @property
    def security_id(self) -> str:
        """The same at every institution and for every person, as Plaid's usually is."""
        return plaid_id("security", self.key)

    def describe(self, when: datetime) -> Json:
        """Plaid's `Security`; CUSIP and ISIN are null unless given, as they are without a CUSIP licence."""
        price, day = self.quote(when)
        return {
            "cfi_code": None,
            "close_price": price if self.listed else None,
            "close_price_as_of": day.isoformat() if self.listed and day else None,
            "cusip": self.cusip,
            "figi": None,  # plaid-python 46 requires it; the published document does not have it yet
            "fixed_income": None,
            "industry": None,
            "institution_id": None,
            "institution_security_id": None if self.listed else self.key,
            "is_cash_equivalent": self.type == "cash",
            "isin": self.isin,
            "iso_currency_code": self.currency,
            "market_identifier_code": None,
            "name": self.name,
            "option_contract": None,
            "proxy_security_id": None,
            "sector": None,
            "security_id": self.security_id,
            "sedol": None,
            "subtype": self.subtype,
            "ticker_symbol": self.ticker,
            "type": self.type,
            "unofficial_currency_code": None,
            "update_datetime": None,
        }


def cash_security(currency: str = "USD") -> Security:
    """Uninvested cash, which Plaid reports as a holding named CUR:XXX."""
    ticker = f"CUR:{currency}"
    return Security(ticker, "U S Dollar" if currency == "USD" else currency, "cash", "cash",
                    lambda _: (Decimal(1), None), ticker, currency=currency)  # fmt: skip


def last_priced_day(market: Market, when: datetime) -> date:
    """The last session whose closing prices a custodian shows at `when`."""
    local = when.astimezone(NEW_YORK)
    day = local.date() if local.time() >= PRICES_TOLD else local.date() - ONE_DAY
    while not market.is_market_day(day):
        day -= ONE_DAY
    return day


@dataclass(frozen=True, slots=True)
class Trade:
    """One investment transaction: Plaid's row, and what it does to the position (`ratio` for a split)."""

    moment: datetime
    row: Json
    key: str | None
    ratio: Decimal | None = None


@dataclass
class Lot:
    """Units bought together; `cost` in USD, None when the institution never learnt it."""

    quantity: Decimal
    cost: Decimal | None


@dataclass
class InvestmentAccount(Account):
    """A securities account: `held` are the positions of the first day, `opening` the cash.

    `cash_key` names the cash holding; None for a plan whose contributions are invested as they arrive.
    """

    securities: dict[str, Security] = field(default_factory=dict)
    held: list[tuple[str, Lot]] = field(default_factory=list)
    cash_key: str | None = "CUR:USD"
    trades: list[Trade] = field(default_factory=list, repr=False)

    def record(
        self, moment: datetime, day: date, key: str | None, kind: str, subtype: str, name: str, *,
        quantity: Decimal = ZERO, price: Decimal = ZERO, amount: Decimal = ZERO, fees: Decimal = ZERO,
        ratio: Decimal | None = None,
    ) -> None:  # fmt: skip
        """Book one transaction; `amount` positive = cash out, `quantity` positive = units in (Plaid's signs)."""
        row: Json = {
            "account_id": self.account_id,
            "amount": amount,
            "cancel_transaction_id": None,
            "date": day.isoformat(),
            "fees": fees,
            "investment_transaction_id": plaid_id(self.account_id, day, name, len(self.trades)),
            "iso_currency_code": self.currency,
            "name": name,
            "price": price,
            "quantity": quantity,
            "security_id": self.securities[key].security_id if key else None,
            "subtype": subtype,
            "transaction_datetime": None,
            "type": kind,
            "unofficial_currency_code": None,
        }
        self.trades.append(Trade(moment, row, key, ratio))

    def transactions(self, when: datetime) -> list[Trade]:
        """The transactions told up to `when`, the latest first, as Plaid orders them."""
        told = [trade for trade in self.trades if trade.moment <= when]
        return sorted(told, key=lambda trade: trade.row["date"], reverse=True)

    def lots(self, when: datetime) -> dict[str, list[Lot]]:
        """The open lots by security key at `when`; sales take the oldest first."""
        lots: dict[str, list[Lot]] = {}
        for key, lot in self.held:
            lots.setdefault(key, []).append(Lot(lot.quantity, lot.cost))
        for trade in self.trades:
            if trade.moment > when or trade.key is None:
                continue
            position = lots.setdefault(trade.key, [])
            if trade.ratio is not None:
                for lot in position:
                    lot.quantity *= trade.ratio
            elif trade.row["quantity"] > 0:
                position.append(Lot(trade.row["quantity"], trade.row["amount"]))
            else:
                _take(position, -trade.row["quantity"])
        return lots

    def quantity(self, key: str, when: datetime) -> Decimal:
        """Units of one security at `when`."""
        return sum((lot.quantity for lot in self.lots(when).get(key, [])), ZERO)

    def cash(self, when: datetime) -> Decimal:
        """Uninvested cash at `when`."""
        return self.opening - sum(
            (trade.row["amount"] for trade in self.trades if trade.moment <= when), ZERO
        )

    def holdings(self, when: datetime) -> list[tuple[Security, Json]]:
        """Each position at `when` with Plaid's `Holding`, cash last."""
        found = []
        for key, position in sorted(self.lots(when).items()):
            quantity = sum((lot.quantity for lot in position), ZERO)
            costs = [lot.cost for lot in position]
            known = [cost for cost in costs if cost is not None]
            if quantity:
                cost = sum(known, ZERO) if len(known) == len(costs) else None
                found.append(self._holding(self.securities[key], quantity, cost, when))
        if self.cash_key is not None:
            cash = self.cash(when)
            found.append(self._holding(self.securities[self.cash_key], cash, cash, when))
        return found

    def balances(self, when: datetime) -> tuple[Decimal | None, Decimal]:
        total = sum((holding["institution_value"] for _, holding in self.holdings(when)), ZERO)
        return (self.cash(when) if self.cash_key is not None else None), total

    def _holding(
        self, security: Security, quantity: Decimal, cost: Decimal | None, when: datetime
    ) -> tuple[Security, Json]:
        price, day = security.quote(when)
        return security, {
            "account_id": self.account_id,
            "cost_basis": cost,
            "institution_price": price,
            "institution_price_as_of": day.isoformat() if day else None,
            "institution_price_datetime": None,
            "institution_value": cents(quantity * price),
            "iso_currency_code": security.currency,
            "quantity": quantity,
            "security_id": security.security_id,
            "unofficial_currency_code": None,
            "vested_quantity": None,
            "vested_value": None,
        }


def _take(position: list[Lot], quantity: Decimal) -> None:
    """Remove `quantity` units from the oldest lots, each with its share of the cost."""
    while quantity > 0 and position:
        lot = position[0]
        if lot.quantity <= quantity:
            quantity -= lot.quantity
            position.pop(0)
            continue
        if lot.cost is not None:
            lot.cost -= cents(lot.cost * quantity / lot.quantity)
        lot.quantity -= quantity
        quantity = ZERO


def friday_on_or_before(day: date) -> date:
    """The day a weekly priced fund was last valued."""
    return day - timedelta(days=(day.weekday() - 4) % 7)
