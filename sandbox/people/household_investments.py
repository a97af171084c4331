"""The household's brokerage account and 401(k): what is held, bought, sold and paid out, and when.

Here belong the household's decisions as an investor. The bookkeeping is in `investments`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from sandbox.market import Dividend, Market, add_months
from sandbox.people.bank import Banking, cents
from sandbox.people.calendar import ONE_DAY, falls_due, instant, next_business_day
from sandbox.people.investments import (
    QUANTITY,
    InvestmentAccount,
    Lot,
    Quote,
    Security,
    cash_security,
    friday_on_or_before,
    last_priced_day,
)

FUNDS = ("VTI", "VXUS", "BND")
STOCKS = ("AAPL", "MSFT", "NVDA", "KO")
REINVESTED = ("VTI", "VXUS", "KO")
MONTHLY_PLAN = (("VTI", Decimal("220.00")), ("VXUS", Decimal("110.00")), ("BND", Decimal("60.00")))
SETTLED_HOUR = 19  # local time at which the custodian tells of the day's transactions


def listed_security(market: Market, symbol: str) -> Security:
    """A security of the exchange, priced at its last close."""

    def quote(when: datetime) -> Quote:
        day = last_priced_day(market, when)
        return market.close(symbol, day), day

    kind = ("etf", "etf") if symbol in FUNDS else ("equity", "common stock")
    return Security(symbol, market.listing(symbol).name, *kind, quote, symbol)


def plan_fund(market: Market, key: str, name: str, base: str, stocks: Decimal) -> Security:
    """A collective trust of the 401(k): no ticker, no market price, valued by the plan on Fridays.

    Its value follows VTI and BND, neither of which is ever split in the sandbox.
    """

    def quote(when: datetime) -> Quote:
        return _net_asset_value(
            market, Decimal(base), stocks, friday_on_or_before(last_priced_day(market, when))
        )

    return Security(key, name, "mutual fund", "mutual fund", quote, listed=False)


def _net_asset_value(market: Market, base: Decimal, stocks: Decimal, day: date) -> Quote:
    def growth(symbol: str) -> Decimal:
        return market.close(symbol, day) / market.close(symbol, market.start - 7 * ONE_DAY)

    value = base * (stocks * growth("VTI") + (1 - stocks) * growth("BND"))
    return value.quantize(Decimal("0.0001")), day


@dataclass
class Brokerage(InvestmentAccount):
    """The Plaid-linked brokerage account. `market` pays its dividends and splits its shares."""

    market: Market = field(kw_only=True, repr=False)
    monthly_deposit: Decimal = Decimal("400.00")
    _due: dict[date, list[Dividend]] = field(default_factory=dict, repr=False)
    _asked_to: date | None = None

    def __post_init__(self) -> None:
        # What was bought before the first day; KO came from another broker, without its cost.
        self.securities = {symbol: listed_security(self.market, symbol) for symbol in FUNDS + STOCKS}
        self.securities["CUR:USD"] = cash_security()
        self.held = [
            ("VTI", Lot(Decimal("86.412"), Decimal("16120.44"))),
            ("VXUS", Lot(Decimal("140.5"), Decimal("7540.12"))),
            ("BND", Lot(Decimal("95"), Decimal("7105.00"))),
            ("AAPL", Lot(Decimal("40"), Decimal("5210.80"))),
            ("MSFT", Lot(Decimal("15"), Decimal("3320.25"))),
            ("NVDA", Lot(Decimal("12"), Decimal("2201.40"))),
            ("KO", Lot(Decimal("60"), None)),
        ]
        self.opening = Decimal("1240.55")

    def live(self, owner: Banking, day: date) -> None:
        """Everything that happens to the account on `day`."""
        moment = instant(day, SETTLED_HOUR, 0, owner.zone)
        if any(falls_due(earlier, 8) and next_business_day(earlier) == day for earlier in _last_days(day)):
            self.record(
                moment,
                day,
                None,
                "cash",
                "deposit",
                "ACH DEPOSIT FIRST PLATYPUS BANK",
                amount=-self.monthly_deposit,
            )
        for split in self.market.splits:
            if split.ex_date == day and split.symbol in self.securities:
                self._split(moment, day, split.symbol, Decimal(split.new_rate) / split.old_rate)
        for dividend in self._dividends(day):
            self._pay(owner, moment, day, dividend)
        if not self.market.is_market_day(day):
            return
        if self._is_plan_day(day):
            for symbol, amount in MONTHLY_PLAN:
                self.buy(moment, day, symbol, amount, "buy", f"BUY {symbol} RECURRING INVESTMENT")
        if day in (self._session(10), self._session(20)):
            self._sell(moment, day, "AAPL", Decimal(6))
        if falls_due(day, 20) and day.month == 12:
            self.record(
                moment,
                day,
                None,
                "fee",
                "account fee",
                "ANNUAL ACCOUNT FEE",
                amount=Decimal("25.00"),
                fees=Decimal("25.00"),
            )

    def buy(self, moment: datetime, day: date, symbol: str, amount: Decimal, subtype: str, name: str) -> None:
        """Buy for `amount` at the day's close, in fractions of a share."""
        price = self.market.close(symbol, day)
        quantity = (amount / price).quantize(QUANTITY, ROUND_DOWN)
        self.record(moment, day, symbol, "buy", subtype, name, quantity=quantity, price=price, amount=amount)

    def _sell(self, moment: datetime, day: date, symbol: str, shares: Decimal) -> None:
        price, fees = self.market.close(symbol, day), Decimal("0.02")
        self.record(moment, day, symbol, "sell", "sell", f"SELL {symbol}", quantity=-shares, price=price,
                    amount=-(cents(shares * price) - fees), fees=fees)  # fmt: skip

    def _split(self, moment: datetime, day: date, symbol: str, ratio: Decimal) -> None:
        before = self.quantity(symbol, moment)
        self.record(moment, day, symbol, "transfer", "split", f"STOCK SPLIT {symbol} {ratio:f} FOR 1",
                    quantity=before * (ratio - 1), ratio=ratio)  # fmt: skip

    def _pay(self, owner: Banking, moment: datetime, day: date, dividend: Dividend) -> None:
        """Pay a dividend on the shares held before its ex-date, and reinvest it where that was chosen."""
        held_at = instant(dividend.ex_date - ONE_DAY, 23, 0, owner.zone)
        amount = cents(self.quantity(dividend.symbol, held_at) * dividend.rate)
        if amount <= 0:
            return
        symbol = dividend.symbol
        self.record(moment, day, symbol, "cash", "dividend", f"DIVIDEND {symbol}", amount=-amount)
        if symbol in REINVESTED:
            self.buy(moment, day, symbol, amount, "dividend reinvestment", f"REINVESTMENT {symbol}")

    def _dividends(self, day: date) -> list[Dividend]:
        """Those paid on `day`; the market is asked a quarter at a time."""
        if self._asked_to is None or day > self._asked_to - 30 * ONE_DAY:
            first = self._asked_to + ONE_DAY if self._asked_to else self.market.start
            self._asked_to = add_months(max(first, day), 3)
            for symbol in FUNDS + STOCKS:
                for dividend in self.market.dividends(symbol, first, self._asked_to):
                    self._due.setdefault(dividend.pay_date, []).append(dividend)
        return self._due.get(day, [])

    def _is_plan_day(self, day: date) -> bool:
        """The first session on or after the 12th: the deposit of the 8th has arrived by then."""
        return day.day >= 12 and not any(
            self.market.is_market_day(day.replace(day=earlier)) for earlier in range(12, day.day)
        )

    def _session(self, months: int) -> date:
        day = add_months(self.market.start, months)
        while not self.market.is_market_day(day):
            day += ONE_DAY
        return day


def _last_days(day: date) -> list[date]:
    return [day - ONE_DAY * back for back in range(1, 4)]


@dataclass
class Retirement(InvestmentAccount):
    """The 401(k): each payday's contribution buys units of the target date trust, in one row."""

    market: Market = field(kw_only=True, repr=False)
    contribution: Decimal = Decimal("510.00")

    def __post_init__(self) -> None:
        # The target date trust, and an older trust of which the plan no longer knows the cost.
        target = plan_fund(
            self.market, "TTD55", "Tattersall Target Date 2055 Trust CL R", "27.4100", Decimal("0.8")
        )
        growth = plan_fund(self.market, "LCGT1", "Large Cap Growth Trust CL I", "61.0800", Decimal("1.0"))
        self.securities = {target.key: target, growth.key: growth}
        self.held = [
            (target.key, Lot(Decimal("1480.226"), Decimal("34118.90"))),
            (growth.key, Lot(Decimal("310.507"), None)),
        ]
        self.cash_key = None

    def live(self, owner: Banking, day: date, payday: bool) -> None:
        """Invest the contribution of a payday."""
        if not payday:
            return
        moment = instant(day, SETTLED_HOUR, 0, owner.zone)
        price, _ = self.securities["TTD55"].quote(moment)
        quantity = (self.contribution / price).quantize(QUANTITY, ROUND_DOWN)
        self.record(moment, day, "TTD55", "buy", "contribution", "CONTRIBUTION TTD55 PRE-TAX + MATCH",
                    quantity=quantity, price=price, amount=self.contribution)  # fmt: skip
