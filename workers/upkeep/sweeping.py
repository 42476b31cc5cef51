"""What has been left lying about that nothing else would ever remove?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import structlog

from sessions import keys
from sessions.counters import Drift
from workers.context import Context
from workers.drift import report_mended
from workers.upkeep.batching import BATCH, batches

log = structlog.get_logger(__name__)


def sweep(context: Context) -> None:
    """Give a TTL to every key that lost it, and remove what is too old."""
    now = context.store.now()
    _keys_without_ttl(context)
    lost = context.fleet.forget_lost(now)
    pruned = context.archive.prune(now, context.settings.archive_retention_days)
    told = context.deliveries.prune(context.settings.webhook_retention_days)
    log.info("swept", workers_lost=lost, archive_pruned=pruned, deliveries_pruned=told)


def _keys_without_ttl(context: Context) -> None:
    ttl = context.settings.session_ttl_seconds
    for names in batches(_keys_of_sessions(context)):
        for key in _without_ttl(context, names):
            context.redis.expire(key, ttl)
            report_mended(context, Drift.KEY_WITHOUT_TTL, key=key)


def _without_ttl(context: Context, names: list[str]) -> list[str]:
    with context.redis.pipeline(transaction=False) as pipeline:
        for key in names:
            pipeline.ttl(key)
        return [key for key, ttl in zip(names, pipeline.execute(), strict=True) if ttl == -1]


def _keys_of_sessions(context: Context) -> Iterator[str]:
    names = cast("Iterator[str]", context.redis.scan_iter(count=BATCH))
    return (name for name in names if name.startswith(keys.SESSION_PREFIXES))
