"""Something was out of order and has been mended: who hears of it? A counter, and the log."""

from __future__ import annotations

import structlog

from sessions.counters import Drift, count_drift
from workers.context import Context

log = structlog.get_logger(__name__)


def report_mended(context: Context, kind: Drift, **named: object) -> None:
    """Count one case of a kind of drift, and log which it was."""
    log.warning("drift_mended", kind=kind, **named)
    count_drift(context.redis, kind)
