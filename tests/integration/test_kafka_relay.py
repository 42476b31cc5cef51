"""The relay brings answers from Kafka to whoever asked, and says how Kafka is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from orchestrator.app import create_app
from sessions import keys
from sessions.connections import connect
from sessions.events import EventLog
from sessions.figures import Figures
from sessions.models import Session
from sessions.questions.desk import Desk
from sessions.questions.relaying import RelayReport, read_relay, report_relay
from sessions.questions.tasks import TaskRequest, TaskResponse
from sessions.settings import Settings
from sessions.states import Channel
from sessions.store import SessionStore
from tests.fixtures.kafka import Broker
from tests.support.eventually import eventually
from tests.support.kafka import PATIENCE, Wire, echo, in_thread, question
from tests.support.own_redis import OwnRedis
from tests.support.sessions import new_session
from workers.kafka.bridge import Bridge
from workers.kafka.relay import Relay

RELAYS = "switchboard-relay"
ANSWERS = "task_responses"


def relay(settings: Settings, redis: Redis) -> Relay:
    """Return a relay as the upkeep worker runs it."""
    return Relay(settings, redis, Desk(redis, settings).answer)


def ask(redis: Redis, settings: Settings, text: str = "When do you open?") -> TaskRequest:
    """Ask in a session of its own; return the question, which is not sent."""
    session = SessionStore(redis, settings).create(new_session(channel=Channel.TEXT))
    assert isinstance(session, Session)
    request = question(session.id, text)
    Desk(redis, settings).ask(session, request)
    return request


def send_answer(wire: Wire, request: TaskRequest) -> None:
    """Write the answer to a question, as a bridge does."""
    wire.write(ANSWERS, echo(request).model_dump_json().encode(), b"any key")


def answers_in(redis: Redis, request: TaskRequest) -> list[str]:
    """Return the answers that the session of a question has been told."""
    events = EventLog(redis).read(request.payload.session_id)
    return [event.data["response"] for event in events if event.type == "agent_response"]


def test_answer_when_it_comes_twice_then_the_session_is_told_once(
    wire: Wire, kafka_settings: Settings, redis: Redis
) -> None:
    request = ask(redis, kafka_settings)
    with in_thread(relay(kafka_settings, redis).run):
        eventually(wire.is_made, PATIENCE, "topics")
        send_answer(wire, request)
        send_answer(wire, request)
        eventually(lambda: wire.committed(RELAYS, ANSWERS) == 2, PATIENCE, "both are committed")
    assert answers_in(redis, request) == ["You asked: When do you open?"]


def test_answer_when_unreadable_then_is_a_dead_letter_and_the_next_is_delivered(
    wire: Wire, kafka_settings: Settings, redis: Redis
) -> None:
    request = ask(redis, kafka_settings)
    with in_thread(relay(kafka_settings, redis).run):
        eventually(wire.is_made, PATIENCE, "topics")
        wire.write(ANSWERS, b'{"status": "MAYBE"}', b"any key")
        send_answer(wire, request)
        eventually(lambda: answers_in(redis, request), PATIENCE, "the answer")
        [letter] = wire.read("task_dead_letters", 1)
        eventually(lambda: wire.committed(RELAYS, ANSWERS) == 2, PATIENCE, "both are committed")
    assert letter.value() == b'{"status": "MAYBE"}'
    counters = Figures(redis).read().counters
    assert counters["errors", "answer", "lost"] == 1
    assert counters["questions", "kafka", "answered"] == 1
    assert (b"topic", wire.topic(ANSWERS).encode()) in [
        (name.encode(), value) for name, value in letter.headers() or []
    ]


@pytest.mark.parametrize("correlation_id", [None, "chat_of_nobody"])
def test_answer_when_to_no_question_of_ours_then_changes_nothing(
    wire: Wire, kafka_settings: Settings, redis: Redis, correlation_id: str | None
) -> None:
    stray = TaskResponse.failure(correlation_id, None, sentence="Sorry.", error="unreadable")
    with in_thread(relay(kafka_settings, redis).run):
        eventually(wire.is_made, PATIENCE, "topics")
        wire.write(ANSWERS, stray.model_dump_json().encode())
        eventually(lambda: wire.committed(RELAYS, ANSWERS) == 1, PATIENCE, "it is committed")
    assert wire.read("task_dead_letters", 0, 0.1) == []


def test_answer_when_the_desk_cannot_take_it_then_is_a_dead_letter(
    wire: Wire, kafka_settings: Settings, redis: Redis
) -> None:
    def refuse(_response: TaskResponse) -> bool:
        raise ValueError("not this one")

    with in_thread(Relay(kafka_settings, redis, refuse).run):
        eventually(wire.is_made, PATIENCE, "topics")
        send_answer(wire, question())
        wire.read("task_dead_letters", 1)
        eventually(lambda: wire.committed(RELAYS, ANSWERS) == 1, PATIENCE, "it is committed")


def test_answer_when_redis_is_away_then_waits_and_is_delivered(
    wire: Wire, kafka_settings: Settings, own_redis: OwnRedis
) -> None:
    settings = kafka_settings.model_copy(update={"redis_url": own_redis.url})
    with own_redis.up():
        redis = connect(settings)
        request = ask(redis, settings)
        with in_thread(relay(settings, redis).run):
            eventually(lambda: read_relay(redis), PATIENCE, "the relay")
            with own_redis.away():
                send_answer(wire, request)
                wire.read(ANSWERS, 1)
                assert wire.committed(RELAYS, ANSWERS) == 0
            eventually(lambda: answers_in(redis, request), PATIENCE, "the answer")
            eventually(lambda: wire.committed(RELAYS, ANSWERS) == 1, PATIENCE, "it is committed")
        redis.close()


def test_relay_when_it_ends_while_redis_is_away_then_the_next_delivers(
    wire: Wire, kafka_settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    request = ask(redis, kafka_settings)
    nowhere = connect(kafka_settings.model_copy(update={"redis_url": f"unix://{tmp_path}/none"}))
    with in_thread(relay(kafka_settings, nowhere).run):
        eventually(wire.is_made, PATIENCE, "topics")
        send_answer(wire, request)
        wire.read(ANSWERS, 1)
    assert wire.committed(RELAYS, ANSWERS) == 0
    with in_thread(relay(kafka_settings, redis).run):
        eventually(lambda: answers_in(redis, request), PATIENCE, "the answer")


def test_state_when_things_come_and_go_then_is_in_redis_and_in_ready(
    kafka: Broker, kafka_settings: Settings, redis: Redis
) -> None:
    client = create_app(kafka_settings).test_client()

    def checks() -> dict[str, str]:
        found = client.get("/ready").get_json()["checks"]
        return {
            check["name"]: check["detail"]
            for check in found
            if check["name"] in {"kafka", "bridge"} and not check["ok"]
        }

    def until(check: Callable[[], object], what: str) -> None:
        eventually(check, PATIENCE, what)

    assert "No relay is alive" in checks()["kafka"]
    with in_thread(relay(kafka_settings, redis).run):
        until(lambda: list(checks()) == ["bridge"], "kafka is there, and no bridge")
        assert "Start `switchboard bridge`" in checks()["bridge"]
        with in_thread(Bridge(kafka_settings, echo).run):
            until(lambda: checks() == {}, "all is there")
            assert 0 < redis.pttl(keys.RELAY) <= 10_000
        until(lambda: list(checks()) == ["bridge"], "the bridge has said goodbye")
        with kafka.away():
            until(lambda: "Kafka does not answer at" in checks().get("kafka", ""), "away")
        until(lambda: "kafka" not in checks(), "kafka is there again")


def test_report_when_written_then_is_read_and_has_a_ttl(redis: Redis) -> None:
    assert read_relay(redis) is None
    report = RelayReport("Connection refused", 0)
    report_relay(redis, report)
    assert read_relay(redis) == report
    assert redis.pttl(keys.RELAY) > 0
