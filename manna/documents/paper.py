"""Statements on paper: a PDF, set by Typst.

What belongs here: what the template (``templates/statements.typ``) is told. What does not: how it is set.

Texts are handed over as JSON and stand in the document as strings, so a merchant who calls himself ``#import`` stays
a text. Only the fonts inside the wheel are used, and the moment is the facts' own: equal input gives equal bytes on
every machine. (A character that Libertinus Serif does not have, such as a Chinese one, is an empty box.)
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from manna.documents.cover import Cover
from manna.documents.tables import Row, Table

_TEMPLATE = Path(__file__).parent / "templates" / "statements.typ"
_PAPERS = {"USD": "us-letter"}
MOST_ROWS = 10_000
"""Rows of one table on paper: about 200 pages. The rest is in the workbook, and the page says so."""
_TAGGED_ROWS = 300
"""Up to so many rows a document is tagged for screen readers (PDF/A-2a); a tag per cell makes a long one 13 times as
large (a year's general ledger 3.8 MB instead of 0.3 MB)."""
_LANDSCAPE = 6
"""From so many columns on the paper lies on its side."""
_NARROW = 14
"""Labels up to so many characters, such as days, need no more room than they take."""
_LONG_WORD = re.compile(r"\S{26,}")


def pdf(cover: Cover, tables: Sequence[Table]) -> bytes:
    """The statements as PDF/A-2 with the cover's facts at the head: one at once below it, several each on a page."""
    [made] = _compiled(cover, tables, "pdf")
    return made


def pictures(cover: Cover, tables: Sequence[Table], *, dots_per_inch: int = 96) -> list[bytes]:
    """The same pages as PNG, for who wants to look at them."""
    return _compiled(cover, tables, "png", ppi=dots_per_inch)


def _compiled(
    cover: Cover, tables: Sequence[Table], form: Literal["pdf", "png"], ppi: int | None = None
) -> list[bytes]:
    import typst  # only this format needs it

    moment = cover.known_at or datetime(2000, 1, 1, tzinfo=UTC)
    tagged = sum(len(table.rows) for table in tables) <= _TAGGED_ROWS
    made = typst.Compiler(str(_TEMPLATE), font_paths=fonts()).compile(
        format=form,
        ppi=ppi,
        sys_inputs={"data": json.dumps(_told(cover, tables), ensure_ascii=False)},
        timestamp=int(moment.timestamp()),
        pdf_standards=["a-2a" if tagged else "a-2b"] if form == "pdf" else [],
        pdf_tags=tagged,
    )
    return made if isinstance(made, list) else [made] if made else []


def paper_of(currency: str) -> str:
    """What a book in that currency is printed on."""
    return _PAPERS.get(currency, "a4")


@cache
def fonts() -> Any:
    """The fonts inside Typst's wheel, and no other: the same on every machine."""
    import typst

    return typst.Fonts(include_system_fonts=False)


def _told(cover: Cover, tables: Sequence[Table]) -> dict[str, Any]:
    footer = [
        cover.book.name,
        cover.span.label,
        cover.content_hash[:12],
        *(w.partition(":")[0] for w in cover.warnings[:1]),
    ]
    return {
        "heading": cover.heading,
        "author": f"Manna {cover.code_version}",
        "title": cover.title,
        "name": cover.book.name,
        "span": cover.span.label,
        "warnings": cover.warnings,
        "facts": cover.facts,
        "items": cover.open_items,
        "footer": " · ".join(filter(None, footer)),
        "paper": paper_of(cover.book.currency),
        "tables": [_table(table) for table in tables],
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [row for group in table.groups for row in (*_section(group.heading), *map(_row, group.rows))]
    return {
        "title": table.title,
        "meaning": table.meaning,
        "currency": table.currency,
        "flipped": len(table.columns) >= _LANDSCAPE,
        "narrow": max((len(row.label) for row in table.rows), default=0) <= _NARROW,
        "first": table.first,
        "columns": table.columns,
        "kinds": [table.kind(number) for number in range(len(table.columns))],
        "rows": rows[:MOST_ROWS],
        "left_out": max(len(rows) - MOST_ROWS, 0),
    }


def _section(heading: str) -> list[dict[str, Any]]:
    return [{"level": "section", "label": breakable(heading), "depth": 0}] if heading else []


def _row(row: Row) -> dict[str, Any]:
    return {
        "level": row.level,
        "label": breakable(row.label),
        "note": row.note,
        "depth": row.depth,
        "cells": [
            {
                "text": breakable(cell.text) if cell.kind == "text" else cell.text,
                "negative": cell.negative,
                "faint": cell.faint,
                "figure": cell.kind in ("money", "ratio", "quantity"),
            }
            for cell in row.cells
        ],
    }


def breakable(text: str) -> str:
    """A word too long for a column may be broken anywhere."""
    return _LONG_WORD.sub(lambda found: "\N{ZERO WIDTH SPACE}".join(found.group()), text)
