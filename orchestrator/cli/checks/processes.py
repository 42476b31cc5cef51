"""Are the Celery processes alive: those that take calls, those that look after them, and beat?"""

from __future__ import annotations

from typing import Any, cast

from orchestrator.cli.checks.finding import Finding, Patient, broken, ok, warning
from orchestrator.cli.checks.stores import redis_is_away

_CELERY = "celery -A workers.app"
_ASK_SECONDS = 1.0


def check_session_workers(patient: Patient) -> Finding:
    """Check that there is somebody to take a call."""
    from redis.exceptions import RedisError

    from sessions.connections import connect
    from sessions.fleet import Fleet
    from sessions.version import version

    try:
        with connect(patient.settings) as redis:
            alive = Fleet(redis, patient.settings).taking_calls()
    except RedisError:
        return redis_is_away("no session worker can be seen")
    if not alive:
        return broken(
            "No session worker is alive that takes calls. Start one: "
            f"`{_CELERY} worker -Q sessions -n sessions@%h`."
        )
    slots, free = sum(one.slots for one in alive), sum(one.free for one in alive)
    found = f"{len(alive)} alive, {free} of {slots} slots free"
    others = sorted({one.version for one in alive} - {version()})
    if others:
        return warning(f"{found}; some run version {', '.join(others)} and this is {version()}.")
    if not free:
        return warning(f"{found}: the next caller waits. Start another worker.")
    return ok(f"{found}.")


def check_upkeep_worker(patient: Patient) -> Finding:
    """Ask all workers which queues they listen to."""
    from celery import Celery
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from sessions.connections import connect

    settings = patient.settings
    # Not the app of the house: that one asks the broker it was first configured with.
    asking = Celery("doctor", broker=settings.redis_url, set_as_current=False)
    try:
        # Celery would go on trying; the client of the house gives up in time.
        with connect(settings) as redis:
            redis.ping()
        inspector = asking.control.inspect(timeout=_ASK_SECONDS)
        queues = cast("dict[str, list[dict[str, Any]]]", inspector.active_queues() or {})
    except (RedisError, OperationalError, OSError):
        return redis_is_away("no upkeep worker can be seen")
    finally:
        asking.close()
    listening = [
        name for name, own in queues.items() if any(queue["name"] == "upkeep" for queue in own)
    ]
    if not listening:
        return broken(
            "No worker listens to the queue `upkeep`, so ended calls are not cleaned up. Start "
            f"one: `{_CELERY} worker -Q upkeep,answers -P threads -n upkeep@%h`."
        )
    return ok(f"{', '.join(sorted(listening))} listens to the queue `upkeep`.")


def check_beat(patient: Patient) -> Finding:
    """Look for the lock that beat holds as long as it is alive."""
    from redis.exceptions import RedisError

    from sessions import keys
    from sessions.connections import connect

    try:
        with connect(patient.settings) as redis:
            left_ms = cast("int", redis.pttl(keys.BEAT_LOCK))
    except RedisError:
        return redis_is_away("beat cannot be seen")
    if left_ms <= 0:
        return broken(
            f"Beat is not running, so nobody is sent to look after calls. Start it: "
            f"`{_CELERY} beat`."
        )
    return ok("Beat is running.")
