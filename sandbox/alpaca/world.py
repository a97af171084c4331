"""The Alpaca account as it is now: the household's script and the clients' orders, valued at the market.

Here belongs what joins the two and what both services ask for: the present, the latest price, the book.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.alpaca.book import Activity, Book, Booked, Fill, replay
from sandbox.alpaca.history import Script, household_script
from sandbox.alpaca.wire import NEW_YORK, instant, number, parsed
from sandbox.market import Market, Session, sessions_between
from sandbox.state import Document, State


class AlpacaWorld:
    """One account at one brokerage.

    `funded` says whether it is the demo household's, with its history, or empty. `credentials` holds
    `alpaca_key_id` and `alpaca_secret_key`.
    """

    def __init__(self, state: State, market: Market, credentials: dict[str, str], funded: bool) -> None:
        self.state = state
        self.market = market
        self.credentials = credentials
        self.funded = funded
        self.orders = {order["id"]: order for _, order in state.items("alpaca/order/")}
        self._script = Script([], [], [])
        self._script_until: date | None = None
        self._books: dict[datetime, Book] = {}

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return self.state.now()

    def today(self) -> date:
        """The present day in New York."""
        return self.now().astimezone(NEW_YORK).date()

    def last_session(self, at: datetime) -> Session:
        """The last session that was over at `at`."""
        day = at.astimezone(NEW_YORK).date()
        return [each for each in sessions_between(day - timedelta(days=10), day) if each.closes <= at][-1]

    def session_before(self, day: date) -> Session:
        """The last session before `day`."""
        return sessions_between(day - timedelta(days=11), day - timedelta(days=1))[-1]

    def price(self, symbol: str, at: datetime) -> Decimal:
        """The latest close that was known at `at`, in USD for a share of that day."""
        return self.price_on(symbol, self.last_session(at).day, at.astimezone(NEW_YORK).date())

    def price_on(self, symbol: str, day: date, today: date) -> Decimal:
        """The close of `day` in USD for a share of `today`: divided by the splits between the two."""
        price = self.market.close(symbol, day)
        for split in self.market.splits:
            if split.symbol == symbol and day < split.ex_date <= today:
                price = price * split.old_rate / split.new_rate
        return price

    def script(self) -> Script:
        """What the household has done up to now; empty when the account is."""
        today = self.today()
        if self.funded and self._script_until != today:
            self._script = household_script(self.market, today)
            self._script_until = today
        return self._script

    def scripted_orders(self) -> list[Document]:
        """The household's own orders up to now."""
        now = self.now()
        return [order for order in self.script().orders if parsed(order["filled_at"]) <= now]

    def book(self, at: datetime | None = None) -> Book:
        """The account at `at` (default: now). Not to be changed by the caller."""
        moment = at or self.now()
        if moment not in self._books:
            fills = [*self.script().fills, *self._live_fills()]
            if len(self._books) > 8:
                self._books.clear()
            self._books[moment] = replay(self.market, self.script().deposits, fills, moment, self.booked())
        return self._books[moment]

    def save(self, order: Document) -> None:
        """Store an order that a client placed; the books are written anew from now on."""
        self.state.put(f"alpaca/order/{order['sequence']:09d}", order)
        self.orders[order["id"]] = order
        self._books.clear()

    def booked(self) -> list[Booked]:
        """The activities that were booked from outside, oldest first."""
        return [
            Booked(Activity(parsed(each["at"]), each["document"]), Decimal(each["cost"]))
            for _, each in self.state.items("alpaca/booked/")
        ]

    def book_activity(self, booked: Booked) -> None:
        """Store an activity; the books are written anew from now on."""
        activity = booked.activity
        said = {"at": instant(activity.at), "document": activity.document, "cost": number(booked.cost)}
        self.state.put(f"alpaca/booked/{len(self.booked()):09d}", said)
        self._books.clear()

    def changes(self, symbol: str) -> Document:
        """What was changed from outside of a security, or of the account's settings ("")."""
        return self.state.get(f"alpaca/changed/{symbol}") or {}

    def change(self, symbol: str, changes: Document) -> None:
        """A security stops trading, say, or the account takes no fractions any more."""
        self.state.put(f"alpaca/changed/{symbol}", {**self.changes(symbol), **changes})

    def equity(self, at: datetime | None = None) -> Decimal:
        """Cash and market value of the positions at `at` (default: now), in USD."""
        book = self.book(at)
        moment = at or self.now()
        return book.cash + sum(
            (position.qty * self.price(symbol, moment) for symbol, position in book.positions.items()),
            Decimal(0),
        )

    def _live_fills(self) -> list[Fill]:
        fills = []
        for order in self.orders.values():
            done = Decimal(0)
            for each in order["fills"]:
                done += Decimal(each["qty"])
                fills.append(
                    Fill(
                        at=parsed(each["at"]),
                        order_id=order["id"],
                        execution_id=each["execution_id"],
                        symbol=order["symbol"],
                        side=order["side"],
                        qty=Decimal(each["qty"]),
                        price=Decimal(each["price"]),
                        cum_qty=done,
                        leaves_qty=Decimal(each["leaves_qty"]),
                    )
                )
        return sorted(fills, key=lambda fill: fill.at)
