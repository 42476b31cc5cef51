"""Who waits for an agent, in which order are they served, and what are they told?"""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.creating import NewSession
from sessions.directory import Directory
from sessions.errors import InvalidRequestError, LimitReachedError, QueueFullError
from sessions.events import EventLog
from sessions.fleet import Fleet, WorkerRecord
from sessions.limits import Limits
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.outlook import Outlook, Outlooks
from sessions.requests import StartRequest, parse
from sessions.settings import MAX_PRIORITY, Settings
from sessions.states import Channel, Reason
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.sessions import Actor, new_session, owner_of


def places(event_log: EventLog, session_id: str) -> list[tuple[int, int | None]]:
    """Return what a session has been told of its place."""
    events = [e.data for e in event_log.read(session_id) if e.type == "queue_position"]
    return [(data["position"], data["estimated_wait_ms"]) for data in events]


def test_queue_when_many_arrive_in_one_millisecond_then_keeps_the_order_of_arrival(
    actor: Actor, directory: Directory
) -> None:
    arrived = [actor.queued() for _ in range(60)]
    assert directory.queue() == arrived
    assert directory.positions([arrived[7], "nobody"]) == [8, None]


def test_queue_when_some_are_more_urgent_then_they_come_first_in_their_order(
    actor: Actor, directory: Directory
) -> None:
    usual = [actor.queued(), actor.queued()]
    urgent = [actor.queued(priority=1), actor.queued(priority=1)]
    most = actor.queued(priority=MAX_PRIORITY)
    later = actor.queued()
    assert directory.queue() == [most, *urgent, *usual, later]
    session = directory.load(most)
    assert session is not None
    assert session.priority == MAX_PRIORITY


def test_create_when_done_then_tells_which_place_the_session_has(
    actor: Actor, store: SessionStore
) -> None:
    actor.queued()
    second = store.create(new_session())
    first = store.create(new_session(priority=1))
    text = store.create(new_session(channel=Channel.TEXT))
    assert isinstance(second, Session)
    assert isinstance(first, Session)
    assert isinstance(text, Session)
    assert [s.queue_position for s in (second, first, text)] == [2, 1, 0]


def test_create_when_the_session_says_how_long_it_waits_then_ends_by_that(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    wanted = new_session()
    patient = NewSession(
        wanted.id, wanted.scope, wanted.channel, wanted.config, queue_timeout_seconds=7
    )
    created = store.create(patient)
    assert isinstance(created, Session)
    assert created.queue_until == created.accepted + 7000
    assert redis.zscore(keys.DEADLINES, created.id) == created.queue_until


def test_create_when_as_many_wait_as_may_then_is_refused_until_one_has_gone(
    redis: Redis, make_settings: MakeSettings, alive_worker: WorkerRecord
) -> None:
    store = SessionStore(redis, make_settings(limit_queue_length=2))
    full = Actor(store)
    first, _ = full.queued(), full.queued()
    with pytest.raises(QueueFullError) as caught:
        store.create(new_session())
    assert caught.value.retry_after > 0
    full.text()
    store.begin_ending(first, Reason.ENDED_BY_API)
    full.queued()


def test_pick_when_processes_are_free_then_gives_each_whoever_is_first(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    usual, urgent = actor.queued(), actor.queued(priority=3)
    assert store.pick([]) == urgent
    assert store.pick([]) == usual
    assert store.pick([]) is None
    assert 0 < redis.pttl(keys.OFFERED) <= 3000


def test_pick_when_a_call_has_lost_its_agent_then_it_comes_before_the_queue(
    actor: Actor, store: SessionStore
) -> None:
    waiting = actor.queued(priority=MAX_PRIORITY)
    assert store.pick(["lost:2"]) == "lost:2"
    assert store.pick(["lost:2"]) == waiting
    assert store.pick(["lost:3"]) == "lost:3"


def test_pick_when_what_was_picked_is_claimed_or_ended_then_the_next_is_first(
    actor: Actor, store: SessionStore
) -> None:
    first, second, third = actor.queued(), actor.queued(), actor.queued()
    assert store.pick([]) == first
    actor.claim(first)
    store.begin_ending(second, Reason.ENDED_BY_API)
    assert store.pick([]) == third


def test_pick_when_nobody_claims_what_was_picked_then_it_is_picked_again(
    redis: Redis, make_settings: MakeSettings, alive_worker: WorkerRecord
) -> None:
    store = SessionStore(redis, make_settings(renudge_seconds=0.05))
    session_id = Actor(store).queued()
    assert store.pick([]) == session_id
    eventually(lambda: store.pick([]) == session_id, 20, "it is picked again")


def test_place_when_it_is_news_then_is_told_once(
    actor: Actor, store: SessionStore, event_log: EventLog, directory: Directory
) -> None:
    first, second = actor.queued(), actor.queued()
    assert store.tell_place(second, 0, 1500.5) is None
    assert store.tell_place(second, 0, 1500.5) == Refusal("known")
    store.begin_ending(first, Reason.ENDED_BY_API)
    assert store.tell_place(second, 0, None) is None
    assert places(event_log, second) == [(2, 3001), (1, None)]
    session = directory.load(second)
    assert session is not None
    assert session.queue_position == 1


def test_place_when_a_slot_is_free_for_it_or_it_waits_no_more_then_is_not_told(
    actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    waiting, claimed, ended = actor.queued(), actor.queued(), actor.queued()
    actor.claim(claimed)
    store.begin_ending(ended, Reason.ENDED_BY_API)
    assert store.tell_place(waiting, 1, None) == Refusal("known")
    assert store.tell_place(claimed, 0, None) == Refusal("served")
    assert store.tell_place(ended, 0, None) == Refusal("served")
    assert store.tell_place("session_gone", 0, None) == Refusal("gone")
    assert [places(event_log, one) for one in (waiting, claimed, ended)] == [[], [], []]


@pytest.mark.parametrize(("free", "told"), [(0, [(1, 2000)]), (1, [])])
def test_create_when_no_slot_is_free_then_the_place_is_told_at_once(
    actor: Actor,
    store: SessionStore,
    event_log: EventLog,
    free: int,
    told: list[tuple[int, int | None]],
) -> None:
    plain = new_session()
    new = NewSession(
        plain.id, plain.scope, plain.channel, plain.config, outlook=Outlook(free, 2000.0)
    )
    assert isinstance(store.create(new), Session)
    assert places(event_log, new.id) == told


@pytest.mark.parametrize(
    ("limits", "total"), [(Limits(live=1), 0), (Limits(live_per_user=1), 0), (Limits(), 1)]
)
@pytest.mark.parametrize("state", ["queued", "starting", "ready", "recovering"])
def test_limit_when_a_session_begins_to_end_then_its_place_is_free_at_once(
    redis: Redis,
    make_settings: MakeSettings,
    alive_worker: WorkerRecord,
    limits: Limits,
    total: int,
    state: str,
) -> None:
    store = SessionStore(redis, make_settings(limit_live_sessions=total))
    house = Actor(store)
    session_id = getattr(house, state)(limits=limits)
    with pytest.raises(LimitReachedError):
        store.create(new_session(limits=limits))
    assert store.begin_ending(session_id, Reason.CONFIG_ERROR) is None
    another = house.queued(limits=limits)
    # And what has ended for good is not taken off the count a second time.
    found = Directory(redis).load(session_id)
    assert found is not None
    assert store.finish(found) is None
    with pytest.raises(LimitReachedError):
        store.create(new_session(limits=limits))
    assert Directory(redis).load(another) is not None


def test_limit_when_a_call_is_taken_over_too_often_then_its_place_is_free_at_once(
    redis: Redis, make_settings: MakeSettings, alive_worker: WorkerRecord
) -> None:
    store = SessionStore(redis, make_settings(recoveries_max=0))
    session_id = Actor(store).ready(limits=Limits(live=1))
    assert store.recover(session_id, "crash", unless_leased=False) == Refusal("given_up")
    Actor(store).queued(limits=Limits(live=1))


@pytest.fixture
def outlooks(redis: Redis, settings: Settings) -> Outlooks:
    return Outlooks(redis, Fleet(redis, settings))


def test_outlook_when_too_few_calls_have_ended_then_says_that_it_is_unknown(
    redis: Redis, outlooks: Outlooks, alive_worker: WorkerRecord
) -> None:
    redis.rpush(keys.SLOT_TIMES, 1000, 1000)
    assert outlooks.now() == Outlook(alive_worker.free, None)
    assert outlooks.now().wait(alive_worker.free) == 0
    assert outlooks.now().wait(alive_worker.free + 1) is None


def test_outlook_when_calls_have_ended_then_goes_by_how_long_they_held_their_slots(
    redis: Redis, settings: Settings, outlooks: Outlooks, store: SessionStore
) -> None:
    fleet, now = Fleet(redis, settings), store.now()
    fleet.report(WorkerRecord("a", "h", 1, "boot", "0", 3, 3, now))
    fleet.report(WorkerRecord("b", "h", 1, "boot", "0", 9, 0, now, draining=True))
    redis.rpush(keys.SLOT_TIMES, 60_000, 90_000, 120_000)
    assert outlooks.now() == Outlook(0, 30_000)
    assert [outlooks.now().wait(position) for position in (1, 2, 10)] == [30_000, 60_000, 300_000]


def test_outlook_when_no_worker_takes_calls_then_is_unknown(
    redis: Redis, outlooks: Outlooks
) -> None:
    redis.rpush(keys.SLOT_TIMES, 1000, 1000, 1000)
    assert outlooks.now().wait(1) is None


def test_release_when_the_call_ends_then_keeps_how_long_it_held_its_slot(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    handed_over, ended = actor.ready(), actor.ready()
    store.release(handed_over, owner_of(1))
    assert redis.llen(keys.SLOT_TIMES) == 0
    store.begin_ending(ended, Reason.USER_LEFT)
    store.release(ended, owner_of(1))
    [held] = redis.lrange(keys.SLOT_TIMES, 0, -1)
    assert 0 <= int(held) < 60_000
    assert redis.ttl(keys.SLOT_TIMES) > 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", MAX_PRIORITY + 1),
        ("priority", -1),
        ("priority", "high"),
        ("queueTimeoutSeconds", 0),
        ("queueTimeoutSeconds", 3601),
    ],
)
def test_request_when_it_asks_for_too_much_then_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(StartRequest, {"userName": "Ada", field: value})
    assert [problem.field for problem in caught.value.problems] == [field]
