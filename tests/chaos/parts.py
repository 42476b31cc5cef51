"""What is the house made of? One command for each of its processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from sessions import keys
from sessions.settings import Settings
from tests.fixtures.inference import COMMAND as INFERENCE_COMMAND
from tests.fixtures.inference import PREFIX as INFERENCE_PREFIX
from tests.fixtures.livekit import PORTS as LIVEKIT_PORTS
from tests.fixtures.livekit import answers_ok
from tests.support import loopback
from tests.support.own_redis import answers_ping
from tests.support.ports import free_port, free_port_block
from tests.support.processes import ROOT
from tests.support.settings import environment_of, settings_with

TICKER = "ticker"
"""The agent of light calls: it counts aloud; see `tests.chaos.ticker`."""

TICKERS = [f"{TICKER}=tests.chaos.ticker:make_ticker"]
"""What the setting `agents` says of it."""

MARK = "SWITCHBOARD_CHAOS_RUN"
"""Stands in the environment of every process of the house, and of all that they start."""

_CELERY = ["celery", "-A", "workers.app"]
_WEB = ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", "orchestrator.app:create_app()"]


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the house. ``grace`` is how long it may take to go when told to."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    ready: Callable[[], bool]
    grace: float = 20.0


def chaos_settings(folder: Path, **more: object) -> Settings:
    """Return the settings of a house in ``folder``, on free ports, with the usual leases."""
    inference = free_port()
    return settings_with(
        **{
            "port": free_port(),
            "redis_url": f"redis://127.0.0.1:{free_port()}/0",
            "database_url": f"sqlite:///{folder}/switchboard.db",
            "livekit_url": f"ws://127.0.0.1:{free_port_block(LIVEKIT_PORTS)}",
            "inference_url": f"http://127.0.0.1:{inference}/v1",
            "tts_url": f"http://127.0.0.1:{free_port()}/v1",
            "tts_model": "tones",
            "agents": TICKERS,
            # Enough for a client that connects anew, and short for all who hang up.
            "rejoin_grace_seconds": 12,
            # The logs have to be there still when everything is over.
            "event_linger_seconds": 3600,
            **more,
        }
    )


def port_of(url: str) -> int:
    """Return the port in an address."""
    return int(url.rpartition(":")[2].partition("/")[0])


def parts_of(settings: Settings, second_port: int, folder: Path, run: str) -> list[Part]:
    """Return every process of a house, in the order in which they are started."""
    own = {**environment_of(settings), MARK: run}

    def part(
        name: str, command: list[str], ready: Callable[[], bool] = lambda: True, **more: str
    ) -> Part:
        return Part(name, command, {**own, **more}, ready)

    redis_port, livekit_port = port_of(settings.redis_url), port_of(settings.livekit_url)
    return [
        part(
            "redis",
            [str(ROOT / "deploy/dev/redis")],
            lambda: answers_ping(settings.redis_url),
            SWITCHBOARD_REDIS_PORT=str(redis_port),
            SWITCHBOARD_REDIS_DIR=str(folder / "redis"),
        ),
        part(
            "livekit",
            [str(ROOT / "deploy/dev/livekit")],
            lambda: answers_ok(livekit_port),
            SWITCHBOARD_LIVEKIT_PORT=str(livekit_port),
        ),
        Part(
            "inference",
            list(INFERENCE_COMMAND),
            {
                MARK: run,
                f"{INFERENCE_PREFIX}HOST": "127.0.0.1",
                f"{INFERENCE_PREFIX}PORT": str(port_of(settings.inference_url)),
            },
            lambda: loopback.is_well(settings.inference_url.replace("/v1", "/health")),
        ),
        part(
            "tones",
            [
                sys.executable, "-m", "tests.chaos.tones",
                str(port_of(settings.tts_url)), settings.inference_url,
            ],
        ),
        *(session_worker(settings, run, place, number=1) for place in "ab"),
        *(
            part(
                f"upkeep-{place}",
                [
                    *_CELERY, "worker", "-Q", "upkeep,answers", "-P", "threads", "-c", "4",
                    "-n", f"upkeep@{place}",
                ],
                lambda: True,
            )
            for place in "ab"
        ),
        *(part(f"beat-{place}", [*_CELERY, "beat"]) for place in "ab"),
        *(
            part(
                f"web-{place}",
                _WEB,
                lambda port=port: loopback.is_well(f"http://127.0.0.1:{port}/ready"),
                SWITCHBOARD_PORT=str(port),
            )
            for place, port in (("a", settings.port), ("b", second_port))
        ),
    ]  # fmt: skip


def session_worker(settings: Settings, run: str, place: str, number: int) -> Part:
    """Return the ``number``-th session worker at a place: a deploy brings one of a new name."""
    name = f"sessions@{place}{number}"
    return Part(
        f"sessions-{place}",
        [*_CELERY, "worker", "-Q", "sessions", "-n", name],
        {**environment_of(settings), MARK: run},
        lambda: is_registered(settings.redis_url, name),
        grace=60.0,
    )


def is_registered(url: str, name: str) -> bool:
    """Tell whether a session worker has reported."""
    with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            return bool(client.exists(keys.worker(name)))
        except RedisError:
            return False
