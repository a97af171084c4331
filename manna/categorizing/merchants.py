"""Who was paid: a bank's description as a stable merchant.

What belongs here: taking away what is not the merchant (a processor's prefix, store numbers, cards, dates, phone
numbers, cities, web addresses, legal forms), as a pure function of the text alone. What does not: what a
merchant's transactions are for (``memory``, ``model``), nor any list of merchants.

The result is a key to group by and good enough to read: lower case, one space between words. It is the same for
every row with that text, whenever and wherever it is computed.
"""

from functools import cache

import polars as pl

from manna.categorizing.places import CITIES, REGIONS

NUMBERS, NUMBER = r"\d{3,}", "000"
"""A number of three digits or more is a number: which one never says who was paid."""

LONGEST = 160
"""Characters of a description that are looked at: banks send up to about 100; the rest is somebody's letter."""

_PREFIXES = (
    r"(?:pos|debit|credit|visa|mastercard|mc|interac|contactless|chip|online|web|point of sale|recurring|preauthorized"
    r"|pre-authorized|checkcard|check card|card|purchase|purch|payment|pymt|pmt|authorized on|withdrawal|dbt|crd|eft"
    r"|ach|sepa|direct|bill|e-?transfer|card payment|card purchase|purchase authorized on)"
)
_PROCESSORS = (
    r"sqc?|gosq\.com|tst|toast|pp|paypal|py|pyl|sp|spo|shopify|in|iz|izettle|zettle|sumup|stripe|wpy|wepay|ckoe?|cke"
    r"|klarna|afterpay|clover|clv|lightspeed|ls|bt|fs|dnh|eb|evt|gf|dri|mol|ezi|nyx|ext|par|ic|sbux|google|apl|goog"
    r"|apple|yoco|worldpay|wp|adyen|2co\.com|2checkout|paddle\.net|xsolla|ccbill|digitalriver|venmo|cash app|zlr|act"
    r"|int|squ|wav|crv|cnp|poy|olo|slice|grubhub|dd|dd doordash|uep|pl|msft|nor|wl|pok|swa"
)
_MONEY = "usd|eur|gbp|cad|chf|aud|jpy"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_STEPS: tuple[tuple[str, str], ...] = (
    # Card numbers and what is left of them: "card 1234", "xxxx1234", "ending in 1234".
    (r"(?:\bcard (?:no\.? ?|number |ending (?:in )?|#)?|\bending in |[x*•]{2,}-?)\d{3,6}\b", " "),
    # What the bank says before it comes to the point, with the day it says it of.
    (
        rf"^(?:{_PREFIXES}\b[ :*#-]*(?:\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-]\d{{2,4}})?|\d{{3,4}})?[ :*-]*)+(?P<rest>\p{{L}})",
        "$rest",
    ),
    # A processor's prefix, a star, then the merchant.
    (
        rf"^(?:(?:{_PROCESSORS}) ?\*[ *]*|(?:paypal|sumup|izettle|zettle|klarna) )+(?P<rest>[\p{{L}}\p{{N}}])",
        "$rest",
    ),
    # Web and mail addresses: the name in them.
    (r"https?://|\bwww\d?[. ]", ""),
    (
        r"(?P<name>[\p{L}\d-]{2,})\.(?:com?|org|net|ac|gov|nhs|edu|sch|ltd|me|io|ca|us|uk|de|fr|ie|eu|info|biz|tv|app|shop|store)"
        r"(?:\.[a-z]{2,3}\b)?(?:/\S*)?",
        "$name ",
    ),
    # Dates, times, phone numbers, amounts of foreign money.
    (
        r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b|\b\d{1,2}:\d{2}(?::\d{2})?\b|\b\d{1,2}/\d{1,2}\b"
        rf"|\b\d{{1,2}} ?(?:{_MONTHS})(?: ?\d{{2,4}})?\b"
        r"|(?:\+?\d{1,2}[ .-]?)?\(?\b\d{3}\)?[ .-]\d{3}[ .-]?\d{3,4}\b|\b\d{3}-\d{3,4}\b"
        rf"|\b(?:{_MONEY}) ?\d+[.,]\d{{2}}\b|\b\d+[.,]\d{{2}} ?(?:{_MONEY})\b",
        " ",
    ),
    # A number of a store, and the place behind it when a region or a postcode ends the line.
    (
        r"[ #]+(?:store |st |no\.? )?#? ?[a-z]?-?\d{2,}\S* [^\d*#]+ "
        rf"(?:{REGIONS})(?: \d{{3,5}}(?:-\d{{3,4}})?)?(?: us| usa| ca)?$",
        "",
    ),
    # Numbers of stores, orders and customers (letters and digits mixed, behind a star).
    (
        r"\b(?:store|stn|shop|branch|unit|ref|no|nr|inv|invoice|order|ord|trace|auth|id|term|terminal|till)[ .:#]+[a-z]?\d[\w-]*"
        r"|# ?[a-z]{0,2}-?\d[\w-]*|\*[a-z]*\d[a-z0-9]{3,}\b",
        " ",
    ),
    (r"['’`´]", ""),
    (r"[^\p{L}\p{M}\p{N}&]+", " "),
    (rf" (?:{CITIES})(?: (?:{REGIONS})(?: \d{{3,5}})?(?: us| usa| can?| gbr?)?)?$", ""),
    (rf"(?P<two>\S \S+) (?:{REGIONS})(?: \d{{3,5}})?(?: us| usa| can| gbr)?$", "$two"),
    # Long numbers anywhere, any at the end, codes of letters and digits that no name has.
    (r"\b(?:\d{3,}|[a-z]{1,3}\d{3,}\w*|\d+[a-z]+\d\w*)\b", " "),
    (r"(?: +\d+[a-z]?)+ *$", ""),
    (r"^(?:\d\d+ +)+(?P<name>[^\d\s]{3})", "$name"),
    (
        r" +(?:inc|incorporated|llc|ltd|limite?d?|co|corp|corporation|plc|gmbh|ag|sa|bv|pty|lp|llp|company) *$",
        "",
    ),
)
"""Patterns and what stands instead, in this order. Polars keeps 32 compiled: more of them cost 3 ms per call."""


def merchants(descriptions: pl.Series) -> pl.Series:
    """The merchant of each description; the work is done once per distinct text.

    Args:
        descriptions: text, null allowed, any length and script.

    Returns:
        As many texts, never null: lower case words, at most :data:`LONGEST` characters. A text of which nothing
        would be left (only numbers, say) stays as it is, lower-cased; an empty one is the empty text.
    """
    text = pl.col("text").cast(pl.String).fill_null("").str.slice(0, LONGEST).str.to_lowercase()
    shapes = descriptions.alias("text").to_frame().select(shape=text.str.replace_all(NUMBERS, NUMBER))
    once = _merchants(shapes if shapes.height == 1 else shapes.unique(maintain_order=True))
    if once.height == shapes.height:
        return once["merchant"]
    return shapes.join(once, on="shape", how="left", maintain_order="left")["merchant"]


def merchant(description: str | None) -> str:
    """:func:`merchants` of one."""
    return str(merchants(pl.Series([description], dtype=pl.String)).item())


@cache
def _plain() -> pl.Expr:
    """The column ``shape`` without control characters, one space between words."""
    text = pl.col("shape").str.normalize("NFKC").str.to_lowercase()
    return text.str.replace_all(r"[\p{C}\p{Z}\s]+", " ").str.strip_chars(" ").alias("plain")


@cache
def _kept() -> pl.Expr:
    """What is left of the column ``plain``; remembered, because putting it together takes longer than one row."""
    kept = pl.col("plain")
    for pattern, instead in _STEPS:
        kept = kept.str.replace_all(pattern, instead)
        kept = kept if "$" in instead else kept.str.strip_chars(" ")
    return (
        kept.str.replace_all("&", " and ", literal=True).str.replace_all(r" {2,}", " ").str.strip_chars(" ")
    )


def _merchants(shapes: pl.DataFrame) -> pl.DataFrame:
    """``shape`` and ``merchant``; in steps, so that nothing is worked out twice."""
    kept = shapes.with_columns(_plain()).with_columns(merchant=_kept())
    empty = pl.col("merchant") == ""
    return kept.select("shape", merchant=pl.when(empty).then("plain").otherwise("merchant"))
