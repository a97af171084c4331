"""Great Expectations' Data Docs as pages that need nobody: its own content in the frame of our pages.

What belongs here: taking the content out of a page that Great Expectations has rendered, and the index.
What does not: rendering or running a suite (``resources.examiner``).

As rendered, such a page loads scripts, styles and a picture with an id in its address from six other
hosts, and is bare without them. A page about somebody's money asks nobody, so its frame is ours: no script,
our own style sheet, and the Content-Security-Policy of every page of Manna.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from manna.documents.page import render_own

_FIRST = '<div id="section-1"'
_LAST = "<footer"
_DROPPED = re.compile(r"<(script|style)\b.*?</\1>|<(?:link|img)\b[^>]*>", re.DOTALL)
_TO_SUITE = re.compile(r'href="[^"]*expectations/(\w+)/(\w+)\.html"')
_HANDLERS = re.compile(r"\s(?:on\w+|style|data-[\w-]+)=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")
_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Examined:
    """One suite in the index: what its last examination said."""

    address: str
    success: bool
    expectations: int
    rows: int
    failures: tuple[str, ...]
    by_book: dict[str, int]
    examined_at: datetime
    run_id: str

    @property
    def path(self) -> str:
        """Where its page is, relative to the index."""
        return result_path(self.address)


def result_path(address: str) -> str:
    """File name of the page on the last result of a table's suite."""
    return f"{address}.html"


def suite_path(address: str) -> str:
    """File name of the page on the suite itself."""
    return f"{address}.suite.html"


def result_page(address: str, rendered: str) -> str:
    """The page on a result, from the one that Great Expectations rendered."""
    return _page(f"{address}: last examination", rendered)


def suite_page(address: str, rendered: str) -> str:
    """The page on a suite, from the one that Great Expectations rendered."""
    return _page(f"{address}: what is expected", rendered)


def examinations_page(found: Iterable[Examined]) -> str:
    """The index: every table that has been examined, failures first."""
    ordered = sorted(found, key=lambda one: (one.success, one.address))
    return render_own("examinations.html.j2", _style(), examined=ordered)


def content(rendered: str) -> str:
    """What is in a rendered page between its navigation and its footer, free of scripts and foreign files."""
    begin, end = rendered.find(_FIRST), rendered.rfind(_LAST)
    inner = rendered[max(begin, 0) : end if end > 0 else len(rendered)]
    inner = _HANDLERS.sub("", _DROPPED.sub("", inner))
    inner = _TO_SUITE.sub(lambda found: f'href="{suite_path(f"{found[1]}.{found[2]}")}"', inner)
    surplus = len(re.findall(r"</div\s*>", inner)) - len(re.findall(r"<div\b", inner))
    for _ in range(surplus):  # the frame that was cut away has left its ends
        inner = inner[: inner.rstrip().rfind("</div")]
    return inner


def _page(title: str, rendered: str) -> str:
    return render_own("examination.html.j2", _style(), title=title, content=content(rendered), index=_INDEX)


@cache
def _style() -> str:
    return (Path(__file__).parent / "templates" / "data_docs.css").read_text(encoding="utf-8")
