"""How long is an event on its way to those who follow a session, when there are thousands of them?

One web process, its own Redis, one client process with all the sockets, one that writes. Latency is
from just before ``emit`` to the whole frame at the client. Run: ``python -m bench.sockets``.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.follower import Follower, Heard
from bench.web_house import web_house
from sessions.connections import connect
from sessions.creating import NewSession
from sessions.ids import new_session_id
from sessions.models import SessionConfig
from sessions.settings import Settings
from sessions.states import Channel
from sessions.store import SessionStore

_HANDSHAKES_AT_ONCE = 50
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Figures:
    """What one run has shown; times in milliseconds."""

    sockets: int
    sessions: int
    delivered: int
    lost: int
    doubled: int
    misplaced: int
    farewells: Sequence[str]
    p50: float
    p99: float
    worst: float
    handshakes_per_second: float
    cpu_share: float
    kilobytes_per_socket: float


def measure(sockets: int, sessions: int, seconds: int) -> Figures:
    """Start a house of our own, and have each session make one event a second in it."""
    # Each socket is a descriptor here as well.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with web_house() as (settings, worker):
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

    async def follow(session_id: str, tries: int = 3) -> asyncio.BaseTransport:
        """Open a socket; a server that is too busy for that is asked again, as clients do."""
        async with gate:
            transport, follower = await loop.create_connection(
                lambda: Follower(f"/ws/{session_id}", heard), "127.0.0.1", settings.port
            )
            try:
                await asyncio.wait_for(follower.confirmed, 60)
            except ConnectionError:
                transport.close()
                if tries == 1:
                    raise
                await asyncio.sleep(1)
            else:
                return transport
        return await follow(session_id, tries - 1)

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
    farewells = list(heard.farewells)
    for transport in transports:
        transport.close()
    cuts = statistics.quantiles(heard.latencies, n=100)
    return Figures(
        sockets=sockets,
        sessions=len(session_ids),
        delivered=len(heard.latencies),
        lost=due - len(heard.latencies) + heard.doubled,
        doubled=heard.doubled,
        misplaced=heard.misplaced,
        farewells=farewells,
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


def _create(store: SessionStore) -> str:
    config = SessionConfig("Ashley", "bench", "Hello.", "Be brief.")
    session_id = new_session_id()
    store.create(NewSession(session_id, "development", Channel.TEXT, config))
    return session_id


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
    print(
        f"  delivered {found.delivered}, lost {found.lost}, doubled {found.doubled}, "
        f"out of order {found.misplaced}"
    )
    for farewell in found.farewells:
        print(f"  closed    {farewell}")
    print(f"  latency   p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, worst {found.worst:.1f} ms")
    print(f"  opening   {found.handshakes_per_second:.0f} sockets a second")
    print(
        f"  web       {found.cpu_share:.0%} of a core, {found.kilobytes_per_socket:.0f} kB a socket"
    )


if __name__ == "__main__":
    main()
