"""The monitor: ``/health`` and ``/metrics`` over HTTP, which `manna up` serves on 127.0.0.1 beside the rest, and compose.yaml in a container.

What belongs here: HTTP, and when the answer is 503. What does not: what is measured (``pipelines.metrics``), or when the machine is unwell
(``manna.alerting.platform``).

Healthy means: the database and the lake answer, alerts are looked for, and nothing critical holds of runs, daemons, nights and
the disk. Alerts about money are none of its business. Who asks again and again waits in line: one answer is made at a time.
"""

import argparse
import sys
import threading
from contextlib import closing

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.metrics import Standing
from pipelines.receiver import HOST, listen, server
from pipelines.sensors import alerts
from pipelines.watching import platform_conditions, tick_trouble
from resources.installation import Installation
from resources.settings import Settings


def reasons(settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    """Why the installation is not well, in words; empty when it is."""
    try:
        with closing(Installation(settings)) as manna:
            manna.lake.snapshot()
            found = platform_conditions(manna, instance, served=True)
        blind = _cannot_look(instance)
    except Exception as error:  # noqa: BLE001  whatever keeps it from looking is the reason
        return [f"the database or the lake does not answer: {type(error).__name__}; `manna doctor` says more"]
    return [*(str(one["message"]) for one in found if one["severity"] == "critical"), *blind]


def _cannot_look(instance: dg.DagsterInstance) -> list[str]:
    """That nobody looks for alerts, the critical ones among them. What the error says is not for everybody's eyes."""
    sensors = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    told = any(one.is_running and tick_trouble(instance, one) for one in sensors if one.name == alerts.name)
    return [f"the sensor {alerts.name} cannot look; `manna doctor` says why"] if told else []


def application(settings: Settings, instance: dg.DagsterInstance) -> Starlette:
    """``GET /health``: 200, or 503 with the reasons. ``GET /metrics``: Prometheus' text format."""
    registry, alone = CollectorRegistry(), threading.Lock()
    registry.register(Standing(settings, instance))

    def health(request: Request) -> Response:
        with alone:
            found = reasons(settings, instance)
        return JSONResponse(
            {"status": "unwell" if found else "well", "reasons": found}, status_code=503 if found else 200
        )

    def metrics(request: Request) -> Response:
        with alone:
            return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", health), Route("/metrics", metrics)])


def main() -> int:
    """Serves until told to stop."""
    from pipelines.logs import logged

    arguments = argparse.ArgumentParser(description="Tells monitors how Manna is.")
    arguments.add_argument("--host", default=HOST, help="where it listens; in a container 0.0.0.0")
    told, settings = arguments.parse_args(), Settings.load()
    with logged(settings, "monitor"), listen(settings.metrics_port, told.host) as listener:
        server(application(settings, dg.DagsterInstance.get())).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
