"""Is this machine fit, and do the settings go together?"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from urllib.parse import urlsplit

from orchestrator.cli.checks.finding import Finding, Patient, broken, ok, warning
from orchestrator.cli.checks.stores import redis_is_away
from sessions.providers import uses_embedded

_OLDEST = (3, 11)
_SKEW_SECONDS = 2.0
_TOKEN_SKEW_SECONDS = 60.0
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "rediss": 6379}


def check_python(_patient: Patient) -> Finding:
    """Check the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST:
        return broken(f"This is Python {version}. Switchboard needs 3.11 or newer.")
    return ok(f"Python {version}.")


def check_access(patient: Patient) -> Finding:
    """Check that nobody gets in for want of a key or of a secret."""
    from orchestrator.access.exposure import check_exposure
    from sessions.apikeys import ApiKeys
    from sessions.database import open_database
    from sessions.errors import ConfigurationError

    engine = open_database(patient.settings.database_url)
    try:
        check_exposure(patient.settings, ApiKeys(engine))
    except ConfigurationError as error:
        return broken(str(error))
    finally:
        engine.dispose()
    return ok(f"The house is in {patient.settings.mode} mode and binds {patient.settings.host}.")


def check_agents(patient: Patient) -> Finding:
    """Check that the agents are named as they must be; workers say which they cannot import."""
    from sessions.agents import KnownAgents
    from sessions.errors import ConfigurationError

    try:
        known = KnownAgents.of(patient.settings)
    except ConfigurationError as error:
        return broken(str(error))
    return ok(f"A session can name {', '.join(known.names)}; the default is {known.default}.")


def check_clocks(patient: Patient) -> Finding:
    """Compare this machine's clock with Redis's, by which all deadlines go."""
    from redis.exceptions import RedisError

    from sessions.connections import connect

    try:
        with connect(patient.settings) as redis:
            # The connection is made first: it takes longer than the answer.
            redis.ping()
            before = time.time()
            seconds, micros = redis.time()
            local = (before + time.time()) / 2
    except RedisError:
        return redis_is_away("its clock cannot be read")
    skew = seconds + micros / 1e6 - local
    found = f"Redis's clock differs from this machine's by {abs(skew):.3f} s"
    if abs(skew) > _TOKEN_SKEW_SECONDS:
        return broken(f"{found}: tokens are refused. Keep both in time with NTP.")
    if abs(skew) > _SKEW_SECONDS:
        return warning(f"{found}. Keep both in time with NTP.")
    return ok(f"{found}.")


def check_ports(patient: Patient) -> Finding:
    """Check that no two parts on one machine are to have the same port."""
    settings = patient.settings
    media = urlsplit(settings.livekit_url)
    livekit = _place(settings.livekit_url)
    places = {
        "web": (_local(settings.host), settings.port),
        "Flower": (_local(settings.flower_address), settings.flower_port),
        "Redis": _place(settings.redis_url),
        "livekit-server": livekit,
    }
    if uses_embedded(settings):
        places["inference"] = _place(settings.inference_url)
    if _local(media.hostname or "") == "localhost":
        places["LiveKit's TCP media"] = (livekit[0], livekit[1] + 1)
        places["LiveKit's UDP media"] = (livekit[0], livekit[1] + 2)
    return _judge_places(places)


def _judge_places(places: dict[str, tuple[str, int]]) -> Finding:
    names: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, place in places.items():
        names[place].append(name)
    clashes = [
        f"{' and '.join(sharing)} are both to have port {place[1]}"
        for place, sharing in names.items()
        if len(sharing) > 1
    ]
    if clashes:
        return broken(f"{'; '.join(clashes)}. Give each a SWITCHBOARD_…_PORT of its own.")
    listed = ", ".join(f"{name} {port}" for name, (_, port) in places.items())
    return ok(f"Every part has a port of its own: {listed}.")


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return _local(parts.hostname or ""), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def _local(host: str) -> str:
    from sessions.settings import is_loopback

    return "localhost" if is_loopback(host) or host in {"0.0.0.0", "::", ""} else host  # noqa: S104
