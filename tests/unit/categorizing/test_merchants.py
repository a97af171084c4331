"""Who was paid: descriptions as banks write them, and the merchant in each."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.categorizing.merchants import LONGEST, merchant, merchants

EXAMPLES = [
    # a processor's prefix
    ("SQ *BLUE BOTTLE 0231 OAKLAND CA", "blue bottle"),
    ("PAYPAL *SPOTIFY", "spotify"),
    ("TST* CORNER BISTRO", "corner bistro"),
    ("SP * TFD SUPPLIES", "tfd supplies"),
    ("PP*ETSY", "etsy"),
    ("paypal lennoxtradi", "lennoxtradi"),
    ("IZ *THE COFFEE VAN", "the coffee van"),
    ("SUMUP *FLOWER CART", "flower cart"),
    ("GOOGLE *YouTube", "youtube"),
    ("APL*ITUNES.COM/BILL", "itunes"),
    ("ACT*THE NATIONAL TRUST", "the national trust"),
    ("PAYPAL *SQ *NESTED CAFE", "nested cafe"),
    ("INT*IN *LARCH TREE WORKS", "larch tree works"),
    ("SQU*SQ *AMBER POTTERY", "amber pottery"),
    # what the bank says first
    ("POS PURCHASE 05/12 STARBUCKS STORE 12345 SEATTLE WA", "starbucks"),
    ("DEBIT CARD PURCHASE - TRADER JOE'S", "trader joes"),
    ("CHECKCARD 0512 TRADER JOE'S #552 PORTLAND OR", "trader joes"),
    ("RECURRING PAYMENT NETFLIX.COM", "netflix"),
    ("VISA PURCHASE 12/03/2024 SHELL OIL 57444212500 SMALLVILLE KS", "shell oil"),
    ("INTERAC E-TRANSFER JOHN SMITH", "john smith"),
    # store numbers, order numbers, cards
    ("CDN TIRE STORE #00446", "cdn tire"),
    ("WAL-MART # 3740", "wal mart"),
    ("WAL-MART #3740", "wal mart"),
    ("LOWES #02633*", "lowes"),
    ("RONA # 55030", "rona"),
    ("TESCO STORES 2933", "tesco stores"),
    ("BULK BARN STORE 545", "bulk barn"),
    ("AMZN Mktp US*2A3B45C6D", "amzn mktp us"),
    ("UBER TRIP ORDER #A99-1234", "uber trip"),
    ("CORNER SHOP CARD ENDING IN 4321", "corner shop"),
    ("CORNER SHOP XXXX4321", "corner shop"),
    ("CORNER SHOP REF: 99812", "corner shop"),
    # numbers that are the name
    ("7-ELEVEN 34567", "7 eleven"),
    ("bp snax 24 cofton 859", "bp snax 24 cofton"),
    # places
    ("WHOLE FOODS MARKET AUSTIN TX", "whole foods market"),
    ("HYDRO BILL TORONTO ON", "hydro bill"),
    ("COUNTRY KITCHEN SMALLVILLE KS", "country kitchen smallville"),
    ("KWIK TRIP 401 00004010 LA CROSSE WI", "kwik trip"),
    ("MAPLIN BIRMINGHAM", "maplin"),
    # telephone numbers, dates, foreign money
    ("COMCAST 800-266-2278 CA", "comcast ca"),
    ("BOOTS 24/12/2023", "boots"),
    ("BOOTS 24 DEC", "boots"),
    ("LE BISTRO EUR 12.50", "le bistro"),
    # addresses in the web
    ("www.pcc.nhs.uk/eventma", "pcc"),
    ("WWW.SPORTCHEK.CA", "sportchek"),
    ("https://www.wordpress.com/plan", "wordpress"),
    ("SQUARESPACE INC.", "squarespace"),
    ("floormats co uk", "floormats"),
    # legal forms and signs
    ("A&B SUPPLY LTD", "a and b supply"),
    ("GAJMOTI OF CANADA LTD", "gajmoti of canada"),
    ("J.L. BRADSHAW LTD", "j l bradshaw"),
    ("MCGOWAN FENCE   SUPPLY", "mcgowan fence supply"),
    ("NICK   MIRA'S NO FRILL", "nick miras no frill"),
    # other scripts, signs that nobody types, full width
    ("日本語カフェ", "日本語カフェ"),
    ("КОФЕЙНЯ №5 МОСКВА", "кофейня no5 москва"),
    ("CAFÉ DE L'ÉTOILE", "café de létoile"),
    ("Ｓｔａｒｂｕｃｋｓ", "starbucks"),
    ("😀 cafe\x00 x", "cafe x"),
    ("TAB\tAND\nLINE", "tab and line"),
    ("😀", "😀"),
    # nothing much
    ("", ""),
    ("   ", ""),
    ("\x00\x01", ""),
    ("12345", "000"),
    ("***", "***"),
]


@pytest.mark.parametrize(("description", "expected"), EXAMPLES)
def test_the_merchant_of_a_description(description: str, expected: str) -> None:
    assert merchant(description) == expected


def test_all_at_once_is_the_same_as_one_by_one() -> None:
    texts = pl.Series([text for text, _ in EXAMPLES] * 3)

    assert merchants(texts).to_list() == [expected for _, expected in EXAMPLES] * 3


def test_null_and_no_rows_at_all() -> None:
    assert merchants(pl.Series([None, "Rona"])).to_list() == ["", "rona"]
    assert merchants(pl.Series([], dtype=pl.String)).to_list() == []


def test_ten_thousand_characters_are_cut() -> None:
    assert merchant("X" * 10_000) == "x" * LONGEST


def test_numbers_of_one_store_and_another_are_one_merchant() -> None:
    texts = [f"HOME DEPOT #{number}" for number in range(1000, 2000)]

    assert merchants(pl.Series(texts)).unique().to_list() == ["home depot"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_a_merchant_without_control_characters(text: str) -> None:
    found = merchant(text)

    assert found == merchant(text)
    assert not any(unicodedata.category(letter) == "Cc" for letter in found)
    assert found == found.strip(" ")
    assert "  " not in found
