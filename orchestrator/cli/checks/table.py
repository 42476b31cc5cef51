"""Which parts does `switchboard doctor` look at, and in which order?"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.cli.checks.finding import Finding, Patient
from orchestrator.cli.checks.here import (
    check_access,
    check_agents,
    check_clocks,
    check_ports,
    check_python,
)
from orchestrator.cli.checks.processes import (
    check_beat,
    check_session_workers,
    check_upkeep_worker,
)
from orchestrator.cli.checks.providers import (
    check_choice,
    check_embeddings,
    check_hearing,
    check_speech,
    check_thinking,
)
from orchestrator.cli.checks.servers import (
    check_flower,
    check_inference,
    check_livekit,
    check_web,
)
from orchestrator.cli.checks.stores import check_database, check_redis

CHECKS: dict[str, Callable[[Patient], Finding]] = {
    "python": check_python,
    "access": check_access,
    "agents": check_agents,
    "ports": check_ports,
    "redis": check_redis,
    "clocks": check_clocks,
    "database": check_database,
    "livekit": check_livekit,
    "inference": check_inference,
    "providers": check_choice,
    "hearing": check_hearing,
    "speech": check_speech,
    "thinking": check_thinking,
    "embeddings": check_embeddings,
    "web": check_web,
    "session worker": check_session_workers,
    "upkeep worker": check_upkeep_worker,
    "beat": check_beat,
    "flower": check_flower,
}
