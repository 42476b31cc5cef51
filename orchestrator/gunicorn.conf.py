# ruff: noqa: N999
"""How is the web front served? ``gunicorn -c orchestrator/gunicorn.conf.py`` with its app factory.

gevent patches the standard library in each worker, so the master imports only what it needs itself:
no Redis, no database, no app.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from pydantic import ValidationError

from sessions.logs import configure_logging
from sessions.settings import Settings, explain, get_settings

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_METRICS_PREFIX = "switchboard-metrics-"


def _settings() -> Settings:
    try:
        return get_settings()
    except ValidationError as error:
        sys.exit(explain(error))


class Log(Logger):
    """gunicorn's own lines among those of the house; requests are logged by the app."""

    def setup(self, cfg: Config) -> None:
        """Hand everything to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        configure_logging(_house)


_house = _settings()

bind = f"[{_house.host}]:{_house.port}" if ":" in _house.host else f"{_house.host}:{_house.port}"
workers = _house.web_workers
worker_class = "gevent"
worker_connections = 10_000
proc_name = "switchboard-web"
logger_class = Log
accesslog = None
timeout = 30
keepalive = 10
limit_request_line = 8190  # The query of a `POST /whip` says what the body of a start does.
graceful_timeout = 5
preload_app = False
control_socket_disable = True

# Each socket is a descriptor; the usual soft limit of 1024 would be the first bound met.
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))


def on_starting(server: Any) -> None:
    """Refuse a configuration that cannot work or lets anybody in; make room for the metrics."""
    # What gunicorn binds is what counts: its own options may say otherwise than the settings.
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    check = multiprocessing.get_context("fork").Process(target=_check_configuration, args=(hosts,))
    check.start()
    check.join()
    if check.exitcode:
        sys.exit(check.exitcode)
    given = os.environ.get(_METRICS, "")
    # A master that replaces another (USR2) inherits a folder that goes with the other.
    if not given or Path(given).name.startswith(_METRICS_PREFIX):
        os.environ[_METRICS] = tempfile.mkdtemp(prefix=_METRICS_PREFIX)


def post_worker_init(worker: Any) -> None:
    """Let the sockets know when their worker is to end."""
    from orchestrator.sockets.closing import close_sockets_with

    close_sockets_with(worker, worker.wsgi)
    # What is loaded now stays; looking through it again and again would hold every socket up.
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """Take a worker that has gone out of the live gauges."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Remove the metrics' folder if it is ours."""
    folder = Path(os.environ.get(_METRICS, ""))
    if folder.name.startswith(_METRICS_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _check_configuration(hosts: list[str]) -> None:
    """Run in a process of its own, so that the master need not import a database."""
    from orchestrator.access.exposure import check_exposure
    from sessions.agents import KnownAgents
    from sessions.apikeys import ApiKeys
    from sessions.database import open_database
    from sessions.errors import ConfigurationError
    from sessions.providers import check_providers

    try:
        check_providers(_house)
        KnownAgents.of(_house)
        apikeys = ApiKeys(open_database(_house.database_url))
        for host in hosts:
            check_exposure(_house.model_copy(update={"host": host}), apikeys)
    except ConfigurationError as error:
        sys.exit(str(error))
