"""What the house does with a session: end, recover, finish, look after, name, tell, configure."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.errors import StaleGenerationError, UnknownSessionError
from sessions.events import EventLog
from sessions.history import read_history
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.models import Session
from sessions.outcomes import AliasTaken, Refusal
from sessions.settings import Settings
from sessions.states import Fault, Reason, State
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.sessions import Actor, config_for, owner_of


def load(directory: Directory, session_id: str) -> Session:
    session = directory.load(session_id)
    assert session is not None
    return session


@pytest.mark.parametrize("reason", list(Reason))
def test_ending_when_begun_then_keeps_reason_and_fault(
    actor: Actor, store: SessionStore, directory: Directory, event_log: EventLog, reason: Reason
) -> None:
    session_id = actor.queued()
    assert store.begin_ending(session_id, reason, detail="because") is None
    session = load(directory, session_id)
    assert session.state is State.ENDING
    assert (session.reason, session.fault, session.detail) == (reason, reason.fault, "because")
    assert event_log.read(session_id)[-1].data == {
        "session_id": session_id,
        "state": "ending",
        "previous": "queued",
        "generation": 1,
        "reason": reason,
        "fault": reason.fault,
    }


def test_ending_when_begun_twice_then_the_first_reason_stands(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.ready()
    store.begin_ending(session_id, Reason.USER_LEFT, fault=Fault.PLATFORM)
    assert store.begin_ending(session_id, Reason.ENDED_BY_API) == Refusal("state")
    session = load(directory, session_id)
    assert (session.reason, session.fault) == (Reason.USER_LEFT, Fault.PLATFORM)


def test_ending_when_asked_by_an_agent_that_is_over_then_is_refused(
    actor: Actor, store: SessionStore
) -> None:
    ended = store.begin_ending(actor.recovering(), Reason.AGENT_ERROR, generation=1)
    assert ended == Refusal("stale")
    assert store.begin_ending(new_session_id(), Reason.USER_LEFT) == Refusal("gone")


def test_ending_when_an_agent_talks_then_waits_for_it_else_is_due_at_once(
    actor: Actor, store: SessionStore
) -> None:
    talking, waiting = actor.ready(), actor.queued()
    store.begin_ending(talking, Reason.ENDED_BY_API)
    store.begin_ending(waiting, Reason.ENDED_BY_API)
    assert store.due() == [waiting]


def test_recover_when_ready_then_asks_for_the_next_generation(
    actor: Actor, store: SessionStore, directory: Directory, event_log: EventLog
) -> None:
    session_id = actor.ready()
    assert store.recover(session_id, "lease_lost", generation=1, unless_leased=False) == 2
    session = load(directory, session_id)
    assert (session.state, session.generation, session.owned_generation) == (State.RECOVERING, 2, 1)
    assert (session.recoveries, session.recovering_since > 0) == (1, True)
    assert directory.leased([session_id]) == [False]
    state, recovering = event_log.read(session_id)[-2:]
    assert (state.data["previous"], state.data["cause"]) == ("ready", "lease_lost")
    assert (recovering.type, recovering.data["generation"]) == ("agent_recovering", 2)
    assert recovering.data["cause"] == "lease_lost"


def test_recover_when_an_agent_dies_in_the_middle_of_words_then_they_become_turns_once(
    actor: Actor, store: SessionStore, redis: Redis, event_log: EventLog
) -> None:
    session_id = actor.ready()
    for kind, text in (("saying", "We open"), ("saying", "We open at"), ("hearing", "No, I")):
        store.emit(session_id, "transcript", {}, generation=1, fields={kind: text})
    assert store.recover(session_id, "agent_died", generation=1, unless_leased=False) == 2
    assert store.recover(session_id, "agent_died", generation=2, unless_leased=False) == 3
    turns = read_history(redis, session_id)
    assert [(t.role, t.text, t.generation) for t in turns] == [
        ("assistant", "We open at", 1),
        ("user", "No, I", 1),
    ]
    assert all(turn.interrupted and turn.cut_off for turn in turns)
    told = [e.data for e in event_log.read(session_id) if e.type == "transcript"]
    finals = [data for data in told if data.get("final")]
    assert [(d["speaker"], d["text"], d["interrupted"]) for d in finals] == [
        ("agent", "We open at", True),
        ("caller", "No, I", True),
    ]
    with pytest.raises(StaleGenerationError):
        store.emit(session_id, "transcript", {}, generation=1, turn={"role": "assistant"})


def test_recover_when_what_was_said_is_written_already_then_nothing_is_added(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "transcript", {}, generation=1, fields={"saying": "We"})
    turn = {"role": "assistant", "text": "We open."}
    store.emit(session_id, "transcript", {}, generation=1, turn=turn, fields={"saying": ""})
    store.recover(session_id, "agent_died", unless_leased=False)
    assert [turn.text for turn in read_history(redis, session_id)] == ["We open."]


def test_settle_when_an_agent_dies_while_its_session_ends_then_its_words_are_kept(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "transcript", {}, generation=1, fields={"saying": "Good"})
    assert store.settle(session_id) == Refusal("state")
    store.begin_ending(session_id, Reason.ENDED_BY_API)
    assert read_history(redis, session_id) == []
    assert store.settle(session_id) is None
    assert store.settle(session_id) is None
    assert [turn.text for turn in read_history(redis, session_id)] == ["Good"]
    assert store.settle(new_session_id()) == Refusal("gone")


def test_recover_when_it_does_not_count_then_never_leads_to_the_end(
    actor: Actor, store: SessionStore, directory: Directory, settings: Settings
) -> None:
    session_id = actor.ready()
    handovers = settings.recoveries_max + 2
    for n in range(handovers):
        assert store.recover(session_id, "handover", unless_leased=False, counts=False) == n + 2
    session = directory.load(session_id)
    assert session is not None
    assert (session.recoveries, session.cause) == (0, "handover")
    assert store.recover(session_id, "agent_died", unless_leased=False) == handovers + 2


def test_recover_when_out_of_place_then_says_why(actor: Actor, store: SessionStore) -> None:
    def recover(session_id: str, generation: int | None = None) -> int | Refusal:
        return store.recover(session_id, "crash", generation=generation, unless_leased=True)

    assert recover(new_session_id()) == Refusal("gone")
    assert recover(actor.queued()) == Refusal("state")
    assert recover(actor.ready()) == Refusal("leased")
    assert recover(actor.ready(), 2) == Refusal("stale")
    ending = actor.ready()
    store.begin_ending(ending, Reason.USER_LEFT)
    assert recover(ending) == Refusal("state")


def test_recover_when_two_ask_for_the_same_crash_then_only_one_gets_a_generation(
    actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready()
    assert store.recover(session_id, "crash", generation=1, unless_leased=False) == 2
    again = store.recover(session_id, "lease_lost", generation=1, unless_leased=False)
    assert again == Refusal("stale")


def test_recover_when_too_often_then_ends_as_recovery_failed(
    redis: Redis, make_settings: MakeSettings, actor: Actor, directory: Directory
) -> None:
    store = SessionStore(redis, make_settings(recoveries_max=2))
    session_id = actor.ready()
    assert store.recover(session_id, "crash", unless_leased=False) == 2
    assert store.recover(session_id, "crash", unless_leased=False) == 3
    assert store.recover(session_id, "crash", unless_leased=False) == Refusal("given_up")
    session = load(directory, session_id)
    assert (session.state, session.generation) == (State.ENDING, 3)
    assert (session.reason, session.fault) == (Reason.RECOVERY_FAILED, Fault.PLATFORM)


def test_recover_when_the_earlier_ones_were_long_ago_then_is_allowed(
    redis: Redis, make_settings: MakeSettings, actor: Actor, directory: Directory
) -> None:
    store = SessionStore(redis, make_settings(recoveries_max=1, recovery_window_seconds=1))
    session_id = actor.ready()
    store.recover(session_id, "crash", unless_leased=False)
    redis.hset(SessionKeys.of(session_id).session, "recoveredAt", store.now() - 1001)
    assert store.recover(session_id, "crash", unless_leased=False) == 3


def test_finish_when_ending_then_leaves_only_the_event_log(
    actor: Actor, store: SessionStore, directory: Directory, event_log: EventLog, redis: Redis
) -> None:
    session_id = actor.ready(aliases=["a", "b"])
    store.emit(session_id, "transcript", {}, turn={"role": "user", "text": "Hi"})
    session = load(directory, session_id)
    store.begin_ending(session_id, Reason.USER_LEFT)
    assert store.finish(session) is None
    events = SessionKeys.of(session_id).events
    left = {keys.WORKERS, keys.worker("sessions@test"), keys.start_rate("local"), events}
    assert set(redis.scan_iter()) == {*left, keys.FIGURES}
    assert 0 < redis.ttl(events) <= 300
    assert event_log.exists(session_id)
    ended, last = event_log.read(session_id)[-2:]
    assert (ended.data["state"], ended.data["previous"]) == ("ended", "ending")
    assert (last.type, last.data) == (
        "session_ended",
        {"session_id": session_id, "reason": "user_left", "fault": "user"},
    )


def test_finish_when_not_ending_or_gone_then_is_refused(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session = load(directory, actor.ready())
    assert store.finish(session) == Refusal("state")
    store.begin_ending(session.id, Reason.USER_LEFT)
    store.finish(session)
    assert store.finish(session) == Refusal("gone")


def test_finish_when_an_alias_has_passed_to_another_session_then_leaves_it_there(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session = load(directory, actor.queued(aliases=["a"]))
    redis.delete(keys.alias("local", "a"))
    other = actor.queued(aliases=["a"])
    store.begin_ending(session.id, Reason.USER_LEFT)
    store.finish(session)
    assert directory.by_alias("local", "a") == other


def test_finished_session_when_a_late_verb_comes_then_nothing_returns(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session = load(directory, actor.ready())
    store.begin_ending(session.id, Reason.USER_LEFT)
    store.finish(session)
    before = sorted(redis.scan_iter())
    with pytest.raises(StaleGenerationError):
        store.emit(session.id, "transcript", {}, generation=1)
    with pytest.raises(StaleGenerationError):
        store.renew(session.id, 1, owner_of(1))
    with pytest.raises(UnknownSessionError):
        store.add_alias(session, "late")
    assert store.write_config(session.id, config_for()) == Refusal("gone")
    assert store.release(session.id, owner_of(1)) == Refusal("gone")
    assert sorted(redis.scan_iter()) == before


def test_due_when_deadlines_pass_then_gives_each_once_the_most_overdue_first(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    first, second, third, _later = (actor.queued() for _ in range(4))
    now = store.now()
    redis.zadd(keys.DEADLINES, {second: now - 2000, first: now - 3000, third: now - 1000})
    assert store.due(limit=2) == [first, second]
    assert store.due() == [third]
    assert store.due() == []


def test_due_when_nobody_settles_it_then_comes_back_after_the_hold(
    actor: Actor, store: SessionStore, redis: Redis, settings: Settings
) -> None:
    session_id = actor.queued()
    redis.zadd(keys.DEADLINES, {session_id: 0})
    before = store.now()
    assert store.due(hold_seconds=7) == [session_id]
    held = redis.zscore(keys.DEADLINES, session_id)
    assert isinstance(held, float)
    assert before + 7000 - 5 <= held <= store.now() + 7000 + 5


def test_alias_when_added_then_leads_to_the_session_and_its_repetition_changes_nothing(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session = load(directory, actor.queued())
    assert store.add_alias(session, "x") is None
    assert store.add_alias(session, "x") is None
    assert directory.by_alias("local", "x") == session.id
    assert directory.aliases(session) == ["x"]
    assert redis.ttl(keys.alias("local", "x")) > 0


def test_alias_when_another_session_has_it_then_tells_which(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    first = actor.queued(aliases=["x"])
    session = load(directory, actor.queued())
    assert store.add_alias(session, "x") == AliasTaken(first)
    assert directory.aliases(session) == []


def test_emit_when_given_a_turn_and_stamps_then_all_are_written_at_once(
    actor: Actor, store: SessionStore, directory: Directory, event_log: EventLog, redis: Redis
) -> None:
    session_id = actor.ready()
    turn = {"role": "assistant", "text": "Grüße\n\x00", "generation": 1}
    event_id = store.emit(
        session_id,
        "transcript",
        {"text": "Grüße\n\x00"},
        generation=1,
        turn=turn,
        stamps=["firstAudio"],
        fields={"queuePosition": "3"},
    )
    last = event_log.read(session_id)[-1]
    assert (last.id, last.type) == (event_id, "transcript")
    assert last.data == {"session_id": session_id, "text": "Grüße\n\x00"}
    assert read_history(redis, session_id)[0].text == "Grüße\n\x00"
    session = load(directory, session_id)
    assert session.timeline["firstAudio"] <= session.active_at
    assert session.queue_position == 3


def test_emit_when_the_generation_is_over_then_writes_nothing(
    actor: Actor, store: SessionStore, event_log: EventLog, redis: Redis
) -> None:
    session_id = actor.recovering()
    before = event_log.last_id(session_id)
    with pytest.raises(StaleGenerationError):
        store.emit(session_id, "transcript", {}, generation=1, turn={"role": "user", "text": "x"})
    assert event_log.last_id(session_id) == before
    assert read_history(redis, session_id) == []


def test_emit_when_a_stamp_is_there_then_the_first_one_stays(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    redis.hset(SessionKeys.of(session_id).session, "userJoined", 5)
    store.emit(session_id, "agent_state", {}, stamps=["userJoined"])
    assert load(directory, session_id).timeline["userJoined"] == 5


def test_config_when_written_then_replaces_every_field_and_keeps_its_ttl(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    name = SessionKeys.of(session_id).config
    redis.hset(name, "left", "over")
    assert store.write_config(session_id, config_for("Bob"), generation=1) is None
    config = directory.config(session_id)
    assert config is not None
    assert config.user_name == "Bob"
    assert not redis.hexists(name, "left")
    assert redis.ttl(name) > 0
    assert store.write_config(session_id, config_for(), generation=2) == Refusal("stale")


def test_begin_ending_when_the_session_has_moved_on_since_it_was_seen_then_is_refused(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    """The reaper's decision may be older than an agent's claim."""
    seen = load(directory, actor.queued())
    store.claim(seen.id, 1, owner_of(1), "w", "task", 1)
    refused = store.begin_ending(seen.id, Reason.QUEUE_TIMEOUT, generation=1, seen=seen)
    assert refused == Refusal("moved")
    assert load(directory, seen.id).state is State.STARTING


def test_recover_when_the_agent_became_ready_since_it_was_seen_then_is_refused(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    seen = load(directory, actor.starting())
    store.ready(seen.id, 1)
    refused = store.recover(seen.id, "start_timeout", unless_leased=False, seen=seen)
    assert refused == Refusal("moved")
