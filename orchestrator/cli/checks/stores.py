"""Do Redis and the database answer, and are they fit to hold what is given to them?"""

from __future__ import annotations

from typing import Any

from orchestrator.cli.checks.finding import Finding, Patient, broken, ok, warning
from orchestrator.cli.configuration import without_password

_OLDEST = (6, 2)


def check_redis(patient: Patient) -> Finding:
    """Check that Redis answers, is new enough, and neither forgets nor evicts."""
    from redis.exceptions import RedisError

    from sessions.connections import connect

    where = without_password(patient.settings.redis_url)
    try:
        with connect(patient.settings) as redis:
            info = redis.info()
            saves = _saves(redis)
    except (RedisError, ValueError) as error:
        return broken(
            f"Redis does not answer at {where} ({type(error).__name__}). Start it (`make run` "
            "does), or set SWITCHBOARD_REDIS_URL to where it is."
        )
    return _judge_redis(where, info, saves=saves)


def redis_is_away(consequence: str) -> Finding:
    """Return the finding of a check that needs Redis, which does not answer."""
    return broken(f"Redis does not answer, so {consequence}. See to Redis first.")


def check_database(patient: Patient) -> Finding:
    """Check that the database answers and has the schema of this version."""
    from sqlalchemy.exc import SQLAlchemyError

    from sessions.database import open_database
    from sessions.schema import is_current

    where = without_password(patient.settings.database_url)
    try:
        engine = open_database(patient.settings.database_url)
        try:
            current = is_current(engine)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError, OSError) as error:
        return broken(
            f"The database {where} does not answer ({type(error).__name__}). Start it, or set "
            "SWITCHBOARD_DATABASE_URL to where it is."
        )
    if not current:
        return broken(
            f"The schema of {where} is not that of this version. Run `switchboard migrate`."
        )
    return ok(f"{where} has the schema of this version.")


def _saves(redis: Any) -> bool:
    """Tell whether snapshots are taken; a managed Redis may not say."""
    from redis.exceptions import ResponseError

    try:
        return bool(redis.config_get("save").get("save"))
    except ResponseError:
        return True


def _judge_redis(where: str, info: dict[str, Any], *, saves: bool) -> Finding:
    version = str(info.get("redis_version", "0"))
    found = f"Redis {version} at {where}"
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        return broken(f"{found} is too old. Switchboard needs 6.2 or newer.")
    if info.get("cluster_enabled"):
        return broken(f"{found} is a cluster. Use one primary, with replicas if you like.")
    if info.get("role") not in (None, "master"):
        return broken(f"{found} is a replica. Set SWITCHBOARD_REDIS_URL to its primary.")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and info.get("maxmemory"):
        return broken(
            f"{found} throws keys away when memory is short ({policy}), and calls with them. "
            "Set maxmemory-policy to noeviction."
        )
    if policy != "noeviction":
        return warning(f"{found} has the memory policy {policy}. Set it to noeviction.")
    if not info.get("aof_enabled") and not saves:
        return warning(f"{found} keeps nothing over a restart. Set appendonly to yes.")
    return ok(f"{found} keeps what it is given.")
