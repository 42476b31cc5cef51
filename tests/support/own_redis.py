"""How does a test take Redis away and bring it back? With one of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.support.ports import free_port
from tests.support.processes import ROOT, Child, running


def answers_ping(url: str) -> bool:
    """Tell whether a Redis that has loaded its data answers at ``url``."""
    with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def redis_in(folder: Path, port: int, sync: str = "always") -> AbstractContextManager[Child]:
    """Run a Redis that keeps what it has in ``folder``; ``sync`` is its `appendfsync`."""
    return running(
        "redis",
        [ROOT / "deploy/dev/redis"],
        folder / "redis.log",
        lambda: answers_ping(f"redis://127.0.0.1:{port}/0"),
        environment={
            "SWITCHBOARD_REDIS_PORT": str(port),
            "SWITCHBOARD_REDIS_DIR": str(folder / "data"),
            "SWITCHBOARD_REDIS_APPENDFSYNC": sync,
        },
    )


class OwnRedis:
    """A Redis that goes and comes back at the same address, with what it had."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._running = ExitStack()

    def on(self) -> None:
        """Start it."""
        self._child = self._running.enter_context(redis_in(self._folder, self.port))

    def off(self) -> None:
        """Stop it, if it runs."""
        self._running.close()

    def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        self._child.process.kill()
        self.off()

    @contextmanager
    def up(self) -> Iterator[None]:
        """Keep it running for the length of a block."""
        self.on()
        try:
            yield
        finally:
            self.off()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take it away for the length of a block."""
        self.off()
        try:
            yield
        finally:
            self.on()

    def forget(self) -> None:
        """Lose everything, while it is off."""
        shutil.rmtree(self._folder / "data")
