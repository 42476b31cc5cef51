"""Where does everything run that is measured? In a whole house of its own, with three slots."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from sessions.connections import connect
from sessions.database import open_database
from sessions.schema import migrate
from tests.fixtures.house import WORKER, House, is_ready, is_registered, session_worker
from tests.fixtures.inference import inference_server
from tests.fixtures.livekit import answers_ok
from tests.support.eventually import eventually
from tests.support.own_redis import redis_in
from tests.support.ports import free_port, free_port_block
from tests.support.processes import ROOT, running, wait_until_ready
from tests.support.settings import settings_with

SLOTS = 3
CELERY = ["celery", "-A", "workers.app"]
UPKEEP = [*CELERY, "worker", "-Q", "upkeep,answers", "-P", "threads", "-c", "4", "-n", "upkeep@b"]
WEB = ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", "orchestrator.app:create_app()"]

_LOOK_SECONDS = 0.15
_IDLE_TICKS = 0.03
"""CPU seconds in one look; a process that prepares itself uses up to five times as much."""


@contextmanager
def bench_house() -> Iterator[House]:
    """Run the whole house for a ``with`` block, each server on a free port of loopback."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        redis_port, livekit_port = free_port(), free_port_block(3)
        redis_url = f"redis://127.0.0.1:{redis_port}/0"
        stack.enter_context(redis_in(folder, redis_port))
        stack.enter_context(
            running(
                "livekit",
                [ROOT / "deploy/dev/livekit"],
                folder / "livekit.log",
                lambda: answers_ok(livekit_port),
                environment={"SWITCHBOARD_LIVEKIT_PORT": str(livekit_port)},
            )
        )
        inference = stack.enter_context(inference_server(folder))
        settings = settings_with(
            port=free_port(),
            redis_url=redis_url,
            database_url=f"sqlite:///{folder}/switchboard.db",
            livekit_url=f"ws://127.0.0.1:{livekit_port}",
            inference_url=inference.url,
            worker_concurrency=SLOTS,
        )
        engine = open_database(settings.database_url)
        migrate(engine)
        engine.dispose()
        house = House(settings, folder, connect(settings), {"inference": inference.child})
        stack.callback(house.redis.close)
        parts = {
            "worker": (session_worker(WORKER), lambda: is_registered(house.redis, WORKER)),
            "upkeep": (UPKEEP, lambda: "upkeep@b ready" in house.children["upkeep"].tail()),
            "beat": ([*CELERY, "beat"], lambda: bool(house.redis.exists("redbeat::lock"))),
            "web": (WEB, lambda: is_ready(house.url)),
        }
        for name, (command, _) in parts.items():
            house.children[name] = stack.enter_context(house.run(name, command, lambda: True))
        for name, (_, ready) in parts.items():
            wait_until_ready(house.children[name], ready, within=60)
        yield house


async def end_call(house: House, session_id: str) -> None:
    """End a call and wait until nothing is left of it and every slot is warm again."""
    await asyncio.to_thread(house.end, session_id)
    await asyncio.to_thread(
        eventually, lambda: house.directory.load(session_id) is None, 15, "the call has gone"
    )
    await settled(house.children["worker"].pid)


async def settled(pid: int, within: float = 15.0) -> None:
    """Wait until a process and its children have nothing more to do."""
    deadline = asyncio.get_running_loop().time() + within
    calm, before = 0, _cpu_seconds(pid)
    while calm < 2 and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
        now = _cpu_seconds(pid)
        calm = calm + 1 if all(now[p] - before.get(p, 0) <= _IDLE_TICKS for p in now) else 0
        before = now


def _cpu_seconds(pid: int) -> dict[int, float]:
    parent = psutil.Process(pid)
    found: dict[int, float] = {}
    for process in [parent, *parent.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found[process.pid] = times.user + times.system
    return found
