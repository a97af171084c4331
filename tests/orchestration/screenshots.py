"""Takes the pictures of docs/operating.md from a running `manna up` of the demo.

    manna demo && manna up --port 3000
    python tests/orchestration/screenshots.py http://127.0.0.1:3000 docs/images

What belongs here: what is shown. What does not: how the UI is walked through (``browsing``). Look at them before they are
committed.
"""

import base64
import sys
from pathlib import Path
from typing import Any

import browsing

QUALITY = 80
"""Letters stay sharp, and a picture has less than 150 kB."""


def main(url: str, folder: Path) -> None:
    """Writes the pictures into ``folder``."""
    with browsing.browser(url, width=1400, height=900) as page:
        page.goto("/assets/portfolio/drift?view=lineage")
        page.get_by_text("Not all upstream/downstream assets shown").wait_for()
        keep(page, folder / "lineage.webp")
        page.goto("/assets/portfolio/valuations")
        page.get_by_text("30 hours since last materialization").wait_for()
        browsing.show_markdown(page, "plots").locator("img[src^='data:image/svg']").first.wait_for()
        keep(page, folder / "asset.webp")
        browsing.show_check(page, "clean/transactions", "great_expectations")
        page.get_by_text("/documents/data_docs/clean.transactions.html").wait_for()
        keep(page, folder / "check.webp")
        browsing.choose_partitions(page, "portfolio/tear_sheets", "[2025-10-01...2026-01-01]")
        keep(page, folder / "backfill.webp")
        page.goto("/runs")
        page.get_by_text("nightly_close").first.wait_for()
        keep(page, folder / "runs.webp")


def keep(page: Any, file: Path) -> None:
    """Writes what the page shows once it is at rest."""
    page.wait_for_timeout(5_000)
    asked = {"format": "webp", "quality": QUALITY}
    shown = page.context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    file.write_bytes(base64.b64decode(shown["data"]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
