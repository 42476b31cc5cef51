"""How long does the reaper take in a house with a million sessions?"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import structlog
from redis import Redis

from bench.measuring import Goal, Row, median
from sessions import keys
from sessions.fleet import WorkerRecord
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.states import STATE_SCORES, Reason, State
from tests.fixtures.house import House
from tests.support.own_redis import OwnRedis
from tests.support.sessions import Actor, owner_of
from tests.support.settings import settings_with
from workers.context import Context
from workers.upkeep.indexes import mend_indexes
from workers.upkeep.queueing import look_after_queue
from workers.upkeep.reaping import end_all, take_due

SESSIONS = 1_000_000
DUE = 1_000
ROUNDS = 5
LIVES = 200
_CHUNK = 2_000
HOW = (
    f"A Redis of its own, without its log on disk, with {SESSIONS:,} sessions, half calls, half "
    "in writing: of each the hash, a call's lease, and its places in the indexes of all, of "
    f"deadlines, of states, of its key (1,000 keys) and of its user. {ROUNDS} rounds: {DUE:,} "
    "anywhere among them become due, half left in writing, half calls that have waited for too "
    "long. *Found*: the reaper's `take_due`, which takes them, loads them, asks for leases and "
    "judges each. *Ended*: with `end_all` after it, each in a step of its own that writes its "
    "event and its indexes, and a line of the log each. Archiving comes later and is the "
    "database's time. Medians. The slowest command is the longest in Redis's SLOWLOG over all of "
    f"that, {LIVES} calls from start to finish, the queue, a page of sessions, the house's figures "
    "and a piece of the reconciler's walk through keys and indexes."
)
MISSED = "Redis has one thread and so has the reaper; what else runs on the machine slows both."

_FILL = """
local wanted, index = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local now = redis.call('TIME')[1] * 1000
for i, id in ipairs(wanted.ids) do
  local n = wanted.first + i
  local scope, user, voice = 'key_' .. n % 1000, 'user-' .. n, n % 2 == 0
  local session, accepted = wanted.sessions[i], now - n % 600000
  redis.call('HSET', session, 'id', id, 'channel', voice and 'voice' or 'text', 'scope', scope,
    'userName', user, 'state', 'ready', 'generation', voice and 1 or 0, 'owned', voice and 1 or 0,
    'owner', wanted.owner, 'requestHash', wanted.hash, 'correlationId', 'req_0123456789abcdef',
    'accepted', accepted, 'activeAt', now, 'expiresAt', now + 36000000, 'queueUntil', now,
    'claimed', now, 'claimedAt', now, 'worker', 'sessions@host', 'taskId', wanted.task)
  redis.call('PEXPIRE', session, 14400000)
  if voice then redis.call('SET', wanted.leases[i], wanted.owner, 'PX', 14400000) end
  redis.call('ZADD', index.deadlines, now + 7200000 + n, id)
  redis.call('ZADD', index.live, accepted, id)
  redis.call('ZADD', index.states, index.ready, id)
  redis.call('ZADD', index.scope[1] .. scope .. index.scope[2], accepted, id)
  redis.call('ZADD', index.user[1] .. scope .. ':' .. user .. index.user[2], accepted, id)
end
"""


def measure(house: House) -> list[Row]:
    """Fill a Redis, let sessions become due in it, and reap them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        own = OwnRedis(Path(folder))
        with own.up(), _quiet():
            settings = settings_with(
                **{**house.settings.model_dump(), "redis_url": own.url, "worker_lost_seconds": 3600}
            )
            context = Context.of(settings)
            try:
                return _measure(context)
            finally:
                context.redis.close()


def _measure(context: Context) -> list[Row]:
    redis = context.redis
    redis.config_set("appendonly", "no")
    ids = _fill(redis)
    now = context.store.now()
    context.fleet.report(WorkerRecord("sessions@bench", "bench", 1, "boot", "0", 3, 3, now))
    redis.config_set("slowlog-max-len", 100_000)
    redis.config_set("slowlog-log-slower-than", 100)
    redis.slowlog_reset()
    found, ended = zip(*(_reap(context, ids[n::ROUNDS]) for n in range(ROUNDS)), strict=True)
    for _ in range(LIVES):
        _live(context)
    _look_around(context)
    slowest = max(cast("list[Any]", redis.slowlog_get(100_000)), key=lambda one: one["duration"])
    print(f"slowest: {slowest['duration'] / 1000:.2f} ms {slowest['command'][:60]!r}")
    return [
        Row(f"find {DUE:,} due among {SESSIONS:,}", "ms", median(found), goal=Goal(at_most=50)),
        Row(f"find and end {DUE:,} due among {SESSIONS:,}", "ms", median(ended)),
        Row("slowest Redis command", "ms", slowest["duration"] / 1000, goal=Goal(at_most=5)),
    ]


def _fill(redis: Redis) -> list[str]:
    """Make the sessions, and return their ids."""
    script = redis.register_script(_FILL)
    index = {
        "deadlines": keys.DEADLINES,
        "live": keys.LIVE,
        "states": keys.STATES,
        "ready": STATE_SCORES[State.READY],
        "scope": keys.scope_sessions("|").split("|"),
        "user": keys.user_sessions("|", "").replace("|:", "|").split("|"),
    }
    common = {"owner": owner_of(1), "hash": "0" * 64, "task": new_session_id()}
    made: list[str] = []
    for first in range(0, SESSIONS, _CHUNK):
        ids = [new_session_id() for _ in range(min(_CHUNK, SESSIONS - first))]
        own = [SessionKeys.of(session_id) for session_id in ids]
        names = {"sessions": [one.session for one in own], "leases": [one.lease for one in own]}
        wanted = {**common, **names, "ids": ids, "first": first}
        script(args=[json.dumps(wanted), json.dumps(index)])
        made += ids
    return made


def _reap(context: Context, ids: list[str]) -> tuple[float, float]:
    """Let some of these become due, and return how many ms it took to find and to end them."""
    due = ids[:: len(ids) // DUE][:DUE]
    with context.redis.pipeline(transaction=False) as pipeline:
        for session_id in due:
            own = SessionKeys.of(session_id)
            # Whoever is in writing has no lease, and is left; a call has been waiting for too long.
            if context.redis.exists(own.lease):
                pipeline.hset(own.session, mapping={"state": "queued", "owned": 0, "queueUntil": 1})
                pipeline.delete(own.lease)
                pipeline.zadd(keys.QUEUE, {session_id: 1})
                pipeline.zadd(keys.STATES, {session_id: STATE_SCORES[State.QUEUED]})
            else:
                pipeline.hset(own.session, "activeAt", 1)
            pipeline.zadd(keys.DEADLINES, {session_id: 1})
        pipeline.execute()
    started = time.perf_counter()
    found, seen = take_due(context)
    judged = time.perf_counter()
    end_all(context, found)
    ended = time.perf_counter()
    assert seen == len([one for one in found if isinstance(one.verdict, Reason)]) == len(due)
    assert context.directory.next_deadline() is not None
    for session_id in due:
        context.redis.zrem(keys.DEADLINES, session_id)
    return (judged - started) * 1000, (ended - started) * 1000


def _live(context: Context) -> None:
    """Make a call, and end it."""
    actor = Actor(context.store)
    session_id = actor.ready()
    context.store.renew(session_id, 1, owner_of(1))
    context.store.emit(session_id, "agent_state", {"state": "listening"}, generation=1)
    context.store.begin_ending(session_id, Reason.USER_LEFT)
    context.store.release(session_id, owner_of(1))
    session = context.directory.load(session_id)
    assert session is not None
    assert context.store.finish(session) is None


def _look_around(context: Context) -> None:
    """Ask what pages, figures and upkeep ask."""
    directory = context.directory
    directory.count_by_state()
    directory.oldest_waiting()
    directory.load_many(directory.newest(None, None, 200))
    directory.newest(None, None, 200, 20_000)
    context.figures.read()
    for _ in range(20):
        Actor(context.store).queued()
    look_after_queue(context)
    mend_indexes(context)


@contextmanager
def _quiet() -> Iterator[None]:
    """Have the log written as ever, but to nobody."""
    before = structlog.get_config()
    with Path("/dev/null").open("w", encoding="utf-8") as nobody:
        structlog.configure(
            processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.PrintLoggerFactory(nobody),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**before)
