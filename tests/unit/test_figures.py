"""The figures of the house: what the verbs count and time, and what everybody else adds."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.errors import LimitReachedError
from sessions.figures import BOUNDS_MS, TTL_MS, Figures
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.support.sessions import Actor, new_session


@pytest.fixture
def figures(redis: Redis) -> Figures:
    return Figures(redis)


def test_count_when_repeated_then_adds_up_and_has_a_ttl(figures: Figures, redis: Redis) -> None:
    figures.count("webhooks:session.ready:delivered")
    figures.count("webhooks:session.ready:delivered", 2)
    assert figures.read().counters == {("webhooks", "session.ready", "delivered"): 3}
    assert 0 < redis.pttl(keys.FIGURES) <= TTL_MS


@pytest.mark.parametrize(
    ("ms", "bound"),
    [(0, "10"), (-5, "10"), (10, "10"), (10.6, "25"), (60_000, "60000"), (60_001, "+Inf")],
)
def test_observe_when_python_or_a_verb_does_then_the_same_bucket_counts(
    figures: Figures, actor: Actor, store: SessionStore, ms: float, bound: str
) -> None:
    figures.observe("turn", ms)
    store.emit(actor.ready(), "transcript", {"latency_ms": round(ms)})
    found = figures.read().distributions["turn",]
    assert found.counts == {bound: 2}
    assert found.sum == 2 * max(0, round(ms))


def test_read_when_there_are_buckets_then_they_add_up_to_all(figures: Figures) -> None:
    for ms in (5, 15, 15, 70_000):
        figures.observe("span:a_b", ms)
    buckets = dict(figures.read().distributions["span", "a_b"].cumulative())
    assert len(buckets) == len(BOUNDS_MS) + 1
    assert (buckets["0.01"], buckets["0.025"], buckets["60.0"], buckets["+Inf"]) == (1, 3, 3, 4)


def test_verbs_when_the_first_to_count_then_the_figures_get_a_ttl(
    actor: Actor, redis: Redis
) -> None:
    actor.queued()
    assert 0 < redis.pttl(keys.FIGURES) <= TTL_MS


def test_read_when_the_figures_are_about_to_go_then_keeps_them(
    figures: Figures, redis: Redis
) -> None:
    figures.count("ends")
    redis.pexpire(keys.FIGURES, 10_000)
    figures.read()
    assert redis.pttl(keys.FIGURES) > TTL_MS - 10_000


def test_session_when_it_goes_its_way_then_each_step_is_in_the_figures(
    actor: Actor, store: SessionStore, directory: Directory, figures: Figures
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "caller", {"present": True}, stamps=["userJoined"])
    for _ in range(2):
        store.emit(session_id, "agent_state", {"state": "speaking"}, stamps=["firstAudio"])
    store.emit(session_id, "error", {"code": "provider_error"})
    store.recover(session_id, "agent_died", unless_leased=False)
    actor.claim(session_id, 2)
    store.ready(session_id, 2)
    store.begin_ending(session_id, Reason.USER_LEFT)
    assert directory.count_by_state()[State.ENDING] == 1
    session = directory.load(session_id)
    assert session is not None
    assert store.finish(session) is None
    assert set(directory.count_by_state().values()) == {0}
    reading = figures.read()
    assert reading.counters == {
        ("starts", "voice", "created"): 1,
        ("errors", "event", "kept"): 1,
        ("recoveries", "agent_died"): 1,
        ("ends", "voice", "user_left", "user"): 1,
    }
    assert {labels for labels, _ in reading.distributions.items()} == {
        ("span", "accepted_claimed"),
        ("span", "accepted_ready"),
        ("span", "ready_userJoined"),
        ("span", "userJoined_firstAudio"),
        ("span", "accepted_firstAudio"),
        ("takeover", "agent_died"),
    }
    assert all(sum(one.counts.values()) == 1 for one in reading.distributions.values())


def test_ready_when_the_agent_tells_when_it_joined_then_both_stretches_count(
    actor: Actor, store: SessionStore, figures: Figures
) -> None:
    session_id = actor.starting()
    store.ready(session_id, 1, {"joined": store.now()})
    spans = {labels[1] for labels in figures.read().distributions if labels[0] == "span"}
    assert {"claimed_joined", "joined_ready", "accepted_ready"} <= spans


def test_create_when_refused_then_the_refusal_counts(
    redis: Redis, alive_worker: object, settings: Settings, figures: Figures
) -> None:
    full = SessionStore(redis, settings.model_copy(update={"limit_live_sessions": 1}))
    full.create(new_session())
    with pytest.raises(LimitReachedError):
        full.create(new_session())
    assert figures.read().counters == {
        ("starts", "voice", "created"): 1,
        ("starts", "voice", "limit_total"): 1,
    }


def test_forget_when_a_session_was_lost_then_no_state_counts_it(
    actor: Actor, directory: Directory, redis: Redis
) -> None:
    lost = actor.ready()
    redis.delete(keys.SessionKeys.of(lost).session)
    directory.forget(lost)
    assert set(directory.count_by_state().values()) == {0}
