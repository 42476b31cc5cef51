"""The bridge answers what comes over Kafka: once, in order, and nothing is lost."""

from __future__ import annotations

from sessions.settings import Settings
from tests.support.kafka import Wire, echo, in_thread, question
from workers.kafka.bridge import Bridge


def test_bridge_when_asked_then_answers_under_the_session_as_key(
    wire: Wire, kafka_settings: Settings
) -> None:
    request = question()
    with in_thread(Bridge(kafka_settings, echo).run):
        wire.read("task_responses", 0, 0.1)
        wire.ask(request)
        [message] = wire.read("task_responses", 1)
    assert message.key() == request.payload.session_id.encode()
    assert message.value() == echo(request).model_dump_json().encode()
