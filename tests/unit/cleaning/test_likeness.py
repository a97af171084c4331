"""How alike two accounts, or two descriptions, are: tables of examples."""

from dataclasses import replace

import pytest

from manna.cleaning.likeness import SIMILAR, Evidence, read_evidence, resemblance, similarity

CHECKING = Evidence("depository", "checking", "0000", "Plaid Checking", "USD", None)
CARD = Evidence("credit", "credit card", "3333", "Rewards Card", "USD", None)


@pytest.mark.parametrize(
    ("former", "later", "expected"),
    [
        (CHECKING, CHECKING, "same"),
        (CHECKING, replace(CHECKING, name="Everyday"), "same"),
        (CHECKING, replace(CHECKING, currency=None), "same"),
        (CHECKING, replace(CHECKING, subtype="savings"), "perhaps"),
        (CHECKING, replace(CHECKING, mask=None), "perhaps"),
        (replace(CHECKING, mask=None), replace(CHECKING, mask=None), "perhaps"),
        (CHECKING, replace(CHECKING, mask=None, subtype="savings"), "other"),
        (CARD, replace(CARD, mask="4444"), "renumbered"),
        (CARD, replace(CARD, mask="4444", name="Other Card"), "other"),
        (replace(CARD, name=None), replace(CARD, mask="4444", name=None), "other"),
        (CHECKING, CARD, "other"),
        (replace(CHECKING, type=None), replace(CHECKING, type=None), "other"),
        (CHECKING, replace(CHECKING, currency="EUR"), "other"),
        (replace(CHECKING, persistent_id="p"), replace(CHECKING, persistent_id="p", mask="9"), "same"),
        (replace(CHECKING, persistent_id="p"), replace(CHECKING, persistent_id="q"), "other"),
        (replace(CHECKING, persistent_id="p"), CHECKING, "same"),
    ],
)
def test_accounts(former: Evidence, later: Evidence, expected: str) -> None:
    assert resemblance(former, later) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            '{"type": "depository", "subtype": "checking", "mask": "0000", "name": "Plaid Checking",'
            ' "balances": {"iso_currency_code": "USD"}}',
            CHECKING,
        ),
        ('{"balances": {"unofficial_currency_code": "BTC"}}', Evidence(None, None, None, None, "BTC", None)),
        ('{"type": 5, "mask": "", "balances": []}', Evidence(None, None, None, None, None, None)),
        ("[]", None),
        ("not JSON", None),
        ("[" * 100_000, None),
    ],
)
def test_an_account_is_read_as_far_as_it_can_be(payload: str, expected: Evidence | None) -> None:
    assert read_evidence(payload) == expected


@pytest.mark.parametrize(
    ("one", "other", "is_similar"),
    [
        ("SQ *BLUE BOTTLE", "BLUE BOTTLE COFFEE #0042 OAKLAND CA", True),
        ("PENDING WM SUPERCENTE", "WM SUPERCENTER #1700", True),
        ("UBER", "UBER *TRIP HELP.UBER.COM", True),
        ("TST* RISTORANTE DA MARIO", "Ristorante da Mario 02/14", True),
        ("POS DEBIT SHELL OIL 57444", "SHELL OIL 57444 SAN JOSE", True),
        ("12345", "12345", True),
        ("日本 コンビニ", "日本 コンビニ 東京", True),
        ("CARD PURCHASE", "CARD PURCHASE", True),
        ("", "", True),
        ("BLUE BOTTLE", "SHELL OIL", False),
        ("CARD PURCHASE BLUE BOTTLE", "CARD PURCHASE SHELL OIL", False),
        ("12345", "12346", False),
        ("ACE", "ACME HARDWARE", False),
        ("", "SHELL OIL", False),
    ],
)
def test_descriptions(one: str, other: str, is_similar: bool) -> None:
    assert (similarity(one, other) >= SIMILAR) == is_similar
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
