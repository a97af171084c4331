"""The examination by Great Expectations, in a process of its own."""

import sys
from datetime import UTC, datetime

import pytest

from manna.contracts import CONTRACTS
from manna.validating.relations import Related, related
from resources.examiner import ExaminationError, examine

AT = datetime(2026, 3, 16, 12, tzinfo=UTC)


@pytest.fixture
def subject() -> Related:
    contract = CONTRACTS["clean.securities"]
    return related(contract, contract.empty(), {})


def test_its_memory_is_gone_when_it_is_done(subject: Related) -> None:
    found = examine([subject], AT)["clean.securities"]
    assert found.success
    assert found.expectations > 3
    assert "2026-03-16" in found.result_html
    assert "great_expectations" not in sys.modules


def test_where_it_fails_its_last_words_are_said() -> None:
    with pytest.raises(
        ExaminationError, match=r"the examination of 1 tables failed: AttributeError: .*contract"
    ):
        examine([None], AT)  # type: ignore[list-item]


def test_where_it_is_killed_that_is_said(subject: Related, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ExaminationError, match="failed: exit code 1"):
        examine([subject], AT)
