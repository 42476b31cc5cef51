"""What has happened in a session, in order, and where does a reader go on?"""

from __future__ import annotations

import pytest
from redis import Redis

from sessions.errors import InvalidRequestError
from sessions.events import BEGINNING, EventLog, check_event_id, position_of
from sessions.history import read_history
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.sessions import Actor


def emit_many(store: SessionStore, session_id: str, count: int) -> list[str]:
    return [store.emit(session_id, "transcript", {"n": n}) for n in range(count)]


def test_read_when_since_any_event_then_gives_exactly_the_later_ones(
    actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.queued()
    emit_many(store, session_id, 20)
    every = event_log.read(session_id)
    assert len(every) == 21
    for place, event in enumerate(every):
        assert event_log.read(session_id, event.id) == every[place + 1 :]
    assert event_log.read(session_id, BEGINNING, limit=3) == every[:3]
    assert event_log.last_id(session_id) == every[-1].id


def test_ids_when_many_fall_into_one_millisecond_then_still_grow(
    actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.queued()
    emit_many(store, session_id, 200)
    positions = [event.position for event in event_log.read(session_id)]
    assert positions == sorted(set(positions))


def test_read_many_when_of_two_sessions_then_never_mixes_them(
    actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    first, second = actor.queued(), actor.queued()
    since = event_log.last_id(second)
    emit_many(store, first, 2)
    emit_many(store, second, 1)
    found = event_log.read_many({first: BEGINNING, second: since})
    assert [len(found[first]), len(found[second])] == [3, 1]
    for session_id, events in found.items():
        assert {event.data["session_id"] for event in events} == {session_id}


def test_event_when_shown_then_has_the_published_shape(actor: Actor, event_log: EventLog) -> None:
    session_id = actor.queued()
    event = event_log.read(session_id)[0]
    assert event.to_json() == {
        "id": event.id,
        "type": "session_state",
        "data": {"session_id": session_id, "state": "queued", "generation": 1},
    }


def test_log_when_there_is_no_session_then_is_empty(event_log: EventLog) -> None:
    session_id = new_session_id()
    assert event_log.read(session_id) == []
    assert event_log.last_id(session_id) == BEGINNING
    assert not event_log.exists(session_id)


def test_log_when_longer_than_the_cap_then_loses_its_oldest(
    redis: Redis, make_settings: MakeSettings, event_log: EventLog
) -> None:
    actor = Actor(SessionStore(redis, make_settings(event_log_length=100)))
    session_id = actor.text()
    emit_many(actor.store, session_id, 600)
    events = event_log.read(session_id)
    assert 100 <= len(events) <= 300
    assert events[-1].data["n"] == 599


def test_emit_when_done_then_wakes_whoever_subscribed(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.queued()
    with redis.pubsub(ignore_subscribe_messages=True) as ears:
        ears.subscribe(SessionKeys.of(session_id).events)
        eventually(lambda: ears.subscribed)
        ears.get_message(timeout=1)
        event_id = store.emit(session_id, "transcript", {})
        store.begin_ending(session_id, Reason.USER_LEFT)
        heard = [eventually(lambda: ears.get_message(timeout=1)) for _ in range(2)]
    assert heard[0] is not None
    assert heard[0]["data"] == event_id


@pytest.mark.parametrize("text", ["0", "0-0", "1753", "1753590741399-0", "999999999999999-1"])
def test_event_id_when_well_formed_then_is_accepted(
    text: str, event_log: EventLog, actor: Actor
) -> None:
    assert check_event_id(text) == text
    event_log.read(actor.queued(), text)


@pytest.mark.parametrize("text", ["", "-", "+", "$", "1-", "1-2-3", "a", "1" * 16, "１", "1-0\n"])
def test_event_id_when_malformed_then_names_the_field(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_event_id(text)
    assert caught.value.problems[0].field == "since"


def test_position_when_compared_then_orders_by_number_not_by_text() -> None:
    assert position_of("9-2") < position_of("9-10") < position_of("10-0")
    assert position_of("7") == (7, 0)


def test_event_when_sent_again_under_its_number_then_is_written_once(
    actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    """Redis may have run a command whose answer was lost."""
    session_id = actor.ready()
    before = len(event_log.read(session_id))
    for number in (1, 1, 2, 1, 2):
        turn = {"role": "assistant", "text": f"line {number}"}
        store.emit(session_id, "transcript", {}, generation=1, turn=turn, number=number)
    assert len(event_log.read(session_id)) == before + 2
    assert [turn.text for turn in read_history(store.redis, session_id)] == ["line 1", "line 2"]
