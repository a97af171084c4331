"""The pages beside Dagster's UI: what is served, to whom, and how the browser is to treat it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipelines.webserver import application

HERE = "http://127.0.0.1:3000"
Get = Callable[..., httpx.Response]


@pytest.fixture
def get(tmp_path: Path) -> Get:
    """A browser in front of a UI that answers everything, and of a folder of pages."""
    pages = tmp_path / "documents"
    (pages / "home").mkdir(parents=True)
    (pages / "index.html").write_text("all pages")
    (pages / "home" / "2026-03.html").write_text("March")
    (tmp_path / "demo.key").write_text("secret")
    (pages / "away").symlink_to(tmp_path)

    async def everything(_: object) -> PlainTextResponse:
        return PlainTextResponse("the UI")

    ui = Starlette(routes=[Route("/{path:path}", everything)])
    served = application(ui, pages)

    async def ask(path: str, host: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url=HERE) as client:
            return await client.get(path, headers={"Host": host})

    return lambda path, host="127.0.0.1:3000": asyncio.run(ask(path, host))


def test_pages_are_beside_the_ui_and_run_no_script(get: Get) -> None:
    for path, said in (("/documents/", "all pages"), ("/documents/home/2026-03.html", "March")):
        answer = get(path)
        assert (answer.status_code, answer.text) == (200, said)
        assert answer.headers["content-security-policy"] == "sandbox allow-popups allow-downloads"
        assert answer.headers["cache-control"] == "no-store"
    ui = get("/assets/published/pages")
    assert ui.text == "the UI"
    assert "content-security-policy" not in ui.headers


@pytest.mark.parametrize(
    "path", ["/documents/%2e%2e/demo.key", "/documents/..%2fdemo.key", "/documents/away/demo.key"]
)
def test_nothing_beside_the_pages_is_served(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_foreign_name_that_leads_here_is_refused(get: Get) -> None:
    for path in ("/documents/index.html", "/graphql"):
        assert get(path, "evil.example").status_code == 400
    assert get("/graphql", "localhost:3000").status_code == 200
