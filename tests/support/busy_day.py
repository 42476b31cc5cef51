"""How does a house look that has had a busy day, and has calls now?"""

from __future__ import annotations

import random

from sqlalchemy import Engine

from sessions import keys
from sessions.archive import Archive, ArchivedSession
from sessions.figures import Figures
from sessions.fleet import Fleet, WorkerRecord
from sessions.ids import new_session_id
from sessions.questions.attendance import Attendance
from sessions.samples import STRETCH_MS, Samples
from sessions.settings import Settings
from sessions.states import Channel, Reason
from sessions.store import SessionStore
from tests.support.sessions import Actor

_HOUR_MS = 3600 * 1000
_ENDS = (Reason.USER_LEFT,) * 12 + (Reason.ENDED_BY_API,) * 4 + (Reason.IDLE_TIMEOUT,) * 3
_TROUBLE = (Reason.MAX_DURATION, Reason.JOIN_TIMEOUT, Reason.PROVIDER_ERROR, Reason.RECOVERY_FAILED)
_VOICES = ("Ashley", "Craig", "Olivia", "Priya")
_TALKS = {
    "Ada": "Can I bring the bicycle back on Monday?",
    "Grace": "The brakes make a noise since yesterday.",
    "Linus": "What does it cost to rent one for a week?",
    "Margaret": "My parcel has not arrived yet.",
    "Katherine": "Do you also sell child seats?",
    "Edsger": "Is the workshop open on Saturday?",
    "Barbara": "I would like to talk to a person, please.",
    "Alan": "How long is the warranty of the battery?",
}


def had_a_day(store: SessionStore, engine: Engine, hours: int = 24, seed: int = 7) -> None:
    """Let the last hours have been: ends in the archive, and samples of the figures."""
    chance, now = random.Random(seed), store.now()
    archive, samples = Archive(engine), Samples(store.redis)
    for hours_ago in range(hours):
        for _ in range(chance.randint(3, 9) + (8 if hours_ago < 10 else 0)):
            ended = now - hours_ago * _HOUR_MS - chance.randrange(_HOUR_MS)
            archive.save(_ended(chance, ended), [])
    for at in range(now - hours * _HOUR_MS, now - STRETCH_MS, STRETCH_MS):
        _observe(store, chance, 8)
        samples.take(at)


def is_busy(store: SessionStore, settings: Settings, seed: int = 7) -> list[str]:
    """Let all be well, and callers talk, wait, or have lost their agent; return their ids."""
    chance, actor = random.Random(seed), Actor(store)
    for name, busy in (("sessions@east", 5), ("sessions@west", 4)):
        host = name.partition("@")[2]
        record = WorkerRecord(name, host, 1, "boot", "0.1.0", 5, busy, store.now())
        Fleet(store.redis, settings).report(record)
    Attendance(store.redis, settings).attend("upkeep@east")
    store.redis.set(keys.BEAT_LOCK, "beat", px=_HOUR_MS)
    store.redis.set(keys.REAPED, store.now(), px=_HOUR_MS)
    ids = [actor.ready(user=user) for user in _TALKS]
    lost = actor.recovering(user="Niklaus")
    for session_id in (*ids, lost):
        names = keys.SessionKeys.of(session_id)
        began = store.now() - chance.randrange(5_000, 200_000)
        store.redis.hset(names.session, "accepted", began)
        store.redis.hset(names.config, "voiceId", chance.choice(_VOICES))
    for session_id, words in zip(ids, _TALKS.values(), strict=True):
        data = {"speaker": "caller", "text": words, "final": True}
        store.emit(session_id, "transcript", data)
    _observe(store, chance, 200)
    return [*ids, lost, *(actor.queued(user=user) for user in ("Ken", "Joan"))]


def _observe(store: SessionStore, chance: random.Random, count: int) -> None:
    figures = Figures(store.redis)
    for _ in range(count):
        figures.observe("span:accepted_ready", chance.gauss(320, 60))
        figures.observe("turn", chance.gauss(850, 220))


def _ended(chance: random.Random, ended_at: int) -> ArchivedSession:
    reason = chance.choice(_TROUBLE if chance.random() < 0.06 else _ENDS)
    return ArchivedSession(
        id=new_session_id(),
        scope="local",
        user_name=chance.choice(list(_TALKS)),
        channel=Channel.VOICE,
        reason=reason,
        fault=reason.fault,
        detail=None,
        generation=1,
        recoveries=0,
        worker="sessions@east",
        accepted_at=ended_at - chance.randrange(30_000, 400_000),
        ended_at=ended_at,
        config={},
        timeline={},
        transcript=[],
    )
