"""Whoever answers: what becomes of a question that arrives, fails, is late, or never arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from agents.knowledge.answers import Answer, Question
from sessions import keys
from sessions.directory import Directory
from sessions.errors import KnowledgeError, ProviderError
from sessions.events import EventLog
from sessions.models import Session
from sessions.questions.desk import FIRST_RESEND_SECONDS
from sessions.questions.tasks import Status, TaskRequest, to_json
from sessions.settings import Settings
from tests.support.questions import answer_to, question
from tests.support.sessions import Actor
from workers import answering, answers
from workers.answering import answer_request
from workers.app import ANSWER_QUESTION, app, send_question
from workers.context import Context
from workers.sending import Sender
from workers.upkeep import resending
from workers.upkeep.resending import resend


class Scripted:
    """An answerer that does what it is told."""

    def __init__(self, outcome: Answer | Exception) -> None:
        self.outcome = outcome
        self.asked: list[Question] = []

    def answer(self, asked: Question) -> Answer:
        self.asked.append(asked)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def context(redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    parts = Context.of(settings)
    monkeypatch.setattr(answers, "get_context", lambda: parts)
    yield parts
    parts.redis.close()


@pytest.fixture
def session(actor: Actor, directory: Directory) -> Session:
    found = directory.load(actor.text())
    assert found is not None
    return found


def answered_by(monkeypatch: pytest.MonkeyPatch, outcome: Answer | Exception) -> Scripted:
    scripted = Scripted(outcome)
    monkeypatch.setattr(answering, "answerer", lambda: scripted)
    return scripted


def told(redis: Redis, session_id: str) -> list[dict[str, Any]]:
    events = EventLog(redis).read(session_id)
    return [dict(event.data) for event in events if event.type == "agent_response"]


GOOD = Answer("At nine.", ("hours.md",), False, ("book_a_visit",))


def test_task_when_a_question_comes_twice_then_it_is_answered_once(
    context: Context, session: Session, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = answered_by(monkeypatch, GOOD)
    request = question(session.id, knowledge="ours")
    context.desk.ask(session, request)
    for _ in range(2):
        answers.answer_question(dict(to_json(request)))
    (asked,) = scripted.asked
    assert (asked.message, asked.knowledge) == ("When do you open?", "ours")
    (event,) = told(redis, session.id)
    assert (event["response"], event["sources"]) == ("At nine.", ["hours.md"])
    assert event["suggested_actions"] == ["book_a_visit"]


def test_task_when_nobody_asked_then_nothing_is_answered(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = answered_by(monkeypatch, GOOD)
    answers.answer_question(dict(to_json(question("session_1753590741399_k3f9a0z81qxe"))))
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("error", "named", "sentence"),
    [
        (ProviderError("no embeddings at 127.0.0.1"), "provider_error", answering.AWAY),
        (KnowledgeError("no base of that name"), "knowledge", answering.FAILED),
        (ZeroDivisionError("a secret"), "ZeroDivisionError", answering.FAILED),
    ],
)
def test_task_when_it_fails_then_the_caller_is_told_and_the_session_is_kept(
    context: Context,
    session: Session,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    named: str,
    sentence: str,
) -> None:
    answered_by(monkeypatch, error)
    request = question(session.id)
    context.desk.ask(session, request)
    with capture_logs() as lines:
        answers.answer_question(dict(to_json(request)))
    assert "question_failed" in [line["event"] for line in lines]
    found = context.desk.get(request.correlation_id)
    assert found is not None
    assert found.response is not None
    result = found.response.result
    assert found.response.status is Status.ERROR
    assert (result.session_id, result.response) == (session.id, sentence)
    # Whoever chats reads it: where a provider is, is nobody's business.
    assert result.error == named
    (event,) = told(redis, session.id)
    assert event["requires_human_handoff"] is True
    assert event["suggested_actions"] == ["try_again_later"]


def test_answer_when_asked_without_redis_then_it_is_given(
    monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    answered_by(monkeypatch, GOOD)
    request = question(session.id)
    response = answer_request(request)
    assert response.correlation_id == request.correlation_id
    assert (response.status, response.result.session_id) == (Status.SUCCESS, session.id)


@pytest.fixture
def resent(monkeypatch: pytest.MonkeyPatch) -> list[TaskRequest]:
    requests: list[TaskRequest] = []

    def send(request: TaskRequest, _transport: object) -> bool:
        requests.append(request)
        return True

    monkeypatch.setattr(resending, "send_question", send)
    return requests


def test_resend_when_a_message_was_lost_then_it_is_sent_again_later_and_later(
    context: Context, session: Session, redis: Redis, resent: list[TaskRequest]
) -> None:
    request = question(session.id)
    context.desk.ask(session, request)
    assert (resend(context), resent) == (0, [])
    redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: 1})
    assert (resend(context), resent) == (1, [request])
    due = redis.zscore(keys.OPEN_QUESTIONS, request.correlation_id)
    assert due is not None
    assert due - context.desk.now() > FIRST_RESEND_SECONDS * 1000
    assert resend(context) == 0


def test_resend_when_a_question_waited_too_long_then_it_gets_an_error_and_no_other_answer(
    context: Context, session: Session, redis: Redis, resent: list[TaskRequest]
) -> None:
    request = question(session.id)
    context.desk.ask(session, request)
    redis.hset(keys.question(request.correlation_id), "asked", context.desk.now() - 30_001)
    redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: 1})
    resend(context)
    assert resent == []
    (event,) = told(redis, session.id)
    assert event["response"] == resending.NOBODY_ANSWERED
    assert (event["session_id"], event["requires_human_handoff"]) == (session.id, True)
    assert not context.desk.answer(answer_to(request.correlation_id))
    assert len(told(redis, session.id)) == 1
    assert context.desk.count_open() == 0


def test_resend_when_one_cannot_be_settled_then_the_others_are(
    context: Context, session: Session, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [question(session.id) for _ in range(3)]
    for n, request in enumerate(requests):
        context.desk.ask(session, request)
        redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: n})
    sent: list[TaskRequest] = []

    def send(request: TaskRequest, _transport: object) -> bool:
        if request == requests[0]:
            raise OSError("no more threads")
        sent.append(request)
        return True

    monkeypatch.setattr(resending, "send_question", send)
    resend(context)
    assert sent == requests[1:]


@pytest.mark.usefixtures("broker")
def test_send_when_the_queue_is_watched_then_what_was_asked_is_not_shown(redis: Redis) -> None:
    request = question("session_1753590741399_k3f9a0z81qxe", "My PIN is 1234.")
    assert send_question(request)
    (message,) = [json.loads(entry) for entry in redis.lrange("answers", 0, -1)]
    assert message["headers"]["task"] == ANSWER_QUESTION
    assert message["headers"]["argsrepr"] == request.correlation_id
    assert "PIN" not in json.dumps(message["headers"])


def test_send_when_the_broker_is_away_then_it_says_so_and_nothing_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("workers.app._sender", Sender(app))
    assert send_question(question("session_1753590741399_k3f9a0z81qxe")) is False
