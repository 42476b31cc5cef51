"""What is announced reaches its endpoint, signed, whatever the endpoint or the stores do."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import httpcore
import pytest
from redis import Redis
from sqlalchemy.exc import OperationalError
from standardwebhooks.webhooks import WebhookVerificationError

from sessions import keys
from sessions.connections import connect, connect_blocking
from sessions.figures import Figures
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from sessions.webhooks.deliveries import Deliveries
from sessions.webhooks.delivery import Delivery, Status, Which
from sessions.webhooks.endpoints import Endpoint
from sessions.webhooks.events import WebhookEvent
from tests.fixtures.redis import MakeSettings
from tests.support.clocks import HandClock
from tests.support.eventually import eventually
from tests.support.kafka import in_thread
from tests.support.own_redis import OwnRedis
from tests.support.receiver import CERTIFICATE, Receiver, Reply, receiving
from tests.support.sessions import SCOPE, Actor
from workers.context import Context
from workers.upkeep.finishing import finish
from workers.webhooks.posting import Poster
from workers.webhooks.relay import Relay
from workers.webhooks.sender import SWITCHED_OFF, Sender

HOUR = 3600 * 1000
TIMEOUT = 1.0


@dataclass
class Office:
    """Relay and sender of one upkeep worker, turned by hand."""

    deliveries: Deliveries
    sender: Sender
    relay: Relay
    clock: HandClock

    @classmethod
    def of(cls, context: Context, redis: Redis, clock: HandClock) -> Office:
        deliveries, settings = context.deliveries, context.settings
        deliveries.now = clock
        sender = Sender(
            settings, context.endpoints, deliveries, Poster(settings), Figures(context.redis)
        )
        relay = Relay(redis, context.endpoints, deliveries, context.archive, sender.ring)
        return cls(deliveries, sender, relay, clock)

    def deliver(self) -> list[Delivery]:
        """Write down what is announced, send what is due, and return all deliveries."""
        self.relay.turn(0.001)
        with ThreadPoolExecutor(4) as pool:
            self.sender.turn(pool)
        return self.deliveries.list(Which(), 100)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Have both work beside the test."""
        with in_thread(self.relay.run), in_thread(self.sender.run):
            yield


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(webhook_private_addresses=True, webhook_timeout_seconds=TIMEOUT)


@pytest.fixture
def office(context: Context, redis: Redis) -> Office:
    return Office.of(context, redis, HandClock(time.time_ns() // 1_000_000))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def endpoint(context: Context, receiver: Receiver) -> Endpoint:
    """An endpoint for all events of the scope of the tests."""
    return context.endpoints.add(SCOPE, receiver.url)[0]


def secret_of(context: Context, endpoint: Endpoint) -> str:
    return context.endpoints.secrets(endpoint.id)[0]


def failures_of(context: Context, endpoint: Endpoint) -> int:
    found = context.endpoints.find(endpoint.id)
    assert found is not None
    return found.failures


def end(context: Context, session_id: str, reason: Reason = Reason.IDLE_TIMEOUT) -> None:
    context.store.begin_ending(session_id, reason)
    session = context.directory.load(session_id)
    assert session is not None
    finish(context, session)


def connect_to_address(address: tuple[str, int], *args: Any, **_: Any) -> socket.socket:
    """Connect as `socket.create_connection` does, without looking any name up."""
    connection = socket.socket()
    connection.settimeout(args[0] if args else None)
    connection.connect(address)
    return connection


def test_session_when_it_ends_then_the_endpoint_is_told_signed_and_without_prompt_or_token(
    office: Office, context: Context, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    session_id = actor.text(webhooks=True, aliases=["order-7"])
    end(context, session_id)
    found = office.deliver()
    assert [one.status for one in found] == [Status.DELIVERED] * 2
    told = {
        body["type"]: (message, body)
        for message in receiver.messages
        for body in [message.opened_with(secret_of(context, endpoint))]
    }
    message, body = told["session.ended"]
    archived = context.archive.load(session_id)
    assert archived is not None
    data = body["data"]
    assert (data["session_id"], data["aliases"]) == (session_id, ["order-7"])
    assert (data["user_name"], data["channel"]) == ("Ada", "text")
    assert (data["reason"], data["fault"]) == ("idle_timeout", "user")
    expected = round((archived.ended_at - archived.accepted_at) / 1000, 3)
    assert data["duration_seconds"] == expected
    assert data["usage"] == archived.usage
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert message.headers[":path"] == "/hook?room=1"
    assert told["session.ready"][1]["data"]["session_id"] == session_id
    for one in receiver.messages:
        assert b"Be brief" not in one.body
        with pytest.raises(WebhookVerificationError):
            one.opened_with("whsec_" + "A" * 43)
    counters = Figures(context.redis).read().counters
    assert counters["webhooks", "session.ended", "delivered"] == 1


def test_session_when_only_others_are_to_be_told_then_nothing_is_written(
    office: Office, context: Context, receiver: Receiver, actor: Actor
) -> None:
    context.endpoints.add("key_other", receiver.url)
    context.endpoints.add(SCOPE, receiver.url, [WebhookEvent.ENDED])
    actor.text(webhooks=True)
    assert office.deliver() == []
    assert context.redis.xlen(keys.OUTBOX) == 0


def test_secret_when_changed_then_both_open_the_message(
    office: Office, context: Context, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    old = secret_of(context, endpoint)
    new = context.endpoints.rotate(endpoint.id)
    assert new is not None
    actor.text(webhooks=True)
    office.deliver()
    (message,) = receiver.messages
    assert message.opened_with(old) == message.opened_with(new)


def test_endpoint_when_it_fails_for_a_while_then_gets_the_same_message_later(
    office: Office, context: Context, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    answers = iter([Reply(500), Reply(404), Reply(204)])
    receiver.answer = lambda _message: next(answers)
    actor.text(webhooks=True)
    (first,) = office.deliver()
    assert (first.status, first.attempts, first.last_status) == (Status.PENDING, 1, 500)
    assert 4_000 <= first.next_at - office.clock() <= 6_000
    assert len(office.deliver()) == len(receiver.messages) == 1
    office.clock.forward(6_000)
    (second,) = office.deliver()
    assert (second.attempts, second.last_error) == (2, "answered 404")
    assert 16_000 <= second.next_at - office.clock() <= 24_000
    assert failures_of(context, endpoint) == 2
    office.clock.forward(24_000)
    (third,) = office.deliver()
    assert (third.status, third.last_error) == (Status.DELIVERED, None)
    assert failures_of(context, endpoint) == 0
    assert len(set(receiver.ids)) == 1
    assert len({message.body for message in receiver.messages}) == 1
    counters = Figures(context.redis).read().counters
    assert counters["webhooks", "session.ready", "retried"] == 2


def test_endpoint_when_nobody_answers_for_a_day_then_the_delivery_has_failed_until_replayed(
    office: Office, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    receiver.answer = lambda _message: Reply(503)
    actor.text(webhooks=True)
    (found,) = office.deliver()
    while found.status is Status.PENDING:
        office.clock.forward(found.next_at - office.clock())
        (found,) = office.deliver()
    assert found.status is Status.FAILED
    assert office.clock() == found.created_at + 24 * HOUR
    assert 10 <= found.attempts <= 14
    receiver.answer = lambda _message: Reply()
    office.deliveries.replay(Which(id=found.id))
    (again,) = office.deliver()
    assert again.status is Status.DELIVERED
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("in ten minutes", 600),
        ("soon", 0),
        ("-5", 0),
        ("9" * 40, 24 * 3600),
        (f"Mon, 01 Jan {'9' * 40} 00:00:00 GMT", 0),
    ],
    ids=["seconds", "date", "words", "negative", "for ever", "no date"],
)
def test_endpoint_when_it_asks_for_time_then_is_left_alone_so_long(
    office: Office, endpoint: Endpoint, receiver: Receiver, actor: Actor, header: str, seconds: int
) -> None:
    if header == "in ten minutes":
        header = formatdate(time.time() + seconds, usegmt=True)
    receiver.answer = lambda _message: Reply(429, {"Retry-After": header})
    actor.text(webhooks=True)
    (found,) = office.deliver()
    assert found.last_status == 429
    waits = (found.next_at - office.clock()) / 1000
    assert max(4, seconds - 30) <= waits <= max(6, seconds)


def test_endpoint_when_gone_then_is_switched_off_and_told_nothing_more(
    office: Office, context: Context, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    receiver.answer = lambda _message: Reply(500)
    actor.text(webhooks=True)
    office.deliver()
    receiver.answer = lambda _message: Reply(410)
    actor.text(webhooks=True)
    found = office.deliver()
    assert {one.status for one in found} == {Status.FAILED}
    assert {one.last_error for one in found} == {"answered 410", SWITCHED_OFF}
    switched = context.endpoints.find(endpoint.id)
    assert switched is not None
    assert switched.off_at is not None
    actor.text(webhooks=True)
    assert len(office.deliver()) == len(receiver.messages) == 2
    assert office.deliveries.replay(Which(status=Status.FAILED)) == 2
    assert {one.last_error for one in office.deliver()} == {SWITCHED_OFF}
    assert len(receiver.messages) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_endpoint_when_it_redirects_then_nobody_follows(
    office: Office, endpoint: Endpoint, receiver: Receiver, actor: Actor, status: int
) -> None:
    with receiving() as elsewhere:
        receiver.answer = lambda _message: Reply(status, {"Location": elsewhere.url})
        actor.text(webhooks=True)
        (found,) = office.deliver()
        assert elsewhere.messages == []
    assert found.status is Status.PENDING
    assert found.last_error == f"answered {status}, and redirects are not followed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_endpoint_when_its_address_is_private_then_nothing_is_sent(
    make_settings: MakeSettings, receiver: Receiver, host: str
) -> None:
    poster = Poster(make_settings())
    outcome = poster.post(f"http://{host}:{receiver.port}/", {}, "{}")
    assert outcome.error.startswith("refused: ")
    assert receiver.messages == []


def test_endpoint_when_its_name_changes_its_address_then_the_one_checked_counts(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses, tried = iter(["8.8.8.8", "127.0.0.1"]), list[str]()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (next(addresses), 80))]

    def connect_to(_backend: object, host: str, *_: object) -> None:
        tried.append(host)
        raise httpcore.ConnectError("Nobody there.")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect_to)
    outcome = Poster(make_settings()).post("http://twice.example/", {}, "{}")
    assert outcome.error == "ConnectError: Nobody there."
    assert tried == ["8.8.8.8"]


def test_endpoint_when_without_tls_in_production_then_nothing_is_sent(
    make_settings: MakeSettings, receiver: Receiver
) -> None:
    poster = Poster(make_settings(mode="production", livekit_api_secret="x" * 40))
    assert "must begin with https" in poster.post(receiver.url, {}, "{}").error
    assert receiver.messages == []


@pytest.mark.parametrize("host", ["hooks.test", "other.test"])
def test_endpoint_when_over_tls_then_the_name_is_checked_although_an_address_is_connected_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with receiving(tls=True) as receiver:
        with monkeypatch.context() as patched:
            patched.setattr("sessions.webhooks.addresses.socket.getaddrinfo", look_up)
            patched.setattr(socket, "create_connection", connect_to_address)
            outcome = Poster(settings).post(f"https://{host}:{receiver.port}/hook", {}, "{}")
        assert receiver.asked_for == [host]
        if host == "hooks.test":
            assert outcome.delivered
            assert receiver.messages[0].headers["host"] == f"hooks.test:{receiver.port}"
        else:
            assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
            assert receiver.messages == []


@pytest.mark.parametrize("way", ["hangs", "drips", "is not there"])
def test_endpoint_when_it_does_not_answer_then_the_attempt_ends_in_time(
    settings: Settings, receiver: Receiver, way: str
) -> None:
    receiver.answer = receiver.hang if way == "hangs" else lambda _message: Reply(drips=True)
    url = "http://127.0.0.1:1024/" if way == "is not there" else receiver.url
    began = time.monotonic()
    outcome = Poster(settings).post(url, {}, "{}")
    assert not outcome.delivered
    assert outcome.status is None
    assert time.monotonic() - began < TIMEOUT + 3


def test_endpoint_when_it_hangs_then_the_others_are_told_and_it_has_one_thread_from_then_on(
    context: Context, redis: Redis, settings: Settings, receiver: Receiver, actor: Actor
) -> None:
    with receiving() as good:
        receiver.answer = receiver.hang
        bad_one, _ = context.endpoints.add("key_bad", receiver.url)
        context.endpoints.add("key_good", good.url)
        blocking = connect_blocking(settings, 2)
        office = Office.of(context, blocking, HandClock(time.time_ns() // 1_000_000))
        for _ in range(12):
            actor.text(webhooks=True, scope="key_bad")
        with office.at_work():
            eventually(lambda: len(receiver.messages) == 3, 10, "it has as many as it may")
            for _ in range(20):
                actor.text(webhooks=True, scope="key_good")
            eventually(lambda: len(set(good.ids)) == 20, 10, "the others are told")
            eventually(lambda: failures_of(context, bad_one) >= 3, 10, "its attempts fail")
        blocking.close()
    assert len(good.messages) == 20
    assert len(receiver.messages) <= 3 + 3


def test_outbox_when_the_database_is_away_then_keeps_what_is_announced(
    office: Office,
    context: Context,
    endpoint: Endpoint,
    receiver: Receiver,
    actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, OSError("the disk is gone"))

    actor.text(webhooks=True)
    with monkeypatch.context() as patched:
        patched.setattr("sessions.webhooks.deliveries.Deliveries.write", away)
        with in_thread(office.relay.run):
            time.sleep(0.3)
            assert context.redis.xlen(keys.OUTBOX) == 1
    (found,) = office.deliver()
    assert found.status is Status.DELIVERED
    assert context.redis.xlen(keys.OUTBOX) == 0


def test_outbox_when_the_relay_ends_between_writing_and_removing_then_nothing_is_doubled(
    office: Office,
    context: Context,
    endpoint: Endpoint,
    receiver: Receiver,
    actor: Actor,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    actor.text(webhooks=True)
    with monkeypatch.context() as patched:
        patched.setattr(type(redis), "xdel", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            office.relay.turn(0.001)
    assert context.redis.xlen(keys.OUTBOX) == 1
    office.deliver()
    assert len(office.deliver()) == len(receiver.messages) == 1


def test_outbox_when_an_entry_is_none_of_ours_then_does_not_hold_the_others_up(
    office: Office, context: Context, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    context.redis.xadd(keys.OUTBOX, {"type": "session.exploded", "scope": SCOPE})
    actor.text(webhooks=True)
    assert len(office.deliver()) == 1
    assert context.redis.xlen(keys.OUTBOX) == 0


def test_outbox_when_redis_goes_and_comes_back_then_what_happens_is_told(
    settings: Settings, own_redis: OwnRedis, receiver: Receiver
) -> None:
    changed = settings.model_copy(update={"redis_url": own_redis.url})
    with own_redis.up():
        parts = Context.of(changed)
        parts.endpoints.add(SCOPE, receiver.url)
        office = Office.of(
            parts, connect_blocking(changed, 2), HandClock(time.time_ns() // 1_000_000)
        )
        with office.at_work():
            with own_redis.away():
                time.sleep(0.3)
            actor = Actor(SessionStore(connect(changed), changed))
            actor.text(webhooks=True)
            eventually(lambda: receiver.messages, 15, "the endpoint is told")


def test_sender_when_the_database_forgets_the_outcome_then_sends_again_under_the_same_id(
    office: Office,
    context: Context,
    endpoint: Endpoint,
    receiver: Receiver,
    actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So does a worker that is killed between sending and saying so."""
    actor.text(webhooks=True)
    with monkeypatch.context() as patched:
        patched.setattr("sessions.webhooks.deliveries.Deliveries.settle", lambda *_, **__: 1 / 0)
        office.deliver()
    office.clock.forward(round(TIMEOUT * 6000) + 1)
    (found,) = office.deliver()
    assert (found.status, found.attempts) == (Status.DELIVERED, 2)
    assert len(receiver.messages) == 2
    assert len(set(receiver.ids)) == 1


def test_senders_when_there_are_several_then_each_message_is_sent_once(
    context: Context, redis: Redis, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    for _ in range(30):
        actor.text(webhooks=True)
    clock = HandClock(time.time_ns() // 1_000_000)
    blocking = [connect_blocking(context.settings, 2) for _ in range(2)]
    offices = [Office.of(context, one, clock) for one in blocking]
    with offices[0].at_work(), offices[1].at_work():
        eventually(lambda: len(set(receiver.ids)) == 30, 15, "all are told")
    assert len(receiver.messages) == 30
    for one in blocking:
        one.close()


def test_message_when_read_then_is_what_standard_webhooks_says(
    office: Office, endpoint: Endpoint, receiver: Receiver, actor: Actor
) -> None:
    actor.text(webhooks=True)
    office.deliver()
    (message,) = receiver.messages
    body: dict[str, Any] = json.loads(message.body)
    assert body.keys() == {"type", "timestamp", "data"}
    assert body["timestamp"].endswith("Z")
    assert message.id.startswith("msg_")
    assert abs(int(message.headers["webhook-timestamp"]) - time.time()) < 60
