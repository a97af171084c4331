"""The page in a real browser: the policy lets its own style through, and nothing runs off a small screen."""

from pathlib import Path

import pytest

from manna.documents.page import IndexEntry, index_page, month_page

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium"),
]


@pytest.fixture
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_pages_fit_are_styled_and_complain_of_nothing(
    browser, tmp_path, book, period, statements, publication, alerts, width, scheme
):
    (tmp_path / "index.html").write_text(index_page([IndexEntry("household", "Home", period, "held")]))
    (tmp_path / "household").mkdir()
    document = month_page(book, period, statements, publication, alerts)
    (tmp_path / "household" / "2026-03.html").write_text(document)
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    view.set_default_timeout(180_000)
    complaints, requests = [], []
    view.on("console", lambda message: complaints.append(message.text))
    view.on("request", lambda request: requests.append(request.url))
    view.goto((tmp_path / "index.html").as_uri())
    view.click("a[href='household/2026-03.html']")
    view.wait_for_selector("h1:has-text('Rivera household')")
    assert view.evaluate("document.documentElement.scrollWidth") == width
    assert view.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily").startswith('"Iowan')
    paper = view.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor")
    assert paper == {"light": "rgb(255, 253, 248)", "dark": "rgb(23, 27, 33)"}[scheme]
    assert complaints == []
    assert {url.split(":")[0] for url in requests} == {"file"}
    assert len(requests) == 2
