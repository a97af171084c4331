"""Dagster's UI as a person uses it, in a real browser.

What belongs here: which buttons are pressed. What does not: assertions about what came of it, and `manna up` (``serving_up``).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
)
PATIENCE_MS = 180_000


@contextmanager
def browser(url: str, **viewport: int) -> Iterator[Any]:
    """A page of a browser whose addresses begin with ``url``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        context = chromium.new_context(base_url=url, viewport=viewport or {"width": 1400, "height": 1000})
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
        chromium.close()


def materialize(page: Any, asset: str) -> str:
    """Presses *Materialize* of an unpartitioned asset, and agrees to what is made with it; how the run's id begins."""
    page.goto(f"/assets/{asset}")
    page.get_by_role("button", name="Materialize").first.click()
    launched, agree = (
        page.get_by_text(re.compile("^Launched run")),
        page.get_by_role("button", name="Confirm"),
    )
    launched.or_(agree).first.wait_for()
    if agree.is_visible():
        agree.click()
    return str(launched.first.inner_text()).split()[2]


def choose_partitions(page: Any, asset: str, partitions: str) -> None:
    """Opens the dialog of an asset's partitions and enters some, as ``[first...last]``."""
    page.goto(f"/assets/{asset}")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("Show all partitions").click()
    entered = page.get_by_placeholder(re.compile("^ex: "))
    entered.fill(partitions)
    entered.press("Enter")
    page.get_by_text("Backfills all partitions in a single run.").click()


def show_markdown(page: Any, key: str) -> Any:
    """Opens what the metadata ``key`` of an asset's page says; the dialog."""
    row = page.get_by_role("row").filter(has_text=key)
    row.get_by_text("[Show Markdown]").click()
    return page.get_by_role("dialog")


def open_link(page: Any, text: str) -> Any:
    """Follows a link that opens a page of its own; that page, for a while."""
    with page.context.expect_page() as opened:
        page.get_by_text(text, exact=True).click()
    opened.value.wait_for_load_state()
    return opened.value


def show_check(page: Any, asset: str, check: str) -> None:
    """Opens what an asset's check says."""
    page.goto(f"/assets/{asset}?view=checks")
    page.get_by_text(check, exact=True).first.click()


def reexecute_from_failure(page: Any, run_id: str) -> str:
    """Asks for the steps of a failed run that did not succeed; the new run's id."""
    page.goto(f"/runs/{run_id}")
    again = page.get_by_role("button", name="Re-execute all")
    again.locator("xpath=following::button[1]").click()
    page.get_by_text("From failure", exact=True).click()
    page.wait_for_url(lambda url: "/runs/" in url and run_id not in url)
    return str(page.url).rpartition("/")[2]
