"""The securities that trade in the sandbox, one line each.

Here belongs what a listing is born with. How its price moves belongs to `sandbox.market`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """A security as its exchange lists it, and the character of its price.

    `price` is the first close of the history in USD; `dividend_yield`, `beta` (against the whole market),
    `excess` (return beyond beta) and `volatility` (its own, beyond beta) are per year, as fractions;
    `volume` is shares on a quiet day; `ex_month` the first month (1 to 3) of its dividend quarter.
    """

    symbol: str
    name: str
    exchange: str
    price: float
    dividend_yield: float
    beta: float
    excess: float
    volatility: float
    volume: int
    ex_month: int


_ROWS = (
    Listing("VTI", "Vanguard Total Stock Market ETF", "ARCA", 205.0, 0.014, 1.00, 0.01, 0.01, 3_400_000, 3),
    Listing(
        "VXUS",
        "Vanguard Total International Stock ETF",
        "NASDAQ",
        53.0,
        0.030,
        0.80,
        -0.03,
        0.07,
        3_100_000,
        3,
    ),
    Listing("BND", "Vanguard Total Bond Market ETF", "NASDAQ", 72.5, 0.034, 0.06, -0.02, 0.05, 6_200_000, 1),
    Listing("SPY", "SPDR S&P 500 ETF Trust", "ARCA", 410.0, 0.013, 1.00, 0.01, 0.01, 61_000_000, 3),
    Listing("QQQ", "Invesco QQQ Trust Series 1", "NASDAQ", 315.0, 0.006, 1.15, 0.03, 0.07, 38_000_000, 3),
    Listing("IWM", "iShares Russell 2000 ETF", "ARCA", 178.0, 0.012, 1.10, -0.04, 0.10, 27_000_000, 3),
    Listing("VNQ", "Vanguard Real Estate ETF", "ARCA", 83.0, 0.038, 0.90, -0.05, 0.11, 3_900_000, 3),
    Listing("TIP", "iShares TIPS Bond ETF", "ARCA", 109.0, 0.025, 0.05, -0.01, 0.05, 2_400_000, 1),
    Listing("GLD", "SPDR Gold Shares", "ARCA", 172.0, 0.000, 0.10, 0.07, 0.13, 6_900_000, 1),
    Listing("AAPL", "Apple Inc. Common Stock", "NASDAQ", 152.0, 0.005, 1.15, 0.04, 0.17, 54_000_000, 2),
    Listing(
        "MSFT", "Microsoft Corporation Common Stock", "NASDAQ", 262.0, 0.008, 1.05, 0.05, 0.15, 22_000_000, 2
    ),
    Listing(
        "NVDA", "NVIDIA Corporation Common Stock", "NASDAQ", 232.0, 0.001, 1.70, 0.30, 0.30, 41_000_000, 3
    ),
    Listing("AMZN", "Amazon.com, Inc. Common Stock", "NASDAQ", 98.0, 0.000, 1.25, 0.06, 0.20, 46_000_000, 1),
    Listing(
        "GOOGL", "Alphabet Inc. Class A Common Stock", "NASDAQ", 96.0, 0.005, 1.10, 0.05, 0.19, 28_000_000, 3
    ),
    Listing(
        "KO", "Coca-Cola Company (The) Common Stock", "NYSE", 60.0, 0.030, 0.55, -0.02, 0.11, 13_000_000, 3
    ),
    Listing("JNJ", "Johnson & Johnson Common Stock", "NYSE", 155.0, 0.029, 0.50, -0.02, 0.12, 7_000_000, 2),
    Listing("JPM", "JPMorgan Chase & Co. Common Stock", "NYSE", 131.0, 0.026, 1.10, 0.03, 0.16, 9_500_000, 1),
    Listing(
        "XOM", "Exxon Mobil Corporation Common Stock", "NYSE", 108.0, 0.034, 0.70, 0.00, 0.20, 15_000_000, 2
    ),
    Listing(
        "PG",
        "Procter & Gamble Company (The) Common Stock",
        "NYSE",
        143.0,
        0.025,
        0.50,
        -0.01,
        0.11,
        6_500_000,
        1,
    ),
    Listing(
        "COST",
        "Costco Wholesale Corporation Common Stock",
        "NASDAQ",
        495.0,
        0.007,
        0.85,
        0.07,
        0.14,
        2_000_000,
        2,
    ),
)

LISTINGS: dict[str, Listing] = {row.symbol: row for row in _ROWS}
