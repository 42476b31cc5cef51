"""The parts of the Kafka transport that need no broker."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from sessions.questions.tasks import TaskRequest, TaskResponse
from sessions.settings import Settings
from tests.support.kafka import PATIENCE, echo, question
from tests.support.ports import free_port
from tests.support.settings import settings_with
from workers.kafka import clients, producer
from workers.kafka.clients import client_config
from workers.kafka.lanes import Lanes
from workers.kafka.ledger import Ledger
from workers.kafka.producer import QuestionSender
from workers.kafka.reading import Unreadable, read_request, read_response
from workers.kafka.remembered import Remembered
from workers.kafka.topics import Names, wanted_topics
from workers.sending import SendError


def message(value: bytes | None) -> Message:
    """Return a message as it is read."""
    return Message(topic="t", partition=0, offset=0, value=value)


@given(st.integers(1, 12).flatmap(lambda n: st.permutations(range(n))))
def test_ledger_when_messages_end_in_any_order_then_commits_up_to_the_first_undone(
    order: list[int],
) -> None:
    ledger, done, committed = Ledger(), set[int](), -1
    for offset in sorted(order):
        ledger.take(offset)
        assert ledger.begin()
    for offset in order:
        ledger.done(offset)
        done.add(offset)
        wanted = next((o for o in sorted(order) if o not in done), len(order))
        assert ledger.to_commit() == (None if wanted == committed else wanted)
        assert ledger.to_commit() is None
        committed = wanted
    ledger.forget_commit()
    assert ledger.to_commit() == len(order)
    assert len(ledger) == 0


def test_ledger_when_closed_then_begins_nothing_and_waits_for_what_has_begun() -> None:
    ledger = Ledger()
    assert ledger.to_commit() is None
    for offset in (5, 6):
        ledger.take(offset)
    assert ledger.begin()
    ledger.close()
    assert not ledger.begin()
    assert not ledger.wait(time.monotonic() + 0.01)
    threading.Timer(0.05, ledger.done, [5]).start()
    assert ledger.wait(time.monotonic() + PATIENCE)
    assert ledger.to_commit() == 6


def test_lanes_when_of_one_key_then_are_one_at_a_time_and_in_order() -> None:
    lanes, seen, busy = Lanes(4), dict[bytes, list[int]](), dict[bytes, int]()
    ended = threading.Semaphore(0)

    def job(key: bytes, number: int) -> None:
        busy[key] = busy.get(key, 0) + 1
        assert busy[key] == 1
        time.sleep(0.001)
        seen.setdefault(key, []).append(number)
        busy[key] -= 1
        ended.release()

    for number in range(20):
        for key in (b"a", b"b", b"c"):
            lanes.put(key, lambda key=key, number=number: job(key, number))
    for _ in range(60):
        assert ended.acquire(timeout=PATIENCE)
    lanes.close()
    assert seen == {key: list(range(20)) for key in (b"a", b"b", b"c")}


def test_remembered_when_full_then_forgets_the_oldest_and_takes_nothing_too_long() -> None:
    remembered = Remembered(10)
    one, two, three = (echo(question(correlation_id=name)) for name in ("one", "two", "three"))
    remembered.keep(one, b"12345")
    remembered.keep(two, b"12345")
    remembered.keep(three, b"123456")
    remembered.keep(TaskResponse.failure(None, None, sentence="", error=""), b"1")
    remembered.keep(one, b"12345678901")
    assert remembered.get("one") is None
    assert remembered.get("three") == b"123456"


def test_message_when_it_is_as_written_then_is_read_back() -> None:
    request = question()
    assert read_request(message(request.model_dump_json().encode())) == request
    response = echo(request)
    assert read_response(message(response.model_dump_json().encode())) == response


@pytest.mark.parametrize(
    ("value", "correlation_id"),
    [
        (None, None),
        (b"\xff\x00 no JSON", None),
        (b'{"correlation_id": 7}', None),
        (b'{"correlation_id": ""}', None),
        (b'["correlation_id"]', None),
        (b"[" * 100_000, None),
        (b'{"correlation_id": "chat_1", "payload": {"message": "a secret"}}', "chat_1"),
    ],
    ids=["empty", "bytes", "number", "blank", "list", "deep", "incomplete"],
)
def test_message_when_unreadable_then_the_reason_quotes_nothing_of_it(
    value: bytes | None, correlation_id: str | None
) -> None:
    found = read_request(message(value))
    assert isinstance(found, Unreadable)
    assert found.correlation_id == correlation_id
    assert found.reason
    assert "secret" not in found.reason


@given(st.binary(max_size=200))
def test_message_when_it_is_any_bytes_then_reading_it_raises_nothing(value: bytes) -> None:
    assert isinstance(read_request(message(value)), TaskRequest | Unreadable)
    assert isinstance(read_response(message(value)), TaskResponse | Unreadable)


def test_names_when_there_is_a_prefix_then_all_have_it() -> None:
    settings = settings_with(kafka_prefix="my.house-")
    assert wanted_topics(settings) == [
        "my.house-task_requests.general_info",
        "my.house-task_requests.human_handoff",
        "my.house-task_requests.small_talk",
        "my.house-task_responses",
        "my.house-task_dead_letters",
    ]
    names = Names.of(settings)
    assert names.every_request == r"^my\.house\-task_requests\..*"
    assert (names.bridges, names.relays) == (
        "my.house-switchboard-bridge",
        "my.house-switchboard-relay",
    )


def test_topics_when_the_user_has_intents_then_there_is_one_for_each(tmp_path: Path) -> None:
    table = tmp_path / "intents.toml"
    table.write_text('[opening_hours]\nphrases = ["When do you open?"]\n')
    assert "task_requests.opening_hours" in wanted_topics(settings_with(intents_file=table))


def test_settings_when_a_user_is_asked_for_then_needs_one() -> None:
    for missing in ({}, {"kafka_user": "ann"}, {"kafka_password": "secret"}):
        with pytest.raises(ValidationError, match="needs kafka_user and kafka_password"):
            settings_with(kafka_security_protocol="sasl_ssl", **missing)


def test_client_when_secured_then_is_told_how(tmp_path: Path) -> None:
    settings = settings_with(
        kafka_security_protocol="sasl_ssl",
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_user="ann",
        kafka_password="secret",
        kafka_ca_file=tmp_path / "ca.pem",
    )
    config = client_config(settings, "bridge")
    assert config["security.protocol"] == "sasl_ssl"
    assert config["sasl.mechanism"] == "SCRAM-SHA-256"
    assert (config["sasl.username"], config["sasl.password"]) == ("ann", "secret")
    assert config["ssl.ca.location"] == str(tmp_path / "ca.pem")
    assert not [name for name in client_config(settings_with(), "bridge") if "sasl" in name]


def test_sender_when_its_queue_is_full_then_says_so_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "_ROOM", 2)
    sender = QuestionSender(nowhere())
    sender.send(question())
    sender.send(question())
    with pytest.raises(SendError, match="full"):
        sender.send(question())
    assert sender.close(0) == 2


def test_sender_when_the_broker_does_not_come_then_drops_the_question_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "_GIVE_UP_SECONDS", 0.1)
    sender, request = QuestionSender(nowhere()), question()
    with capture_logs() as logs:
        sender.send(request)
        assert sender.close(PATIENCE) == 0
    told = [(line["event"], line["correlation_id"]) for line in logs]
    assert told == [("question_not_sent", request.correlation_id)]
    assert request.payload.message not in str(logs)


def test_logs_of_librdkafka_when_the_same_again_then_are_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("librdkafka")
    monkeypatch.setattr(log, "filters", [clients.Calm()])
    for attempt in range(5):
        log.error("FAIL [relay#consumer-%d] Connection refused (after %dms)", attempt, attempt)
    log.error("FAIL [relay#consumer-1] SASL authentication error")
    assert len(caplog.records) == 2


def nowhere() -> Settings:
    """Return the settings of a house whose broker is not there."""
    return settings_with(kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
