"""Numbers of accounts are hidden, and nothing else is."""

import json

import pytest

from manna.documents.masking import masked, masked_payload


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("TRANSFER TO 000123456789", "TRANSFER TO ••••6789"),
        ("card 4111 1111 1111 1234 PAID", "card ••••1234 PAID"),
        ("4111-1111-1111-1234", "••••1234"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN ••••3000"),
        ("acct 12345678.", "acct ••••5678."),
        ("Checking 7730", "Checking 7730"),
        ("CHEWY.COM 800-672-4399 FL", "CHEWY.COM 800-672-4399 FL"),
        ("2026-03-01T12:00:00.123456789", "2026-03-01T12:00:00.123456789"),
        ("20220202135509981::2d7be4ff-d1f3-43e9", "20220202135509981::2d7be4ff-d1f3-43e9"),
        ("904837e3-3b76-47ec-b432-046db621571b", "904837e3-3b76-47ec-b432-046db621571b"),
        ("1,234,567,890.12", "1,234,567,890.12"),
        ("-12345678.50", "-12345678.50"),
        ("", ""),
    ],
)
def test_a_number_of_an_account_keeps_its_last_four_digits(text, shown):
    assert masked(text) == shown


def test_a_payload_is_masked_by_what_it_says_and_by_its_keys():
    payload = {
        "amount": 123456789,
        "name": "ACH 123456789012",
        "numbers": [{"account": "9900009606", "routing": 11401533, "iban": "GB29", "account_id": "a1"}],
        "account": None,
    }
    told = json.loads(masked_payload(json.dumps(payload)))
    assert told["amount"] == 123456789
    assert told["name"] == "ACH ••••9012"
    assert told["numbers"] == [
        {"account": "••••9606", "routing": "••••1533", "iban": "••••GB29", "account_id": "a1"}
    ]
    assert told["account"] is None
    assert masked_payload("no json 123456789012") == "no json ••••9012"
