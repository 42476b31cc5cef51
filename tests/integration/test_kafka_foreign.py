"""A bridge in another language works by the two schemas alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from redis import Redis

from sessions.events import EventLog
from sessions.models import Session
from sessions.questions.desk import Desk
from sessions.questions.tasks import TaskResponse
from sessions.settings import Settings
from sessions.states import Channel
from sessions.store import SessionStore
from tests.fixtures.kafka import jars
from tests.support.eventually import eventually
from tests.support.kafka import PATIENCE, Wire, in_thread, question
from tests.support.processes import ROOT, running
from tests.support.sessions import new_session
from workers.kafka.producer import QuestionSender
from workers.kafka.relay import Relay

SOURCE = ROOT / "tests/support/foreign/Bridge.java"


def schema(name: str) -> Any:
    """Return one of the schemas that we publish."""
    return json.loads((ROOT / f"docs/schemas/{name}.json").read_text())


def test_bridge_when_written_in_java_then_its_answer_reaches_the_session(
    wire: Wire, kafka_settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    session = SessionStore(redis, kafka_settings).create(new_session(channel=Channel.TEXT))
    assert isinstance(session, Session)
    request = question(session.id, "Où est la gare ?")
    desk, sender = Desk(redis, kafka_settings), QuestionSender(kafka_settings)
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*", SOURCE]
    with (
        in_thread(Relay(kafka_settings, redis, desk.answer).run),
        running("java", [*command, wire.servers, wire.prefix], tmp_path / "java.log", wire.is_made),
    ):
        desk.ask(session, request)
        sender.send(request)

        def response() -> TaskResponse | None:
            asked = desk.get(request.correlation_id)
            return asked.response if asked else None

        answer = eventually(response, PATIENCE, "the answer")
        [sent] = wire.read("task_requests.general_info", 1)
        [answered] = wire.read("task_responses", 1)
    assert sender.close(PATIENCE) == 0
    assert answer
    assert answer.result.response == "Java heard: Où est la gare ?"
    assert answer.result.sources == ["Bridge.java"]
    [event] = [e for e in EventLog(redis).read(session.id) if e.type == "agent_response"]
    assert event.data["response"] == "Java heard: Où est la gare ?"
    assert sent.key() == answered.key() == session.id.encode()
    jsonschema.validate(json.loads(sent.value() or b""), schema("task_request"))
    jsonschema.validate(json.loads(answered.value() or b""), schema("task_response"))
