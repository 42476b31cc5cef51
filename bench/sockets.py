"""How long is an event on its way to those who follow a session, when there are thousands of them?

One web process, its own Redis, one client process with all the sockets, one that writes. Latency is
from just before ``emit`` to the whole frame at the client. Run: ``python -m bench.sockets``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import secrets
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis import Redis
from redis.exceptions import RedisError

from sessions.connections import connect
from sessions.database import open_database
from sessions.ids import new_session_id
from sessions.models import SessionConfig
from sessions.schema import migrate
from sessions.settings import Settings
from sessions.states import Channel
from sessions.store import NewSession, SessionStore
from tests.support.ports import free_port
from tests.support.processes import ROOT, running
from tests.support.settings import environment_of, settings_with

APP = "orchestrator.app:create_app()"
_HANDSHAKES_AT_ONCE = 50
_GRACE_SECONDS = 5.0
_TEXT = 1
_LENGTH_BYTES = {126: 2, 127: 8}


@dataclass(frozen=True)
class Figures:
    """What one run has shown; times in milliseconds."""

    sockets: int
    sessions: int
    delivered: int
    lost: int
    doubled: int
    p50: float
    p99: float
    worst: float
    handshakes_per_second: float
    cpu_share: float
    kilobytes_per_socket: float


@dataclass
class Heard:
    """What all sockets together have received."""

    latencies: list[float] = field(default_factory=list)
    doubled: int = 0


class Follower(asyncio.Protocol):
    """One socket: reads frames as they come and notes how old each event is."""

    def __init__(self, path: str, heard: Heard) -> None:
        self._path = path
        self._heard = heard
        self._buffer = bytearray()
        self._seen = -1
        self._upgraded = False
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.confirmed.set_exception(ConnectionError(head.decode()))
                return
            self._upgraded, self._buffer = True, rest
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == _TEXT:
                self._take(json.loads(payload))

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size in _LENGTH_BYTES:
            start += _LENGTH_BYTES[size]
            size = int.from_bytes(buffer[2:start])
        if len(buffer) < start + size:
            return None
        frame = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame

    def _take(self, message: dict) -> None:
        if message["type"] == "transcript":
            n = message["data"]["n"]
            self._heard.latencies.append((time.monotonic() - message["data"]["at"]) * 1000)
            self._heard.doubled += n <= self._seen
            self._seen = n
        elif not self.confirmed.done():
            self.confirmed.set_result(None)


def measure(sockets: int, sessions: int, seconds: int) -> Figures:
    """Start a house of our own, and have each session make one event a second in it."""
    with _house() as (settings, worker):
        redis = connect(settings)
        store = SessionStore(redis, settings)
        session_ids = [_create(store) for _ in range(sessions)]
        redis.close()
        return asyncio.run(_follow_all(settings, worker, session_ids, sockets, seconds))


async def _follow_all(
    settings: Settings,
    worker: psutil.Process,
    session_ids: Sequence[str],
    sockets: int,
    seconds: int,
) -> Figures:
    heard, loop = Heard(), asyncio.get_running_loop()
    gate = asyncio.Semaphore(_HANDSHAKES_AT_ONCE)
    memory = worker.memory_info().rss

    async def follow(session_id: str) -> asyncio.BaseTransport:
        async with gate:
            transport, follower = await loop.create_connection(
                lambda: Follower(f"/ws/{session_id}", heard), "127.0.0.1", settings.port
            )
            await asyncio.wait_for(follower.confirmed, 60)
            return transport

    started = time.monotonic()
    transports = await asyncio.gather(
        *(follow(session_ids[n % len(session_ids)]) for n in range(sockets))
    )
    connecting = time.monotonic() - started
    memory = worker.memory_info().rss - memory

    busy, started = _cpu_seconds(worker), time.monotonic()
    writer = multiprocessing.get_context("spawn").Process(
        target=_write, args=(settings, session_ids, seconds)
    )
    writer.start()
    await asyncio.to_thread(writer.join)
    busy = (_cpu_seconds(worker) - busy) / (time.monotonic() - started)
    due = seconds * len(transports)
    deadline = time.monotonic() + _GRACE_SECONDS
    while len(heard.latencies) < due and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    for transport in transports:
        transport.close()
    cuts = statistics.quantiles(heard.latencies, n=100)
    return Figures(
        sockets=sockets,
        sessions=len(session_ids),
        delivered=len(heard.latencies),
        lost=due - len(heard.latencies) + heard.doubled,
        doubled=heard.doubled,
        p50=cuts[49],
        p99=cuts[98],
        worst=max(heard.latencies),
        handshakes_per_second=sockets / connecting,
        cpu_share=busy,
        kilobytes_per_socket=memory / sockets / 1000,
    )


def _write(settings: Settings, session_ids: Sequence[str], seconds: int) -> None:
    """Let each session make an event a second, evenly spread over the second."""
    redis = connect(settings)
    store = SessionStore(redis, settings)
    started = time.monotonic() + 0.5
    for n in range(seconds):
        for place, session_id in enumerate(session_ids):
            at = started + n + place / len(session_ids)
            time.sleep(max(0.0, at - time.monotonic()))
            store.emit(
                session_id, "transcript", {"n": n, "at": time.monotonic(), "text": "word " * 10}
            )
    redis.close()


@contextmanager
def _house() -> Iterator[tuple[Settings, psutil.Process]]:
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
                lambda: _listens(settings.port),
                environment=environment_of(settings),
            )
        )
        (worker,) = psutil.Process(web.pid).children()
        yield settings, worker


def _create(store: SessionStore) -> str:
    config = SessionConfig("Ashley", "bench", "Hello.", "Be brief.")
    session_id = new_session_id()
    store.create(NewSession(session_id, "development", Channel.TEXT, config))
    return session_id


def _answers(settings: Settings) -> bool:
    client = Redis.from_url(settings.redis_url, socket_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    """Measure as the command line says, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=3000)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    found = measure(given.sockets, given.sessions, given.seconds)
    print(f"{found.sockets} sockets on one web process, {found.sessions} sessions, 1 event/s each")
    print(f"  delivered {found.delivered}, lost {found.lost}, doubled {found.doubled}")
    print(f"  latency   p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, worst {found.worst:.1f} ms")
    print(f"  opening   {found.handshakes_per_second:.0f} sockets a second")
    print(
        f"  web       {found.cpu_share:.0%} of a core, {found.kilobytes_per_socket:.0f} kB a socket"
    )


if __name__ == "__main__":
    main()
