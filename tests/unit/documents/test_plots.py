"""Pictures of a model's figures: complete in themselves, and defined for nothing at all."""

import base64
import re
import xml.etree.ElementTree as ET
from datetime import date

from manna.documents.plots import markdown, model_plots

MEASURED = {
    "months": [
        {"month": "2026-01-01", "rows": 30, "accuracy": 0.9, "coverage": 0.4},
        {"month": "2026-02-01", "rows": 30, "accuracy": 0.95, "coverage": 0.5},
    ],
    "bins": [{"bin": 9, "rows": 50, "probability": 0.97, "right": 0.98}],
    "confusions": [
        {"decided": "Expenses:Food:<Groceries>", "answered": "Expenses:Food:Restaurants", "rows": 3},
        {"decided": "Expenses:Fun", "answered": None, "rows": 1},
    ],
}


def test_every_figure_is_a_picture_that_reads_without_a_page() -> None:
    figures = model_plots(MEASURED, [(date(2026, 1, 4), 40), (date(2026, 1, 11), 20)])
    assert [figure.title for figure in figures] == [
        "Accuracy and coverage",
        "Calibration",
        "Confusion",
        "Review queue",
    ]
    for figure in figures:
        found = re.fullmatch(r"!\[(.+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown(figure))
        assert found is not None
        assert figure.title in found[1]
        picture = ET.fromstring(base64.b64decode(found[2]))
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<Groceries>, answered Restaurants: 3; Fun, answered nothing: 1" in figures[2].description


def test_of_nothing_nothing_is_drawn() -> None:
    assert model_plots({"months": [], "bins": [], "confusions": []}, []) == []
