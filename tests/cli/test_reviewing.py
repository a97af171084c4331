"""`manna review`, `rules`, `transfers` and `model`: what a person answers, and what becomes of it.

What only looks uses the demo of all tests; what answers has one of its own, and a night after it: those are slow.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from console import Demo, Said, clean_environment

from resources.postgres import EmbeddedPostgres
from resources.settings import PROJECT
from tests.conftest import FinishedDemo


@pytest.fixture(scope="module")
def own(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of one's own: answers are kept for ever."""
    copy = finished_demo.copy(tmp_path_factory.mktemp("review") / "data")
    with EmbeddedPostgres(copy.data_dir) as url:
        yield Demo(copy.data_dir, url, Said(0, copy.out, copy.err))


def asked(manna: Any, own: Demo, *arguments: str) -> list[dict[str, Any]]:
    said = manna(own.data_dir, "review", "--format", "json", *arguments)
    assert (said.code, said.err) == (0, "")
    return list(json.loads(said.out))


def rows(manna: Any, own: Demo, query: str) -> list[dict[str, Any]]:
    said = manna(own.data_dir, "sql", query, "--format", "json")
    assert said.code == 0, said.err
    return list(json.loads(said.out))


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered before the night that followed."""

    question: dict[str, Any]
    row: dict[str, Any]
    transfer: str
    said: tuple[Said, ...]


@pytest.fixture(scope="module")
def answered(own: Demo) -> Answers:
    """A question, a split and a rejected transfer, then one night: nights take seconds."""
    question = next(
        one for one in json.loads(command(own, "review", "--format", "json").out) if one["rows"] > 1
    )
    [row] = json.loads(
        command(
            own,
            "sql",
            "SELECT transaction_id, amount FROM clean.transactions WHERE book = 'household' AND amount < -50 "
            "AND NOT pending AND NOT removed ORDER BY date DESC, transaction_id LIMIT 1",
            "--format",
            "json",
        ).out
    )
    listed = json.loads(command(own, "transfers", "list", "--book", "household", "--format", "json").out)
    transfer = listed[0]["transfer_id"]
    split = ("--split", "Expenses:Part=12.50")
    said = (
        command(own, "review", "set", question["question_id"], "Expenses:Tested", "--by", "ana"),
        command(own, "review", "set", row["transaction_id"], "Expenses:Rest", *split),
        command(own, "transfers", "reject", transfer[:12]),
        command(own, "run", "training"),
        command(own, "run", "nightly_close"),
    )
    return Answers(question, row, transfer, said)


def command(own: Demo, *arguments: str) -> Said:
    """A command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=PROJECT,
        env=clean_environment(own.data_dir),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_answers_are_taken(answered: Answers) -> None:
    assert [said.code for said in answered.said] == [0] * 5, answered.said
    assert answered.said[0].out.startswith(f"{answered.question['rows']} decided")


class TestReview:
    def test_the_most_valuable_question_comes_first(self, manna: Any, demo: Demo) -> None:
        found = asked(manna, demo)
        worth = [question["worth"] for question in found]
        assert worth == sorted(worth, reverse=True)
        assert {question["book"] for question in found} == {"household", "studio"}
        assert {question["book"] for question in asked(manna, demo, "--book", "studio")} == {"studio"}

    def test_nothing_is_asked_of_a_book_that_is_none(self, manna: Any, demo: Demo) -> None:
        assert "unknown book 'none'" in manna(demo.data_dir, "review", "--book", "none").complaint

    def test_what_is_no_answer(self, manna: Any, demo: Demo) -> None:
        question = next(one for one in asked(manna, demo) if one["rows"] > 1)
        several, row = question["question_id"], question["transaction_ids"][0]
        for arguments, why in (
            (("nothing", "Expenses:Food"), "there is no question or transaction 'nothing'"),
            ((several, "Food"), "'Food' is no account of a chart"),
            ((several, "Expenses:Food", "--split", "Expenses:Home=1"), "give its id, not a question's"),
            ((row, "Expenses:Food", "--split", "12.50"), "is not CATEGORY=AMOUNT"),
            ((row, "Expenses:Food", "--split", "Expenses:Home=much"), "'much' is no amount"),
        ):
            assert why in manna(demo.data_dir, "review", "set", *arguments).complaint

    @pytest.mark.slow
    def test_an_answer_settles_all_rows_of_a_merchant_and_is_not_asked_again(
        self, manna: Any, own: Demo, answered: Answers
    ) -> None:
        question = answered.question
        assert question["question_id"] not in [one["question_id"] for one in asked(manna, own)]
        ids = ", ".join(f"'{name}'" for name in question["transaction_ids"])
        found = rows(
            manna,
            own,
            "SELECT DISTINCT category, source, certain, reason FROM categorized.transactions "
            f"WHERE transaction_id IN ({ids})",
        )
        assert found == [
            {"category": "Expenses:Tested", "source": "override", "certain": True, "reason": "decided by ana"}
        ]
        booked = rows(
            manna,
            own,
            "SELECT count(*) AS n FROM ledger.postings JOIN ledger.journal USING (entry_id) "
            f"WHERE account = 'Expenses:Tested' AND source_id IN ({ids})",
        )
        assert booked == [{"n": question["rows"]}]

    @pytest.mark.slow
    def test_a_split_is_booked_in_parts(self, manna: Any, own: Demo, answered: Answers) -> None:
        row = answered.row
        found = rows(
            manna,
            own,
            "SELECT account, amount FROM ledger.postings JOIN ledger.journal USING (entry_id) "
            f"WHERE source_id = '{row['transaction_id']}' ORDER BY posting_id",
        )
        assert found[2] == {"account": "Expenses:Part", "amount": "12.5000"}
        assert found[1]["account"] == "Expenses:Rest"
        assert Decimal(found[1]["amount"]) == -Decimal(row["amount"]) - Decimal("12.5")

    @pytest.mark.slow
    def test_a_person_at_a_terminal(
        self, manna: Any, own: Demo, answered: Answers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = asked(manna, own)
        words = ["", "s", "no such thing", "groc", "1", "Expenses:Brand New", "q"]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*words, ""])))
        said = manna(own.data_dir, "review")
        assert said.code == 0, said.err
        assert "no category in use has 'no such thing' in it" in said.out
        assert "1  Expenses:Food and Drink:Groceries" in said.out
        decided = sum(before[position]["rows"] for position in (0, 2, 3))
        assert f"{decided} transactions decided" in said.out
        left = [one["question_id"] for one in asked(manna, own)]
        assert [one["question_id"] in left for one in before[:5]] == [False, True, False, False, True]


class TestRules:
    def test_they_are_tried_in_rows_and_in_money(self, manna: Any, demo: Demo, tmp_path: Any) -> None:
        file = tmp_path / "rules.yaml"
        file.write_text(
            "- {description: NETFLIX, category: 'Expenses:Streaming'}\n"
            "- {description: NOBODY AT ALL, category: 'Expenses:Nobody'}\n"
        )
        said = manna(
            demo.data_dir, "rules", "test", "--book", "household", "--file", str(file), "--format", "csv"
        )
        assert said.code == 0, said.err
        found = list(csv.DictReader(io.StringIO(said.out)))
        assert [row["category"] for row in found] == ["Expenses:Streaming", "Expenses:Nobody"]
        assert int(found[0]["changed"]) == int(found[0]["decided"]) == 24
        assert float(found[0]["amount"]) < -300
        assert (found[1]["matched"], found[1]["changed"]) == ("0", "0")
        assert manna(demo.data_dir, "rules", "test", "--book", "household").code == 0

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("[", "not readable YAML"),
            ("id: x", "holds no rules"),
            ("- {category: 'Expenses:X'}", "without a condition"),
            ("- {description: '(', category: 'Expenses:X'}", "not a regular expression"),
        ],
    )
    def test_what_are_no_rules(self, text: str, why: str, manna: Any, demo: Demo, tmp_path: Any) -> None:
        file = tmp_path / "rules.yaml"
        file.write_text(text)
        said = manna(demo.data_dir, "rules", "test", "--book", "household", "--file", str(file))
        assert why in said.complaint

    def test_a_file_that_is_not_there(self, manna: Any, demo: Demo, tmp_path: Any) -> None:
        said = manna(demo.data_dir, "rules", "test", "--book", "household", "--file", str(tmp_path / "none"))
        assert "cannot read" in said.complaint


class TestTransfers:
    def test_they_are_listed_with_what_either_row_says(self, manna: Any, demo: Demo) -> None:
        said = manna(demo.data_dir, "transfers", "list", "--book", "household", "--format", "json")
        found = json.loads(said.out)
        assert all(Decimal(one["out_amount"]) == -Decimal(one["in_amount"]) for one in found)
        assert {one["in_account"] for one in found} >= {"Alpaca Brokerage", "Tartan Bank Travel Card"}
        days = [one["out_date"] for one in found]
        assert days == sorted(days, reverse=True)
        table = manna(demo.data_dir, "transfers", "list", "--book", "household", COLUMNS="160")
        assert found[0]["transfer_id"][:12] in table.out

    def test_what_is_not_paired(self, manna: Any, demo: Demo) -> None:
        assert (
            "there is no pair 'nothing'" in manna(demo.data_dir, "transfers", "reject", "nothing").complaint
        )
        assert "several pairs begin with" in manna(demo.data_dir, "transfers", "reject", "0").complaint
        assert "there is no rejected pair" in manna(demo.data_dir, "transfers", "restore", "0").complaint

    @pytest.mark.slow
    def test_a_pair_that_is_rejected_stays_apart(self, manna: Any, own: Demo, answered: Answers) -> None:
        query = f"SELECT * FROM categorized.transfers WHERE transfer_id = '{answered.transfer}'"
        assert rows(manna, own, query) == []
        said = manna(own.data_dir, "transfers", "list", "--rejected", "--format", "json")
        assert [one["transfer_id"] for one in json.loads(said.out)] == [answered.transfer]
        assert manna(own.data_dir, "transfers", "restore", answered.transfer[:12]).code == 0
        again = manna(own.data_dir, "transfers", "restore", answered.transfer[:12])
        assert "there is no rejected pair" in again.complaint


class TestModel:
    def test_where_nobody_has_decided_there_is_none(self, manna: Any, demo: Demo) -> None:
        said = manna(demo.data_dir, "model", "list", "--format", "json")
        assert (said.code, json.loads(said.out)) == (0, [])
        assert "there is no model '3f'" in manna(demo.data_dir, "model", "show", "3f").complaint
        back = manna(demo.data_dir, "model", "rollback", "--book", "studio", "--reason", "x")
        assert "studio uses no model" in back.complaint

    @pytest.mark.slow
    def test_versions_are_listed_shown_and_put_into_use(
        self, manna: Any, own: Demo, answered: Answers
    ) -> None:
        listed = json.loads(manna(own.data_dir, "model", "list", "--format", "json").out)
        assert len(listed) == len({one["book"] for one in listed}) > 0
        model, book = listed[0]["model"], listed[0]["book"]
        shown = json.loads(manna(own.data_dir, "model", "show", model[:6], "--format", "json").out)
        assert (shown["model_id"], shown["file"]) == (model, "fine")
        table = manna(own.data_dir, "model", "show", model[:6])
        assert (table.code, table.err) == (0, "")
        assert model in manna(own.data_dir, "model", "show", model, "--format", "csv").out
        if not listed[0]["in_use"]:
            put = manna(own.data_dir, "model", "promote", model, "--reason", "try")
            assert f"{book} uses {model}" in put.out
        back = manna(own.data_dir, "model", "rollback", "--book", book, "--reason", "back")
        assert f"{book} uses no model" in back.out
