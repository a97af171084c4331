"""Reports: the gate per book and month, and that every place of publication says the same."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
import worlds
from worlds import REPORTS, STATEMENTS, World, checks, said

from assets import ledger, pages, published, reports
from assets.opened_pages import write_opened
from assets.reports import TABLES, dirty_months
from manna.contracts import CONTRACTS
from pipelines.reporting import published_statement
from pipelines.settling import settle

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
HELD = "reports.publications ties_out"


def stored(world: World, book: str, period: date) -> dict[str, list[tuple[Any, ...]]]:
    """The six statements of a book and month in the lake."""
    return {t: world.read(t, book=book, period=period).sort("line").rows() for t in TABLES}


def in_postgres(world: World, book: str, period: date) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(world.url) as connection:
        query = "SELECT * FROM {} WHERE book = %s AND period = %s ORDER BY line"
        return {t: connection.execute(query.format(t), [book, period]).fetchall() for t in TABLES}


def in_duckdb(world: World, book: str, period: date) -> dict[str, list[tuple[Any, ...]]]:
    file = world.manna.settings.published_dir / f"{book}.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        query = "SELECT * FROM {} WHERE book = ? AND period = ? ORDER BY line"
        return {t: connection.execute(query.format(t), [book, period]).fetchall() for t in TABLES}


def page(world: World, book: str, period: date) -> str:
    """What a page shows below its head (which says what is held, and why), without its seal."""
    file = world.manna.settings.documents_dir / book / f"{period:%Y-%m}.html"
    return file.read_text().partition("</header>")[2].partition("<!-- sealed")[0]


def everywhere(world: World, book: str, period: date) -> tuple[Any, ...]:
    return tuple(look(world, book, period) for look in (stored, in_postgres, in_duckdb, page))


def publication(world: World, book: str, period: date) -> dict[str, Any]:
    return world.read("reports.publications", book=book, period=period).row(0, named=True)


def decide(world: World, book: str, month: date) -> None:
    """A person gives another category to an expense of that month; the ledger follows."""
    rows = world.read("categorized.transactions", book=book).filter(
        pl.col("category").str.starts_with("Expenses:")
    )
    dated = world.read("clean.transactions", book=book).join(rows, on="transaction_id", how="semi")
    own = dated.filter(pl.col("date").dt.truncate("1mo") == month, ~pl.col("pending")).sort("transaction_id")
    world.manna.ops.decide(
        book, own["transaction_id"][0], "Expenses:Gifts", "ana", world.manna.settings.now()
    )
    worlds.succeeded(world.run([worlds.categorized.categories, ledger.ledger, ledger.months]))


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The household's trial balance of February 2026 is one cent off, until undone."""
    real = reports.statements

    def off_by_a_cent(book: Any, *more: Any) -> dict[str, pl.DataFrame]:
        frames = real(book, *more)
        wrong = (pl.col("level") == "total") & (pl.col("period") == FEBRUARY)
        if book.id == "household":
            cent = pl.lit("0.01").cast(pl.Decimal(18, 4))
            debit = pl.when(wrong).then(pl.col("debit") + cent).otherwise(pl.col("debit"))
            trial = frames["trial_balance"].with_columns(debit.cast(pl.Decimal(18, 4)))
            frames["trial_balance"] = trial
        return frames

    with monkeypatch.context() as patch:
        patch.setattr(reports, "statements", off_by_a_cent)
        yield patch


@pytest.mark.slow
def test_what_does_not_tie_out_is_held_alone_and_published_once_mended(
    world: World, faulty: pytest.MonkeyPatch
) -> None:
    good = everywhere(world, "household", FEBRUARY)
    other = stored(world, "household", MARCH), stored(world, "studio", FEBRUARY)
    before = publication(world, "household", FEBRUARY)
    for book in ("household", "studio"):
        decide(world, book, FEBRUARY)
    assert dirty_months(world.manna.lake) == [FEBRUARY, MARCH]

    result = world.report()
    assert result is not None
    assert result.success
    check = checks(result)[HELD]
    assert not check.passed
    assert set(check.metadata) == {"published", "household 2026-02"}
    assert check.metadata["published"].value == 3
    assert everywhere(world, "household", FEBRUARY) == good
    held = publication(world, "household", FEBRUARY)
    assert held["status"] == "held"
    assert "debits" in held["reason"]
    assert (held["content_hash"], held["month_hash"]) == (before["content_hash"], before["month_hash"])
    assert held["known_at"] == before["known_at"]
    assert stored(world, "household", MARCH) != other[0]
    assert stored(world, "studio", FEBRUARY) != other[1]
    head = (
        (world.manna.settings.documents_dir / "household" / "2026-02.html")
        .read_text()
        .partition("</header>")[0]
    )
    assert "last good version" in head

    settle(world.manna, world.instance)
    alerts = {alert["fingerprint"]: alert for alert in world.manna.ops.alerts()}
    assert alerts["held_report:household:2026-02"]["severity"] == "critical"
    assert held["reason"] in alerts["held_report:household:2026-02"]["message"]
    assert dirty_months(world.manna.lake) == []  # the same facts and code fail the same way

    faulty.undo()
    faulty.setattr(reports, "CODE_VERSION", "mended")
    assert dirty_months(world.manna.lake) == [FEBRUARY]
    mended = worlds.succeeded(world.report())
    assert checks(mended)[HELD].passed
    after = publication(world, "household", FEBRUARY)
    assert (after["status"], after["reason"]) == ("published", None)
    assert everywhere(world, "household", FEBRUARY) != good
    settle(world.manna, world.instance)
    assert not {"held_report", "failed_check"} & {alert["kind"] for alert in world.manna.ops.alerts()}


def test_a_month_that_never_tied_out_is_held_with_nothing_published(
    world: World, faulty: pytest.MonkeyPatch
) -> None:
    for table in (*TABLES, "reports.publications"):
        rows = world.read(table, book="household").filter(pl.col("period") != FEBRUARY)
        world.plant(table, rows, book="household")
    assert dirty_months(world.manna.lake) == [FEBRUARY]
    assert world.report() is not None
    held = publication(world, "household", FEBRUARY)
    assert (held["status"], held["content_hash"], held["month_hash"]) == ("held", None, None)
    assert all(not rows for rows in stored(world, "household", FEBRUARY).values())


def test_an_unbalanced_posting_is_not_published(world: World) -> None:
    good = everywhere(world, "household", MARCH)
    postings = world.read("ledger.postings", book="household")
    one = postings.filter(pl.col("date") >= MARCH).row(0, named=True)
    stray = one | {"posting_id": "stray", "amount": one["amount"] + 1}
    world.plant(
        "ledger.postings",
        pl.concat([postings, pl.DataFrame([stray], schema=postings.schema, orient="row")]),
        book="household",
    )
    worlds.succeeded(world.run([ledger.months]))
    result = world.report()
    assert result is not None
    assert not checks(result)[HELD].passed
    assert publication(world, "household", MARCH)["status"] == "held"
    assert everywhere(world, "household", MARCH) == good


class TestMonths:
    def test_only_changed_months_are_dirty_and_the_others_are_not_written_again(self, world: World) -> None:
        assert dirty_months(world.manna.lake) == []
        decide(world, "studio", FEBRUARY)
        assert dirty_months(world.manna.lake) == [FEBRUARY, MARCH]
        january = publication(world, "studio", JANUARY)
        household = world.read("reports.publications", book="household").sort("period").rows()
        files = {file: file.stat().st_mtime_ns for file in world.manna.settings.documents_dir.rglob("*.html")}
        result = worlds.succeeded(world.report(JANUARY, MARCH))
        assert publication(world, "studio", JANUARY) == january
        assert publication(world, "studio", FEBRUARY)["run_id"] == result.run_id
        assert world.read("reports.publications", book="household").sort("period").rows() == household
        rewritten = {file for file, moment in files.items() if file.stat().st_mtime_ns != moment}
        names = {f"{file.parent.name}/{file.name}" for file in rewritten}
        assert {"studio/2026-02.html", "studio/2026-03.html"} <= names
        assert not any(name.startswith("household/") or "2025" in name for name in names)
        # One run over the range marks each of its months.
        assert world.instance.get_materialized_partitions(worlds.key("reports.cash_flow")) == {
            "2026-01-01", "2026-02-01", "2026-03-01"
        }  # fmt: skip

    def test_a_month_before_the_first_posting_is_empty_and_fine(self, world: World) -> None:
        before = world.everything("reports")
        result = worlds.succeeded(world.run(REPORTS, partition="2024-01-01"))
        assert said(result, "reports.income_statement")["change"] == "nothing has changed"
        assert world.everything("reports") == before

    @pytest.mark.slow
    def test_nothing_in_the_lake_at_all_is_fine_too(self, new_world: Any) -> None:
        world = new_world()
        worlds.succeeded(world.run(REPORTS, partition="2026-03-01"))
        assert published.months_to_publish(world.manna) == []


class TestPublished:
    def test_every_place_holds_equal_content(self, world: World) -> None:
        for book in ("household", "studio"):
            for period in (FEBRUARY, MARCH):
                lake, postgres, file, shown = everywhere(world, book, period)
                assert lake == postgres == file
                assert shown
        with psycopg.connect(world.url) as connection:
            recorded = connection.execute(
                "SELECT * FROM reports.published_snapshots ORDER BY book"
            ).fetchall()
        for book, snapshot, content_hash in recorded:
            file = world.manna.settings.published_dir / f"{book}.duckdb"
            with duckdb.connect(str(file), read_only=True) as connection:
                assert connection.execute("FROM reports.published_snapshots").fetchall() == [
                    (book, snapshot, content_hash)
                ]

    def test_every_link_of_the_index_leads_to_a_page(self, world: World) -> None:
        folder = world.manna.settings.documents_dir
        links = re.findall(r'href="([^"#]+)"', (folder / "index.html").read_text())
        months = [link for link in links if not link.endswith("-tear-sheet.html")]
        assert len(months) == world.read("reports.publications").height < len(links)
        assert all((folder / link).is_file() for link in links)

    @pytest.mark.slow
    def test_a_run_cut_short_before_publication_is_made_good_by_the_next(self, world: World) -> None:
        decide(world, "studio", MARCH)
        worlds.succeeded(world.run([STATEMENTS], partition="2026-03-01"))  # and then the power fails
        assert dirty_months(world.manna.lake) == []
        assert in_postgres(world, "studio", MARCH) != stored(world, "studio", MARCH)
        assert published.unpublished(world.manna) == [MARCH]
        worlds.succeeded(world.report())
        lake, postgres, file, _ = everywhere(world, "studio", MARCH)
        assert lake == postgres == file
        assert published.months_to_publish(world.manna) == []
        assert world.report() is None

    def test_a_damaged_or_missing_file_is_made_anew(self, world: World) -> None:
        folder: Path = world.manna.settings.published_dir
        (folder / "household.duckdb").write_bytes(b"not a database")
        (folder / "studio.duckdb").unlink()
        page = world.manna.settings.documents_dir / "studio" / "2026-03.html"
        whole = page.read_bytes()
        page.write_bytes(whole[:5000] + whole[6000:])
        result = worlds.succeeded(world.run([published.published]))
        assert page.read_bytes() == whole
        assert checks(result)["published.postgres same_everywhere"].passed
        assert said(result, "published.duckdb")["books changed"] == 2
        assert in_duckdb(world, "studio", MARCH) == stored(world, "studio", MARCH)

    def test_files_that_differ_from_postgres_fail_the_check(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (world.manna.settings.published_dir / "studio.duckdb").unlink()
        monkeypatch.setattr(published, "publish_to_duckdb", lambda *_, **__: False)
        check = checks(world.run([published.published]))["published.postgres same_everywhere"]
        assert not check.passed
        assert check.metadata["books that differ"].value == ["studio"]

    def test_rows_that_arrive_otherwise_fail_the_check(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (world.manna.settings.published_dir / "studio.duckdb").unlink()
        monkeypatch.setattr(published, "content_of_postgres", lambda *_: "another hash")
        check = checks(world.run([published.published]))["published.postgres same_everywhere"]
        assert not check.passed
        assert check.metadata["books that differ"].value == ["studio"]

    def test_every_figure_of_the_newest_month_leads_to_its_sources(self, world: World) -> None:
        folder = world.manna.settings.documents_dir / "household"
        month, behind = (folder / name for name in (f"{MARCH:%Y-%m}.html", f"{MARCH:%Y-%m}-opened.html"))
        anchors = set(re.findall(r'id="([^"]+)"', behind.read_text()))
        links = re.findall(rf'href="{behind.name}#([^"]+)"', month.read_text())
        assert len(links) > 50
        assert set(links) <= anchors
        assert set(re.findall(r'href="#([^"]+)"', behind.read_text())) - {"content"} <= anchors
        assert "NO: it was changed" not in behind.read_text()
        assert behind.read_text().count("hash is that of the payload") > 10
        made = behind.stat().st_mtime_ns
        worlds.succeeded(world.run([published.published]))
        assert behind.stat().st_mtime_ns == made

    @pytest.mark.slow
    def test_a_figure_of_any_month_leads_to_a_page_and_in_the_morning_to_its_sources(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = world.manna.settings.documents_dir / "household"
        month, behind = (folder / f"{FEBRUARY:%Y-%m}{end}.html" for end in ("", "-opened"))
        behind.unlink()
        monkeypatch.setattr(pages, "OPENED_MONTHS", 1)
        worlds.succeeded(world.run([published.published]))
        links = set(re.findall(rf'href="{behind.name}#([^"]+)"', month.read_text()))
        assert len(links) > 50
        assert "manna run opened_pages --book household" in behind.read_text()
        self.open_newest(world)
        assert links <= set(re.findall(r'id="([^"]+)"', behind.read_text()))
        march = folder / f"{MARCH:%Y-%m}-opened.html"
        made = march.stat().st_mtime_ns
        # A month whose ledger has moved on since it was published has no true page.
        behind.unlink()
        months = world.read("ledger.months")
        changed = pl.col("content_hash").str.replace("^.{4}", "0000")
        world.plant("ledger.months", months.with_columns(changed))
        self.open_newest(world)
        assert "manna run opened_pages --book household" in behind.read_text()
        assert march.stat().st_mtime_ns == made, "what is there and true stays"
        world.plant("ledger.months", months)

    def open_newest(self, world: World) -> None:
        """What the job does for all months, of two."""
        manna = world.manna
        scope, snapshot = {"book": "household"}, manna.lake.snapshot()
        records = manna.lake.read_at("reports.publications", snapshot, scope).sort("period").to_dicts()
        frames = {table.partition(".")[2]: manna.lake.read_at(table, snapshot, scope) for table in TABLES}
        write_opened(manna, "household", snapshot, frames, records[-2:])

    def test_tables_keep_their_contracts_everywhere(self, world: World) -> None:
        for table in TABLES:
            assert not CONTRACTS[table].violations(world.read(table)).list.len().sum()


@pytest.mark.slow
def test_reports_are_provisional_while_a_logins_past_is_loaded(world: World) -> None:
    coverage = world.read("clean.coverage")
    of_household = pl.col("book") == "household"
    world.plant("clean.coverage", coverage.with_columns(provisional=pl.col("provisional") | of_household))
    worlds.succeeded(world.run([ledger.months]))
    worlds.succeeded(world.report())
    said_so = dict(world.read("reports.publications").select("book", "provisional").unique().iter_rows())
    assert said_so == {"household": True, "studio": False}
    file = world.manna.settings.documents_dir / "household" / f"{FEBRUARY:%Y-%m}.html"
    assert "The past is still being loaded" in file.read_text()
    _, title = published_statement(world.manna, "balance_sheet", "household", "2026-02")
    assert "complete through 2026-02-28, provisional: a bank has not told all" in title

    world.plant("clean.coverage", coverage)
    worlds.succeeded(world.run([ledger.months]))
    worlds.succeeded(world.report())
    assert not world.read("reports.publications")["provisional"].any()
    assert "The past is still being loaded" not in file.read_text()


@pytest.mark.slow
def test_a_month_says_anew_up_to_when_it_is_complete(world: World) -> None:
    """A login breaks in February and is repaired in March: February must not go on saying that it is incomplete."""
    coverage = world.read("clean.coverage")
    broken = coverage.with_columns(complete_through=pl.lit(date(2026, 2, 20)))
    for planted, through in ((broken, date(2026, 2, 20)), (coverage, date(2026, 2, 28))):
        world.plant("clean.coverage", planted)
        worlds.succeeded(world.run([ledger.months]))
        assert published.months_to_publish(world.manna) == [FEBRUARY, MARCH]
        worlds.succeeded(world.report())
        assert publication(world, "household", FEBRUARY)["complete_through"] == through
        assert publication(world, "household", JANUARY)["complete_through"] == date(2026, 1, 31)
