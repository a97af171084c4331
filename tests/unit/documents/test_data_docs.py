"""Pages of Great Expectations in our frame: their content, and nothing that is loaded or run."""

from datetime import UTC, datetime

from manna.documents.data_docs import Examined, content, examinations_page, result_page, suite_page

RENDERED = """<!DOCTYPE html><html><head><link rel="stylesheet" href="https://elsewhere.example/a.css">
<script src="https://elsewhere.example/a.js"></script><style>body { color: red }</style></head><body>
<nav><img src="https://elsewhere.example/logo.png?id=1" alt="x"></nav>
<div class="row"><div>
<div id="section-1" class="ge-section" style="color:red" data-toggle='x'><div onclick="run()">
<a href="../../../expectations/clean/bars.html">clean.bars</a> Status: Succeeded <script>alert(1)</script>
</div></div>
</div></div>
<footer>Subscribe at <a href="https://elsewhere.example">us</a></footer></body></html>"""


def test_the_content_is_kept_and_what_is_loaded_or_run_is_not() -> None:
    kept = content(RENDERED)
    assert "Status: Succeeded" in kept
    assert 'href="clean.bars.suite.html"' in kept
    for gone in ("elsewhere", "script", "style", "onclick", "data-", "Subscribe", "footer"):
        assert gone not in kept
    assert kept.count("<div") == kept.count("</div")


def test_a_page_is_complete_in_itself() -> None:
    for page in (result_page("clean.bars", RENDERED), suite_page("clean.bars", RENDERED)):
        assert "Status: Succeeded" in page
        assert "default-src 'none'" in page
        assert "://" not in page
        assert 'href="index.html"' in page


def test_a_page_of_another_version_is_kept_whole_rather_than_lost() -> None:
    assert "what it says" in content("<p>what it says</p>")


def test_the_index_begins_with_what_is_broken() -> None:
    at = datetime(2026, 3, 16, 12, tzinfo=UTC)
    good = Examined("clean.accounts", True, 12, 1234, (), {}, at, "0123456789")
    bad = Examined("clean.bars", False, 3, 1, ("expect <b>",), {"home": 2}, at, "9876543210")
    page = examinations_page([good, bad])
    assert page.index("clean.bars") < page.index("clean.accounts")
    assert "expect &lt;b&gt;" in page
    assert "home: 2 rows" in page
    assert "1,234" in page
    assert "Nothing has been examined yet" in examinations_page([])
