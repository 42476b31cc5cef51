"""How does a test start a server, know that it is ready, and be rid of it afterwards?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]
_TAIL_BYTES = 6000


@dataclass(frozen=True)
class Child:
    """A process that a test has started; its output goes to ``log``."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Return the process id, which is also that of its session and process group."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process is still there."""
        return self.process.poll() is None

    def tail(self) -> str:
        """Return the end of what the process has printed."""
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        return ""

    def stop(self, grace: float = 10.0) -> int:
        """End the process by TERM and after ``grace`` seconds by KILL; return its exit status.

        What it has started itself and left behind is killed with it.
        """
        if self.running:
            self.process.terminate()
        try:
            return self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def start(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Child:
    """Start ``command`` in a session of its own, with ``environment`` over that of the tests."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return Child(name, process, log)


def wait_until_ready(child: Child, ready: Callable[[], bool], within: float = 60.0) -> None:
    """Wait until ``ready`` says so; fail with the end of the log if it never does."""

    def ready_or_dead() -> bool:
        if not child.running:
            raise RuntimeError(f"{child.name} ended with {child.process.returncode}.")
        return ready()

    try:
        eventually(ready_or_dead, within, f"{child.name} is ready")
    except (AssertionError, RuntimeError) as error:
        raise AssertionError(f"{error}\n--- {child.log}\n{child.tail()}") from None


@contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    *,
    within: float = 60.0,
    grace: float = 10.0,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Iterator[Child]:
    """Keep ``command`` running, from ready to gone, for the length of a ``with`` block."""
    child = start(name, command, log, environment=environment, folder=folder)
    try:
        wait_until_ready(child, ready, within)
        yield child
    finally:
        child.stop(grace)


async def let_go(process: asyncio.subprocess.Process) -> None:
    """Close what a process reads, which tells it to end, and kill it if it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()
