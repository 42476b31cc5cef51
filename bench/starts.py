"""How many sessions a second can two web processes on two cores start?"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack

from bench.house import WEB
from bench.measuring import Goal, Row, median
from sessions.connections import connect
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from tests.fixtures.house import House
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import ROOT, running
from tests.support.settings import environment_of, settings_with

ROUNDS = 4
SECONDS = 4
CONNECTIONS = 16
HOW = (
    f"{ROUNDS} rounds of {SECONDS} s each, taking turns; {CONNECTIONS} kept connections from one "
    "client process; both served by gunicorn with two gevent processes and the same Redis. Nobody "
    "consumes the queue, so only the front works. Ours: `POST /orchestrator/session/start` for a "
    "voice session. The floor: a Flask route with one pipeline (two hashes with a TTL) and one "
    "`apply_async` with Celery's defaults. Median of the rounds."
)
MISSED = (
    "what is left is Redis's own time for the script, which checks limits, writes indexes and the "
    "event log, and the reading of its reply."
)


def measure(house: House) -> list[Row]:
    """Measure both, taking turns."""
    address = house.settings.redis_url.rpartition("/")[0]
    changed = {"redis_url": f"{address}/3", "web_workers": 2, "port": free_port()}
    # Nobody takes what is started, so all of it waits.
    changed["limit_queue_length"] = 0
    # No worker looks at this database, so the one that is said to be alive must stay so.
    changed["worker_lost_seconds"] = 3600
    settings = settings_with(**{**house.settings.model_dump(), **changed})
    port = free_port()
    floor = ["gunicorn", "-k", "gevent", "-w", "2", "-b", f"127.0.0.1:{port}", "--keep-alive", "10"]
    rates: dict[str, list[float]] = {"ours": [], "floor": []}
    with ExitStack() as stack:
        stack.enter_context(
            running(
                "web of two",
                WEB,
                house.folder / "web-of-two.log",
                lambda: loopback.is_up(f"http://127.0.0.1:{settings.port}/"),
                environment=environment_of(settings),
            )
        )
        stack.enter_context(
            running(
                "floor",
                [*floor, "bench.floor_app:create_app()"],
                house.folder / "floor.log",
                lambda: loopback.is_up(f"http://127.0.0.1:{port}/"),
                environment={"BENCH_REDIS_URL": settings.redis_url},
            )
        )
        for n in range(-1, ROUNDS):
            # The first round only warms both up.
            ours = _load(settings, settings.port, "/orchestrator/session/start", n < 0)
            theirs = _load(settings, port, "/start", n < 0)
            if n >= 0:
                rates["ours"].append(ours)
                rates["floor"].append(theirs)
    goal = Goal(ratio_at_least=0.8)
    return [
        Row(
            "starts a second over HTTP",
            "/s",
            median(rates["ours"]),
            "floor",
            median(rates["floor"]),
            goal,
        )
    ]


def _load(settings: Settings, port: int, path: str, warming: bool) -> float:
    redis = connect(settings)
    redis.flushdb()
    fleet = Fleet(redis, settings)
    now = round(float(redis.time()[0]) * 1000)
    fleet.report(WorkerRecord("sessions@bench", "bench", 1, "boot", "0", 3, 0, now))
    seconds = 1 if warming else SECONDS
    body = json.dumps({"userName": "Ann"})
    arguments = [str(port), path, body, str(CONNECTIONS), str(seconds)]
    command = [sys.executable, "-m", "bench.load", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    redis.flushdb()
    redis.close()
    found = json.loads(done.stdout)
    if found["refused"]:
        raise RuntimeError(f"{found['refused']} starts were refused at {path}.")
    return found["answers"] / seconds
