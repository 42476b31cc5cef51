"""Who starts the house, and starts again what has died? What a process manager does, no more."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
from redis.exceptions import RedisError

from sessions import keys
from sessions.database import open_database
from sessions.schema import migrate
from tests.chaos.parts import MARK, Part, chaos_settings, parts_of, session_worker
from tests.support.ports import free_port
from tests.support.processes import Child, start, wait_until_ready
from workers.context import Context

_LOOK_SECONDS = 0.2
_RESTART_SECONDS = 1.0
_READY_SECONDS = 240.0
_STOP_ORDER = ("beat", "sessions", "upkeep", "web", "tones", "inference", "livekit", "redis")


class ChaosHouse:
    """A house of its own processes, which may die and are started again."""

    def __init__(self, folder: Path, run: str, **more: object) -> None:
        self.run = run
        self.folder = folder
        self.settings = chaos_settings(folder, **more)
        second = free_port()
        self.fronts = [f"http://127.0.0.1:{port}" for port in (self.settings.port, second)]
        self.context = Context.of(self.settings)
        self.parts = {p.name: p for p in parts_of(self.settings, second, folder, run)}
        self.children: dict[str, Child] = {}
        self.retired: list[Child] = []
        """Workers that were told to go, and may still be talking."""
        self._held: set[str] = set()
        self._numbers = {"a": 1, "b": 1}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the house running for a block; afterwards no process of it is left."""
        engine = open_database(self.settings.database_url)
        migrate(engine)
        engine.dispose()
        looking: asyncio.Task[None] | None = None
        try:
            await asyncio.to_thread(self._start_all)
            looking = asyncio.create_task(self._look_after())
            yield
        finally:
            if looking is not None:
                looking.cancel()
            self.close()

    def close(self) -> None:
        """Stop everything, whatever state it is in."""
        with ThreadPoolExecutor() as pool:
            for kind in _STOP_ORDER:
                of_kind = [c for name, c in self.children.items() if name.startswith(kind)]
                retired = self.retired if kind == "sessions" else []
                list(pool.map(lambda child: child.stop(15), [*of_kind, *retired]))
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.context.redis.close()

    def start(self, name: str) -> None:
        """Start a part that is not there."""
        part = self.parts[name]
        log = self.folder / "logs" / f"{name}.log"
        self.children[name] = start(name, part.command, log, environment=part.environment)

    def wait_until_ready(self, name: str) -> None:
        """Wait until a part says that it is ready."""
        wait_until_ready(self.children[name], self.parts[name].ready, _READY_SECONDS)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Do not start a part again for the length of a block; start it at its end."""
        self._held.add(name)
        try:
            yield
        finally:
            if not self.children[name].running:
                self.start(name)
            self._held.discard(name)

    def replace_worker(self, place: str) -> Child:
        """Tell a session worker to go, start another beside it, and return the old one."""
        name = f"sessions-{place}"
        old = self.children[name]
        self._numbers[place] += 1
        self.parts[name] = session_worker(self.settings, self.run, place, self._numbers[place])
        self.retired.append(old)
        os.kill(old.pid, signal.SIGTERM)
        self.start(name)
        return old

    def worker_name(self, place: str) -> str:
        """Return the name under which the worker at a place takes calls now."""
        return f"sessions@{place}{self._numbers[place]}"

    def worker_serves(self, place: str) -> bool:
        """Tell whether the worker that is at a place now has reported."""
        with contextlib.suppress(RedisError):
            pid = self.context.redis.hget(keys.worker(self.worker_name(place)), "pid")
            return pid == str(self.children[f"sessions-{place}"].pid)
        return False

    def kill(self, name: str, *, with_children: bool = False) -> None:
        """Kill a part; its children die with it or lose their parent."""
        pid = self.children[name].pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL) if with_children else os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[psutil.Process]:
        """Return every process that this house has started, directly or not."""
        return [p for p in psutil.process_iter() if _mark_of(p) == self.run]

    def orphans(self) -> list[psutil.Process]:
        """Return the processes that belong to no part of the house any more."""
        roots = {child.pid for child in [*self.children.values(), *self.retired] if child.running}
        found: list[psutil.Process] = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                family = {process.pid, *(parent.pid for parent in process.parents())}
                if not family & roots and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def remove(self) -> None:
        """Remove the folder with the logs and all that was stored."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_all(self) -> None:
        for name in ("redis", "livekit", "inference", "tones"):
            self.start(name)
        for name in ("redis", "livekit", "inference"):
            self.wait_until_ready(name)
        for name in self.parts:
            if name not in self.children:
                self.start(name)
        for name in self.parts:
            self.wait_until_ready(name)

    async def _look_after(self) -> None:
        """Start again what has died, as a process manager does."""
        died: dict[str, float] = {}
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.retired = [child for child in self.retired if child.running]
            for name, child in list(self.children.items()):
                if child.running or name in self._held:
                    died.pop(name, None)
                elif time.monotonic() - died.setdefault(name, time.monotonic()) > _RESTART_SECONDS:
                    died.pop(name)
                    self.start(name)


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return None


def part_kind(part: Part) -> str:
    """Return what a part is, whichever of its kind it is."""
    return part.name.partition("-")[0]
