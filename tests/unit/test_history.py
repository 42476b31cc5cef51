"""What has been said in a session so far?"""

from __future__ import annotations

from redis import Redis

from sessions.history import read_history
from sessions.ids import new_session_id
from sessions.store import SessionStore
from tests.support.sessions import Actor


def test_history_when_both_have_spoken_then_holds_the_turns_in_order(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    before = store.now()
    said = [
        {"role": "assistant", "text": "Hello.", "generation": 1, "interrupted": True},
        {"role": "user", "text": "Hi."},
    ]
    for turn in said:
        store.emit(session_id, "transcript", {}, turn=turn)
    first, second = read_history(redis, session_id)
    assert before - 5 <= first.at <= second.at
    assert first.to_json() == {**said[0], "at": first.at}
    assert second.to_json() == {**said[1], "at": second.at, "generation": 0, "interrupted": False}


def test_history_when_long_then_is_whole_and_no_single_command_reads_all_of_it(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    texts = [str(number) for number in range(401)]
    for text in texts:
        store.emit(session_id, "transcript", {}, turn={"role": "user", "text": text})
    redis.config_resetstat()
    assert [turn.text for turn in read_history(redis, session_id)] == texts
    assert redis.info("commandstats")["cmdstat_xrange"]["calls"] == 3


def test_history_when_another_agent_takes_over_then_stays(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "transcript", {}, generation=1, turn={"role": "user", "text": "One"})
    store.recover(session_id, "crash", unless_leased=False)
    store.emit(session_id, "transcript", {}, generation=2, turn={"role": "user", "text": "Two"})
    assert [turn.text for turn in read_history(redis, session_id)] == ["One", "Two"]


def test_history_when_an_event_has_no_turn_then_does_not_grow(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "transcript", {"final": False})
    assert read_history(redis, session_id) == []
    assert read_history(redis, new_session_id()) == []
