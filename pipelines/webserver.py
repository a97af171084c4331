"""Dagster's own webserver, with the pages under ``documents/`` beside its UI.

What belongs here: that one server and what it refuses. What does not: who starts and ends it (``serving``), or the pages.

A link from the UI to a file would not open: browsers let no page from a server lead to ``file:``. So the pages have the
same address as the UI. They are shown in a sandbox of the browser: no script runs in one, whatever a bank wrote into a row.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from assets.common import DOCUMENTS
from resources.settings import PROJECT, Settings

LOCAL = ("127.0.0.1", "localhost")
"""What a browser on this machine calls it. A foreign name that leads here is a page elsewhere that wants to read."""
_HEADERS = {
    "Content-Security-Policy": "sandbox allow-popups allow-downloads",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages(StaticFiles):
    """The files of a folder, each in the browser's sandbox, and never a copy in its cache."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


def application(ui: Starlette, documents: Path, hosts: Sequence[str] = LOCAL) -> Starlette:
    """``ui`` with ``documents`` beside it, for requests that name one of ``hosts``."""
    pages = Pages(directory=documents, html=True, check_dir=False)
    return Starlette(
        routes=[Mount(f"/{DOCUMENTS}", pages), Mount("/", ui)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def main() -> None:
    """Serves until it is ended."""
    arguments = argparse.ArgumentParser(description="Dagster's UI and Manna's documents.")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--host", default=LOCAL[0], help="where it listens")
    arguments.add_argument(
        "--allowed-host", action="append", default=[], help="a name that browsers may call it"
    )
    arguments.add_argument("--workspace", type=Path, default=PROJECT / "workspace.yaml")
    arguments.add_argument("--log-format", choices=("colored", "json"), default="colored")
    told, settings = arguments.parse_args(), Settings.load()
    configure_loggers(formatter=told.log_format)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15000, pool_recycle=3600, max_overflow=20)
        workspace = WorkspaceFileTarget([str(told.workspace)])
        with WorkspaceProcessContext(instance, workspace, version=dg.__version__) as context:
            ui = create_app_from_workspace_process_context(context)
            served = application(ui, settings.documents_dir, [*LOCAL, *told.allowed_host])
            uvicorn.run(served, host=told.host, port=told.port, log_level="warning")


if __name__ == "__main__":
    main()
