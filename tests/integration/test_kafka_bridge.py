"""The bridge answers what comes over Kafka: in order, several at once, and nothing is lost."""

from __future__ import annotations

import json
import threading
from typing import cast

import pytest
from confluent_kafka import Message
from confluent_kafka.cimpl import NewTopic

from sessions.questions.tasks import TaskRequest, TaskResponse
from sessions.settings import Settings
from tests.fixtures.kafka import Broker
from tests.support.eventually import eventually
from tests.support.kafka import PATIENCE, Counting, Wire, admin, echo, in_thread, question
from workers.kafka import bridge as bridge_module
from workers.kafka import clients
from workers.kafka.bridge import Bridge

BRIDGES = "switchboard-bridge"
GENERAL = "task_requests.general_info"
ANN, BEN = "session_1790000000000_annannannann", "session_1790000000000_benbenbenben"


def headers_of(message: Message) -> dict[str, str]:
    """Return the headers of a message as text."""
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return {name: value.decode() for name, value in headers}


def test_bridge_when_asked_then_answers_under_the_session_as_key(
    wire: Wire, kafka_settings: Settings
) -> None:
    request = question()
    with in_thread(Bridge(kafka_settings, echo).run):
        wire.ask(request)
        [message] = wire.read("task_responses", 1)
    assert message.key() == request.payload.session_id.encode()
    assert message.value() == echo(request).model_dump_json().encode()


def test_topics_when_missing_then_are_made_and_others_left_as_they_are(
    wire: Wire, kafka_settings: Settings
) -> None:
    client = admin(wire.servers)
    client.create_topics([NewTopic(wire.topic(GENERAL), 1, 1)])[wire.topic(GENERAL)].result(
        PATIENCE
    )
    with in_thread(Bridge(kafka_settings, echo).run):

        def partitions() -> dict[str, int]:
            topics = client.list_topics(timeout=PATIENCE).topics
            return {
                name.removeprefix(wire.prefix): len(topic.partitions)
                for name, topic in topics.items()
                if name.startswith(wire.prefix)
            }

        made = eventually(lambda: len(p := partitions()) == 5 and p, PATIENCE, "five topics")
    assert made == {
        GENERAL: 1,
        "task_requests.small_talk": 3,
        "task_requests.human_handoff": 3,
        "task_responses": 3,
        "task_dead_letters": 3,
    }


def test_bridge_when_the_broker_is_away_at_the_start_then_waits_for_it(
    kafka: Broker, wire: Wire, kafka_settings: Settings
) -> None:
    with kafka.away():
        stop = threading.Event()
        thread = threading.Thread(target=Bridge(kafka_settings, echo).run, args=[stop], daemon=True)
        thread.start()
        thread.join(1.5)
        assert thread.is_alive()
    try:
        wire.ask(question())
        wire.answers(1)
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_questions_when_of_one_session_then_are_answered_one_after_the_other(
    wire: Wire, kafka_settings: Settings
) -> None:
    first, second, third = (question(ANN, f"Question {n}?") for n in range(3))
    other = question(BEN)
    answer = Counting()
    answer.open.clear()
    with in_thread(Bridge(kafka_settings, answer).run):
        for request in (first, second, third, other):
            wire.ask(request)
        eventually(lambda: len(answer.ids) == 2, PATIENCE, "one question of each session")
        assert set(answer.ids) == {first.correlation_id, other.correlation_id}
        answer.open.set()
        answers = wire.answers(4)
    of_ann = [a["correlation_id"] for a in answers if a["result"]["session_id"] == ANN]
    assert of_ann == [r.correlation_id for r in (first, second, third)]


def test_offset_when_the_answer_is_not_with_the_broker_yet_then_is_not_committed(
    wire: Wire, kafka_settings: Settings
) -> None:
    answer = Counting()
    answer.open.clear()
    slow, quick = question(ANN), question(BEN)

    def answers(request: TaskRequest) -> TaskResponse:
        return answer(request) if request.payload.session_id == ANN else echo(request)

    with in_thread(Bridge(kafka_settings, answers).run):
        for request in (slow, quick):
            wire.write(
                GENERAL, request.model_dump_json().encode(), request.payload.session_id.encode()
            )
        wire.answers(1)
        assert answer.ids == [slow.correlation_id]
        assert wire.committed(BRIDGES, GENERAL) <= 1
        answer.open.set()
        wire.answers(2)
        eventually(lambda: wire.committed(BRIDGES, GENERAL) == 2, PATIENCE, "both are committed")


def test_question_when_it_comes_twice_then_is_worked_on_once_and_answered_twice(
    wire: Wire, kafka_settings: Settings
) -> None:
    answer, request = Counting(), question()
    with in_thread(Bridge(kafka_settings, answer).run):
        wire.ask(request)
        wire.ask(request)
        one, other = wire.answers(2)
    assert one == other
    assert answer.ids == [request.correlation_id]


@pytest.mark.parametrize(
    ("value", "correlation_id"),
    [
        (b"\xff\x00 no JSON", None),
        (b'{"correlation_id": "chat_1", "task_type": "general_info"}', "chat_1"),
    ],
    ids=["bytes", "incomplete"],
)
def test_question_when_unreadable_then_is_a_dead_letter_and_an_error(
    wire: Wire, kafka_settings: Settings, value: bytes, correlation_id: str | None
) -> None:
    with in_thread(Bridge(kafka_settings, echo).run):
        eventually(wire.is_made, PATIENCE, "topics")
        partition, offset = wire.write(GENERAL, value, b"some key", trace=b"abc")
        [letter] = wire.read("task_dead_letters", 1)
        [reply] = wire.read("task_responses", 1)
        eventually(lambda: wire.committed(BRIDGES, GENERAL) == 1, PATIENCE, "it is committed")
    assert (letter.value() or b"", letter.key()) == (value, b"some key")
    headers = headers_of(letter)
    assert headers.pop("reason")
    assert headers == {
        "topic": wire.topic(GENERAL),
        "partition": str(partition),
        "offset": str(offset),
        "trace": "abc",
    }
    answer = json.loads(reply.value() or b"")
    assert answer["correlation_id"] == correlation_id
    assert answer["status"] == "ERROR"
    assert answer["result"]["session_id"] is None
    assert answer["result"]["requires_human_handoff"] is True
    assert answer["result"]["suggested_actions"] == ["try_again_later"]
    assert reply.key() == b"some key"


def test_question_when_behind_an_unreadable_one_then_is_answered(
    wire: Wire, kafka_settings: Settings
) -> None:
    request = question()
    key = request.payload.session_id.encode()
    with in_thread(Bridge(kafka_settings, echo).run):
        eventually(wire.is_made, PATIENCE, "topics")
        wire.write(GENERAL, b"no question", key)
        wire.ask(request)
        answers = wire.answers(2)
    assert {a["status"] for a in answers} == {"ERROR", "SUCCESS"}


def test_question_when_answering_it_fails_then_the_error_keeps_its_session(
    wire: Wire, kafka_settings: Settings
) -> None:
    def fail(_request: TaskRequest) -> TaskResponse:
        raise RuntimeError("what was said must not be in here")

    request = question()
    with in_thread(Bridge(kafka_settings, fail).run):
        wire.ask(request)
        [answer] = wire.answers(1)
    assert (answer["status"], answer["correlation_id"]) == ("ERROR", request.correlation_id)
    assert answer["result"]["session_id"] == request.payload.session_id
    assert answer["result"]["error"] == "RuntimeError"


def test_topic_when_made_later_then_its_questions_are_answered_too(
    wire: Wire, kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_NEW_TOPIC_MS", 500)
    client = admin(wire.servers)
    request = question(task_type="opening_hours")
    topic = wire.topic("task_requests.opening_hours")
    with in_thread(Bridge(kafka_settings, echo).run):
        wire.ask(first := question())
        wire.answers(1)
        client.create_topics([NewTopic(topic, 1, 1)])[topic].result(PATIENCE)
        wire.ask(request)
        answers = wire.answers(2)
    asked = {first.correlation_id, request.correlation_id}
    assert {answer["correlation_id"] for answer in answers} == asked


def test_bridge_when_it_has_enough_to_do_then_goes_on_afterwards(
    wire: Wire, kafka_settings: Settings
) -> None:
    one_thread = kafka_settings.model_copy(update={"bridge_threads": 1})
    answer = Counting()
    answer.open.clear()
    requests = [question(f"session_1790000000000_{n:012}") for n in range(60)]
    with in_thread(Bridge(one_thread, answer).run):
        for request in requests:
            wire.ask(request)
        eventually(lambda: answer.ids, PATIENCE, "the first has begun")
        answer.open.set()
        answers = wire.answers(60)
    assert {a["correlation_id"] for a in answers} == {r.correlation_id for r in requests}
    assert len(answer.ids) == 60


def test_bridge_when_told_to_end_then_finishes_what_it_has_begun_and_no_more(
    wire: Wire, kafka_settings: Settings
) -> None:
    answer = Counting()
    answer.open.clear()
    begun, waiting = question(ANN, "First?"), question(ANN, "Second?")
    with in_thread(Bridge(kafka_settings, answer).run) as stop:
        wire.ask(begun)
        wire.ask(waiting)
        eventually(lambda: answer.ids, PATIENCE, "the first has begun")
        stop.set()
        threading.Timer(0.5, answer.open.set).start()
    assert [a["correlation_id"] for a in wire.answers(1)] == [begun.correlation_id]
    assert wire.committed(BRIDGES, GENERAL) == 1
    with in_thread(Bridge(kafka_settings, echo).run):
        wire.answers(2)


def test_bridge_when_what_it_has_begun_takes_too_long_then_leaves_it_to_the_next(
    wire: Wire, kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "_HANDOVER_SECONDS", 0.2)
    answer = Counting()
    answer.open.clear()
    with in_thread(Bridge(kafka_settings, answer).run) as stop:
        wire.ask(question())
        eventually(lambda: answer.ids, PATIENCE, "it has begun")
        stop.set()
    assert wire.committed(BRIDGES, GENERAL) == 0
    with in_thread(Bridge(kafka_settings, echo).run):
        wire.answers(1)
    answer.open.set()


def test_bridges_when_one_comes_and_one_goes_then_every_question_is_answered(
    wire: Wire, kafka_settings: Settings
) -> None:
    requests = [question(f"session_1790000000000_{n:012}") for n in range(90)]
    one, other = Counting(), Counting()
    with in_thread(Bridge(kafka_settings, one).run) as stop_one:
        for request in requests[:30]:
            wire.ask(request)
        with in_thread(Bridge(kafka_settings, other).run):
            for request in requests[30:60]:
                wire.ask(request)
            eventually(lambda: len(one.ids) + len(other.ids) >= 60, PATIENCE, "60 are answered")
            stop_one.set()
            for request in requests[60:]:
                wire.ask(request)
            asked = {r.correlation_id for r in requests}
            eventually(lambda: {*one.ids, *other.ids} == asked, PATIENCE, "all are answered")
            eventually(lambda: wire.committed(BRIDGES, GENERAL) == 90, PATIENCE, "all committed")
    assert other.ids
    # Nothing failed, so nothing was done twice: what was begun was finished before it went over.
    assert len(one.ids) + len(other.ids) == 90
