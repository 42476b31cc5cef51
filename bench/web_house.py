"""A Redis and a web front of our own, to measure the web front alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
from redis import Redis
from redis.exceptions import RedisError

from sessions.database import open_database
from sessions.schema import migrate
from sessions.settings import Settings
from tests.support.ports import free_port
from tests.support.processes import ROOT, running
from tests.support.settings import environment_of, settings_with

APP = "orchestrator.app:create_app()"


@contextmanager
def web_house() -> Iterator[tuple[Settings, psutil.Process]]:
    """Run a Redis and a web front with one process; yield that process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sockets-")))
        settings = settings_with(
            port=free_port(),
            redis_url=f"redis://127.0.0.1:{free_port()}/0",
            database_url=f"sqlite:///{folder}/switchboard.db",
            sockets_per_session=10_000,
            log_level="WARNING",
        )
        redis_port = settings.redis_url.rpartition(":")[2].partition("/")[0]
        engine = open_database(settings.database_url)
        migrate(engine)
        engine.dispose()
        stack.enter_context(
            running(
                "redis",
                [ROOT / "deploy/dev/redis"],
                folder / "redis.log",
                lambda: _answers(settings),
                environment={
                    "SWITCHBOARD_REDIS_PORT": redis_port,
                    "SWITCHBOARD_REDIS_DIR": str(folder),
                },
            )
        )
        web = stack.enter_context(
            running(
                "web",
                ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", APP],
                folder / "web.log",
                lambda: _serves(settings),
                environment=environment_of(settings),
            )
        )
        (worker,) = psutil.Process(web.pid).children()
        yield settings, worker


def _answers(settings: Settings) -> bool:
    client = Redis.from_url(settings.redis_url, socket_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _serves(settings: Settings) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{settings.port}/health", timeout=2)
    except httpx.TransportError:
        return False
    return True
