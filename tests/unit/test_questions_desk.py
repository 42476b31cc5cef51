"""A question is asked once, answered once, and never left without an answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.errors import LimitReachedError, SessionOverError
from sessions.events import EventLog
from sessions.history import read_history, read_latest
from sessions.keys import SessionKeys
from sessions.models import Session
from sessions.questions.attendance import Attendance
from sessions.questions.desk import Desk
from sessions.questions.tasks import TaskRequest
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.questions import answer_to, question
from tests.support.sessions import Actor


@pytest.fixture
def desk(redis: Redis, settings: Settings) -> Desk:
    return Desk(redis, settings)


@pytest.fixture
def written(actor: Actor, directory: Directory) -> Session:
    """A session in writing."""
    session = directory.load(actor.text())
    assert session is not None
    return session


@pytest.fixture
def called(actor: Actor, directory: Directory) -> Session:
    """A call whose agent is ready."""
    session = directory.load(actor.ready())
    assert session is not None
    return session


def asked(desk: Desk, session: Session, **fields: object) -> TaskRequest:
    request = question(session.id)
    desk.ask(session, request, **fields)  # pyright: ignore[reportArgumentType]
    return request


def types(redis: Redis, session_id: str) -> list[str]:
    return [event.type for event in EventLog(redis).read(session_id)]


def commands(redis: Redis, session_id: str) -> list[tuple[str, dict[str, object]]]:
    found = redis.xrange(SessionKeys.of(session_id).control)
    entries = cast("list[tuple[str, dict[str, str]]]", found)
    return [(f["command"], json.loads(f["data"])) for _, f in entries]


def test_ask_when_answered_then_turns_and_events_are_in_order_and_every_key_has_a_ttl(
    desk: Desk, written: Session, redis: Redis
) -> None:
    request = asked(desk, written)
    assert desk.count_open() == 1
    assert desk.answer(answer_to(request.correlation_id))
    assert desk.count_open() == 0
    assert types(redis, written.id)[-2:] == ["transcript", "agent_response"]
    turns = read_history(redis, written.id)
    assert [(turn.role, turn.text) for turn in turns] == [
        ("user", "When do you open?"),
        ("assistant", "At nine."),
    ]
    assert [turn.text for turn in read_latest(redis, written.id, 1)] == ["At nine."]
    found = desk.get(request.correlation_id)
    assert found is not None
    assert found.response is not None
    assert found.response.result.session_id == written.id
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter())


def test_answer_when_given_many_times_at_once_then_one_counts(
    desk: Desk, written: Session, redis: Redis
) -> None:
    request = asked(desk, written)
    with ThreadPoolExecutor(8) as threads:
        answers = [answer_to(request.correlation_id, f"Answer {n}.") for n in range(16)]
        first = list(threads.map(desk.answer, answers))
    assert first.count(True) == 1
    assert types(redis, written.id).count("agent_response") == 1
    assert len(read_history(redis, written.id)) == 2
    found = desk.get(request.correlation_id)
    assert found is not None
    assert found.response is not None
    assert found.response.result.response == f"Answer {first.index(True)}."


def test_answer_when_it_names_another_session_then_the_one_that_asked_is_told(
    desk: Desk, written: Session, called: Session, redis: Redis
) -> None:
    request = asked(desk, written)
    assert desk.answer(answer_to(request.correlation_id, session_id=called.id))
    assert "agent_response" not in types(redis, called.id)
    event = EventLog(redis).read(written.id)[-1]
    assert (event.type, event.data["session_id"]) == ("agent_response", written.id)


def test_answer_when_nobody_asked_then_nothing_happens(desk: Desk, redis: Redis) -> None:
    assert not desk.answer(answer_to("chat_nothing"))
    nobody = answer_to("x").model_copy(update={"correlation_id": None})
    assert not desk.answer(nobody)
    assert list(redis.scan_iter()) == []


def test_answer_when_the_session_has_gone_then_it_is_kept_and_nothing_comes_back_to_life(
    desk: Desk, written: Session, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    request = asked(desk, written)
    store.begin_ending(written.id, Reason.ENDED_BY_API)
    session = directory.load(written.id)
    assert session is not None
    assert store.finish(session) is None
    assert desk.answer(answer_to(request.correlation_id))
    assert types(redis, written.id)[-1] == "session_ended"
    left = {key for key in redis.scan_iter() if written.id in key}
    assert left == {SessionKeys.of(written.id).events}
    found = desk.get(request.correlation_id)
    assert found is not None
    assert found.response is not None


@pytest.mark.parametrize("speak", [True, False])
def test_answer_when_in_a_call_then_its_agent_is_told_once_and_whether_to_say_it(
    desk: Desk, called: Session, written: Session, redis: Redis, speak: bool
) -> None:
    request, silent = asked(desk, called, speak=speak), asked(desk, written, speak=True)
    for one in (request, request, silent):
        desk.answer(answer_to(one.correlation_id))
    told = {
        "text": "At nine.",
        "question": "When do you open?",
        "correlation_id": request.correlation_id,
        "aloud": speak,
    }
    assert commands(redis, called.id) == [("say", told)]
    assert commands(redis, written.id) == []


def test_ask_when_the_session_is_ending_or_gone_then_it_is_refused_and_nothing_stays(
    desk: Desk, written: Session, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    store.begin_ending(written.id, Reason.ENDED_BY_API)
    with pytest.raises(SessionOverError, match="is ending"):
        asked(desk, written)
    session = directory.load(written.id)
    assert session is not None
    store.finish(session)
    with pytest.raises(SessionOverError, match="has ended"):
        asked(desk, written)
    assert list(redis.scan_iter("question*")) == []


def test_ask_when_a_minute_has_had_enough_then_the_next_one_may_again(
    make_settings: MakeSettings, written: Session, redis: Redis
) -> None:
    desk = Desk(redis, make_settings(limit_questions_per_minute=2))
    key = SessionKeys.of(written.id).session
    for _ in range(2):
        asked(desk, written)
    redis.hset(key, "chatMinute", redis.time()[0] // 60)
    redis.hset(key, "chatCount", 2)
    with pytest.raises(LimitReachedError) as refused:
        asked(desk, written)
    assert 1 <= refused.value.retry_after <= 60
    redis.hset(key, "chatMinute", 1)
    asked(desk, written)


def test_ask_when_the_session_is_in_writing_then_it_is_idle_only_after_that(
    desk: Desk, written: Session, redis: Redis, settings: Settings
) -> None:
    redis.zadd(keys.DEADLINES, {written.id: 1})
    asked(desk, written)
    due = redis.zscore(keys.DEADLINES, written.id)
    now = desk.now()
    assert due is not None
    assert abs(due - now - settings.idle_timeout_seconds * 1000) < 5_000


def test_overdue_when_unanswered_then_comes_again_after_twice_as_long(
    desk: Desk, written: Session, redis: Redis
) -> None:
    request, answered = asked(desk, written), asked(desk, written)
    assert desk.overdue() == []
    desk.answer(answer_to(answered.correlation_id))
    redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: 1, answered.correlation_id: 1})
    redis.zadd(keys.OPEN_QUESTIONS, {"chat_gone": 1})
    (found,) = desk.overdue()
    assert found.request == request
    assert desk.overdue() == []
    desk.sent_again(found)
    due = redis.zscore(keys.OPEN_QUESTIONS, request.correlation_id)
    assert due is not None
    assert abs(due - desk.now() - 10_000) < 3_000
    assert desk.count_open() == 1
    redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: 1})
    assert [one.sends for one in desk.overdue()] == [2]


def test_overdue_when_a_question_cannot_be_read_then_the_others_come(
    desk: Desk, written: Session, redis: Redis
) -> None:
    broken, fine = asked(desk, written), asked(desk, written)
    redis.hset(keys.question(broken.correlation_id), "request", "{}")
    redis.zadd(keys.OPEN_QUESTIONS, {broken.correlation_id: 1, fine.correlation_id: 2})
    assert [one.correlation_id for one in desk.overdue()] == [fine.correlation_id]


def test_attendance_when_a_worker_is_silent_then_it_does_not_count(
    redis: Redis, settings: Settings
) -> None:
    attendance = Attendance(redis, settings)
    assert attendance.count() == 0
    redis.zadd(keys.ANSWERERS, {"dead@a": 1})
    assert attendance.count() == 0
    attendance.attend("upkeep@a")
    attendance.attend("upkeep@b")
    assert (attendance.count(), redis.zcard(keys.ANSWERERS)) == (2, 2)
    attendance.leave("upkeep@a")
    assert attendance.count() == 1


def test_answer_when_each_names_other_models_then_the_session_does_not_grow_without_end(
    desk: Desk, written: Session, redis: Redis, directory: Directory
) -> None:
    for number in range(15):
        models = [
            {"slot": "llm", "provider": "p", "model": f"{number}-{n}", "requests": 1, "modelMs": 1}
            for n in range(8)
        ]
        for name in ("inputTokens", "outputTokens", "characters", "audioMs"):
            models = [{**model, name: 1} for model in models]
        answer = answer_to(asked(desk, written).correlation_id)
        assert desk.answer(answer.model_copy(update={"usage": {"models": models}}))
    assert redis.hlen(SessionKeys.of(written.id).session) == 500
    found = directory.load(written.id)
    assert found is not None
    assert found.usage.models
