"""A tear sheet on paper: a PDF, set by Typst, with the page's own drawings.

What belongs here: what the template (``templates/tear_sheet.typ``) is told, and the colours of drawings on paper. What does
not: what a tear sheet shows (:mod:`tear_sheet`).

As in :mod:`paper` texts are data and never markup, only the fonts inside the wheel are used, and equal input gives
equal bytes.
"""

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from manna.documents.paper import breakable, fonts, paper_of
from manna.documents.tear_sheet import picture, sheet, style
from manna.documents.tear_sheet_drawings import Drawing
from manna.documents.tear_sheet_words import Document

_TEMPLATES = Path(__file__).parent / "templates"
_VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
_USED = re.compile(r"var\(--([\w-]+)\)")
_MEDIA = re.compile(r"@(?:media|page)[^{]*\{(?:[^{}]*\{[^{}]*\}|[^{}])*\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ON_PAPER = """
text { font-family: "Libertinus Serif"; font-size: 14px; fill: #5a626c; }
.name, .value, .cell text, .of-year, .year { fill: #1c2127; }
.cell.up-5 text, .cell.down-5 text { fill: #ffffff; }
.amount, .value { text-anchor: end; }
.dates text, .head, .cell text { text-anchor: middle; }
"""


def tear_sheet_pdf(document: Document, code_version: str) -> bytes:
    """The tear sheet as PDF/A-2."""
    [made] = _compiled(document, code_version, "pdf")
    return made


def tear_sheet_pictures(document: Document, code_version: str, *, dots_per_inch: int = 96) -> list[bytes]:
    """The same pages as PNG, for who wants to look at them."""
    return _compiled(document, code_version, "png", dots_per_inch)


def _compiled(
    document: Document, code_version: str, form: Literal["pdf", "png"], ppi: int | None = None
) -> list[bytes]:
    import typst  # only this format needs it

    moment = datetime.combine(datetime.fromisoformat(document["until"]), datetime.min.time(), UTC)
    made = typst.Compiler(str(_TEMPLATES / "tear_sheet.typ"), font_paths=fonts()).compile(
        format=form,
        ppi=ppi,
        sys_inputs={"data": json.dumps(_told(document, code_version), ensure_ascii=False)},
        timestamp=int(moment.timestamp()),
        pdf_standards=["a-2b"] if form == "pdf" else [],
    )
    return made if isinstance(made, list) else [made] if made else []


def _told(document: Document, code_version: str) -> dict[str, Any]:
    shown = sheet(document)
    return {
        "heading": shown.heading,
        "author": f"Manna {code_version}",
        "name": shown.name,
        "month": shown.month,
        "paper": paper_of(document["currency"]),
        "facts": shown.facts,
        "hero": shown.hero,
        "tiles": shown.tiles,
        "notes": shown.notes,
        "drawings": [_drawn(drawing) for drawing in shown.drawings],
        "tables": [
            {
                "title": table.title,
                "note": table.note,
                "header": table.header,
                "rows": [[breakable(text) for text in row] for row in table.rows],
                "strong": table.strong,
                "broad": len(table.header) > 4,
            }
            for table in shown.listings
        ],
    }


def _drawn(drawing: Drawing) -> dict[str, Any]:
    return {
        "title": drawing.title,
        "subtitle": drawing.subtitle,
        "said": drawing.description,
        "wide": drawing.wide,
        "legend": drawing.legend if len(drawing.legend) > 1 else (),
        "svg": picture(drawing, colours()),
    }


@cache
def colours() -> str:
    """The style of drawings with every colour written out: pictures on paper know no variables, and are never dark."""
    drawn = (_TEMPLATES / "drawing.css").read_text(encoding="utf-8") + style()
    plain = _MEDIA.sub("", _COMMENT.sub("", drawn))
    known = dict(_VARIABLE.findall(_MEDIA.sub("", drawn)))
    written = _USED.sub(lambda found: known[found.group(1)].strip(), re.sub(r":root\s*\{[^}]*\}", "", plain))
    kept = [rule for rule in re.findall(r"[^{}]+\{[^{}]*\}", written) if "svg text" not in rule]
    return "".join(kept) + _ON_PAPER
