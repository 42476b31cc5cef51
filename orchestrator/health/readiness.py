"""Can calls be taken now, and if not, what is missing and what should be done?"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.http.answers import CheckAnswer, ReadyAnswer
from orchestrator.services import Services
from sessions import keys
from sessions.providers import uses_embedded
from sessions.questions.attendance import Attendance
from sessions.questions.relaying import read_relay
from sessions.settings import TaskTransport

_TIMEOUT_SECONDS = 1.0
_OVERDUE_MS = 15_000
_BEAT = "celery -A workers.app beat"
_UPKEEP = "`celery -A workers.app worker -Q upkeep,answers -P threads -n upkeep@%h`"


def check_house(house: Services) -> ReadyAnswer:
    """Ask every part, all at once."""
    checks: dict[str, Callable[[Services], tuple[bool, str]]] = {
        "redis": _redis,
        "database": _database,
        "session worker": _session_worker,
        "upkeep worker": _upkeep_worker,
        "beat": _beat,
        "livekit": _livekit,
    }
    if uses_embedded(house.settings):
        checks["inference"] = _inference
    if house.settings.task_transport is TaskTransport.KAFKA:
        checks |= {"kafka": _kafka, "bridge": _bridge}
    else:
        checks["answers worker"] = _answers_worker
    with ThreadPoolExecutor(len(checks)) as threads:
        results = list(threads.map(lambda check: check(house), checks.values()))
    answers = [
        CheckAnswer(name=name, ok=ok, detail=detail)
        for name, (ok, detail) in zip(checks, results, strict=True)
    ]
    missing = [answer.name for answer in answers if not answer.ok]
    return ReadyAnswer(ready=not missing, missing=missing, checks=answers)


def _redis(house: Services) -> tuple[bool, str]:
    try:
        house.redis.ping()
    except RedisError as error:
        what_to_do = "Start Redis, or set SWITCHBOARD_REDIS_URL to where it is."
        return False, f"Redis does not answer ({type(error).__name__}). {what_to_do}"
    return True, "Redis answers."


def _database(house: Services) -> tuple[bool, str]:
    from sessions.schema import is_current  # Alembic is slow to import.

    try:
        current = is_current(house.engine)
    except SQLAlchemyError as error:
        return False, (
            f"The database does not answer ({type(error).__name__}). "
            "Start it, or set SWITCHBOARD_DATABASE_URL to where it is."
        )
    if not current:
        return False, "The schema of the database is not current. Run `switchboard migrate`."
    return True, "The schema of the database is current."


def _session_worker(house: Services) -> tuple[bool, str]:
    try:
        workers = house.fleet.alive()
    except RedisError:
        return False, "Redis does not answer, so no worker can be seen. Start Redis first."
    taking = [w for w in workers if not w.draining]
    draining = f" {len(workers) - len(taking)} draining." if len(taking) < len(workers) else ""
    if not taking:
        return False, (
            f"No session worker is alive that takes calls.{draining} "
            "Start one with `celery -A workers.app worker -Q sessions -n sessions@%h`."
        )
    slots, free = sum(w.slots for w in taking), sum(w.free for w in taking)
    return True, f"{len(taking)} alive, {free} of {slots} slots free.{draining}"


def _upkeep_worker(house: Services) -> tuple[bool, str]:
    try:
        deadline = house.directory.next_deadline()
        reaped = int(cast("str | None", house.redis.get(keys.REAPED)) or 0)
        sent = house.redis.exists(keys.BEAT_LOCK)
        now = house.store.now()
    except RedisError:
        return False, "Redis does not answer, so the reaper's work cannot be seen."
    if deadline is not None and now - deadline > _OVERDUE_MS:
        return False, (
            "Sessions are overdue and nobody looks after them. Start beat and a worker for the "
            f"queue `upkeep`: `{_BEAT}` and {_UPKEEP}."
        )
    if sent and now - reaped > _OVERDUE_MS:
        return False, (
            "Beat sends the reaper, and nobody is it. Start a worker for the queue `upkeep`: "
            f"{_UPKEEP}."
        )
    return True, "No session is overdue."


def _beat(house: Services) -> tuple[bool, str]:
    try:
        alive = house.redis.exists(keys.BEAT_LOCK)
    except RedisError:
        return False, "Redis does not answer, so beat cannot be seen. Start Redis first."
    if not alive:
        return False, f"Nobody sends the jobs of upkeep. Start beat: `{_BEAT}`."
    return True, "Beat ticks."


def _answers_worker(house: Services) -> tuple[bool, str]:
    try:
        attending = Attendance(house.redis, house.settings).count()
    except RedisError:
        return False, "Redis does not answer, so no worker can be seen. Start Redis first."
    if not attending:
        return False, (
            f"Nobody answers questions. Start a worker for the queue `answers`: {_UPKEEP}."
        )
    return True, f"{attending} alive."


def _livekit(house: Services) -> tuple[bool, str]:
    url = house.settings.livekit_url
    if not _answers(url, "/"):
        return False, (
            f"livekit-server does not answer at {url}. "
            "Start it, or set SWITCHBOARD_LIVEKIT_URL to where it is."
        )
    return True, f"livekit-server answers at {url}."


def _inference(house: Services) -> tuple[bool, str]:
    url = house.settings.inference_url
    if not _answers(url, "/health"):
        return False, (
            f"The model server does not answer at {url}. Start `inference`, or set "
            "SWITCHBOARD_INFERENCE_URL to where it is."
        )
    return True, f"The model server answers at {url}."


def _kafka(house: Services) -> tuple[bool, str]:
    servers = house.settings.kafka_bootstrap_servers
    try:
        report = read_relay(house.redis)
    except RedisError:
        return False, "Redis does not answer, so the relay cannot be seen. Start Redis first."
    if report is None:
        return False, (
            "No relay is alive, so no answer that comes over Kafka arrives. Start a worker for the "
            f"queue `answers`: {_UPKEEP}."
        )
    if report.trouble:
        return False, (
            f"Kafka does not answer at {servers} ({report.trouble}). Start it, or set "
            "SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS to where it is."
        )
    return True, f"Kafka answers at {servers}, and the relay is alive."


def _bridge(house: Services) -> tuple[bool, str]:
    try:
        report = read_relay(house.redis)
    except RedisError:
        return False, "Redis does not answer, so no bridge can be seen. Start Redis first."
    if report is None or report.trouble:
        return False, "Nobody can tell whether there is a bridge. See `kafka`."
    if not report.bridges:
        return False, (
            "Nobody answers questions that go over Kafka. Start `switchboard bridge`; a bridge of "
            "your own is seen if its consumer group has the same name."
        )
    return True, f"{report.bridges} in the group that answers."


def _answers(url: str, path: str) -> bool:
    """Tell whether the server at ``url`` answers a GET of ``path`` without an error."""
    parts = urlsplit(url)
    secure = parts.scheme in {"https", "wss"}
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
