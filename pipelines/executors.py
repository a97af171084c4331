"""In which processes the steps of a run are made: in the run's own, or on Celery workers.

What belongs here: that choice, and what run and workers must agree on. What does not: the workers' process (``worker``).

A run is one process unless ``MANNA_CELERY_BROKER`` names a broker: most of a night's steps take less time than handing
them over (one second each). Several machines are for many books, whose steps take minutes.
"""

from typing import Any

import dagster as dg

from resources.settings import Settings, SettingsError


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """How runs that a daemon launches execute; `manna run` and `manna demo` stay in their own process.

    Raises:
        SettingsError: Celery is wanted and not installed.
    """
    if settings.celery_broker is None:
        return dg.in_process_executor
    try:
        from dagster_celery import celery_executor
    except ImportError as error:
        raise SettingsError(
            "MANNA_CELERY_BROKER needs the extra `celery`: uv sync --frozen --extra celery"
        ) from error
    return celery_executor.configured(celery_settings(settings))


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Broker, backend of results and Celery's own options, equal for runs and workers.

    Redis keeps results too; with other brokers (RabbitMQ) they come back as messages.
    """
    assert settings.celery_broker is not None
    broker = settings.celery_broker.get_secret_value()
    return {
        "broker": broker,
        "backend": broker if broker.startswith(("redis://", "rediss://")) else "rpc://",
        "config_source": {
            # Who works asks for nothing more: a step waits for the first worker that is free.
            "worker_prefetch_multiplier": 1,
            "worker_disable_prefetch": True,
            "broker_connection_retry_on_startup": True,
            "task_default_queue": "dagster",
            "task_default_priority": 5,
            "result_expires": 24 * 60 * 60,
        },
    }
