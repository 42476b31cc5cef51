"""A Redis and a web front of our own, to measure the web front alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from sessions.database import open_database
from sessions.schema import migrate
from sessions.settings import Settings
from tests.support import loopback
from tests.support.own_redis import redis_in
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.settings import environment_of, settings_with

APP = "orchestrator.app:create_app()"


@contextmanager
def web_house() -> Iterator[tuple[Settings, psutil.Process]]:
    """Run a Redis and a web front with one process; yield that process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sockets-")))
        port = free_port()
        settings = settings_with(
            port=free_port(),
            redis_url=f"redis://127.0.0.1:{port}/0",
            database_url=f"sqlite:///{folder}/switchboard.db",
            sockets_per_session=10_000,
            log_level="WARNING",
        )
        engine = open_database(settings.database_url)
        migrate(engine)
        engine.dispose()
        stack.enter_context(redis_in(folder, port))
        web = stack.enter_context(
            running(
                "web",
                ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", APP],
                folder / "web.log",
                lambda: loopback.is_up(f"http://127.0.0.1:{settings.port}/health"),
                environment=environment_of(settings),
            )
        )
        (worker,) = psutil.Process(web.pid).children()
        yield settings, worker
