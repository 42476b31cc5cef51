"""LiveKit's webhooks: none is believed, each has its session looked at, and no flood does harm."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from livekit import api
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from orchestrator.access import tokens
from sessions import keys
from sessions.counters import drift_counts
from sessions.directory import Directory
from sessions.ids import new_session_id
from sessions.looks import REMEMBERED_SECONDS, Looks
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.support.sessions import Actor
from workers.context import Context
from workers.upkeep import reconciling
from workers.upkeep.reconciling import look_at_reported

WEBHOOK = "/livekit/webhook"
MESSAGES = "upkeep"


def report(session_id: str, event: str = "participant_left", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"EV_{time.time_ns()}",
        "event": event,
        "createdAt": str(int(time.time())),
        "room": {"name": session_id, "sid": "RM_1"},
        "participant": {"identity": "agent", "kind": "AGENT", "sid": "PA_1"},
        **changes,
    }


def signature(
    content: bytes,
    settings: Settings,
    *,
    key: str | None = None,
    secret: str | None = None,
    seconds: float = 300,
) -> str:
    """Sign as livekit-server does."""
    token = api.AccessToken(
        key or settings.livekit_api_key, secret or settings.livekit_api_secret.get_secret_value()
    ).with_sha256(b64encode(sha256(content).digest()).decode())
    return token.with_ttl(timedelta(seconds=seconds)).to_jwt()


def send(client: FlaskClient, settings: Settings, told: dict[str, Any]) -> Any:
    content = json.dumps(told).encode()
    return post(client, content, signature(content, settings))


def post(
    client: FlaskClient,
    content: bytes,
    authorization: str | None,
    content_type: str = "application/webhook+json",
) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.post(WEBHOOK, data=content, headers=headers, content_type=content_type)


def waiting(redis: Redis) -> list[str]:
    return [str(one) for one in redis.zrange(keys.LOOKS, 0, -1)]


def messages(redis: Redis) -> int:
    return redis.llen(MESSAGES)


def test_report_when_signed_then_its_session_is_looked_at(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    session_id = new_session_id()
    answer = send(client, settings, report(session_id))
    assert answer.status_code == 200
    assert answer.json == {"heard": True}
    assert waiting(redis) == [session_id]
    assert messages(redis) == 1


def test_report_when_signed_as_bearer_in_production_then_needs_no_key(
    guarded: FlaskClient, redis: Redis, production: Settings
) -> None:
    content = json.dumps(report(new_session_id())).encode()
    assert post(guarded, content, f"Bearer {signature(content, production)}").status_code == 200
    assert len(waiting(redis)) == 1


@pytest.mark.parametrize(
    "case", ["none", "empty", "key", "secret", "issuer", "expired", "body", "session token"]
)
def test_report_when_not_signed_by_our_livekit_then_nothing_happens(
    guarded: FlaskClient, redis: Redis, production: Settings, actor: Actor, make_key: Any, case: str
) -> None:
    content = json.dumps(report(new_session_id())).encode()
    session = Directory(redis).load(actor.queued())
    assert session is not None
    authorization = {
        "none": None,
        "empty": "",
        "key": f"Bearer {make_key('another', admin=True)}",
        "secret": signature(content, production, secret="another secret, long enough for a key"),
        "issuer": signature(content, production, key="another"),
        "expired": signature(content, production, seconds=-120),
        "body": signature(content + b" ", production),
        "session token": tokens.sign(session, production),
    }[case]
    answer = post(guarded, content, authorization)
    assert answer.status_code == 401
    assert answer.json["code"] == "not_authenticated"
    assert waiting(redis) == []
    assert messages(redis) == 0


def test_report_when_its_body_is_no_report_then_is_refused(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    fine = json.dumps(report(new_session_id())).encode()
    large = b" " * 65_537

    def status(content: bytes, content_type: str = "application/webhook+json") -> int:
        signed = signature(content, settings)
        return post(client, content, signed, content_type).status_code

    assert status(fine, "text/plain") == 415
    assert status(large) == 413
    assert status(b"no JSON") == 400
    assert status(b"[]") == 422
    assert status(json.dumps({**json.loads(fine), "id": ""}).encode()) == 422
    assert status(json.dumps({**json.loads(fine), "createdAt": "now"}).encode()) == 422
    assert waiting(redis) == []
    assert status(fine, "application/json") == 200


def test_report_when_it_comes_again_or_late_then_nobody_looks_again(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    told = report(new_session_id())
    assert send(client, settings, told).json == {"heard": True}
    redis.delete(keys.LOOKS)
    assert send(client, settings, told).json == {"heard": False}
    old = str(int(time.time()) - REMEMBERED_SECONDS - 5)
    assert send(client, settings, report(new_session_id(), createdAt=old)).json == {"heard": False}
    assert waiting(redis) == []
    assert 0 < redis.ttl(keys.heard(told["id"])) <= REMEMBERED_SECONDS


@pytest.mark.parametrize(
    ("event", "identity", "looked_at"),
    [
        ("participant_left", "agent", True),
        ("participant_left", "intruder", True),
        ("participant_left", "caller", False),
        ("participant_connection_aborted", "agent", True),
        ("participant_joined", "caller", True),
        ("participant_joined", "agent", True),
        ("room_finished", "", True),
        ("room_started", "", False),
        ("track_published", "agent", False),
        ("something_new", "agent", False),
    ],
)
def test_report_when_it_cannot_mean_drift_then_nobody_looks(
    client: FlaskClient,
    redis: Redis,
    settings: Settings,
    event: str,
    identity: str,
    looked_at: bool,
) -> None:
    told = report(new_session_id(), event, participant={"identity": identity})
    assert send(client, settings, told).json == {"heard": looked_at}
    assert len(waiting(redis)) == looked_at


def test_report_when_the_caller_has_come_then_that_is_kept_and_of_nobody_else(
    client: FlaskClient, redis: Redis, settings: Settings, actor: Actor
) -> None:
    def appeared(session_id: str, event: str, identity: str) -> bool:
        told = report(session_id, event, participant={"identity": identity})
        assert send(client, settings, told).status_code == 200
        session = Directory(redis).load(session_id)
        return session is not None and session.appeared

    session_id = actor.queued()
    assert not appeared(session_id, "participant_joined", "agent")
    assert not appeared(session_id, "participant_left", "caller")
    assert appeared(session_id, "participant_joined", "caller")
    assert appeared(session_id, "participant_left", "caller")
    unknown = new_session_id()
    assert not appeared(unknown, "participant_joined", "caller")
    assert not redis.exists(keys.SessionKeys.of(unknown).session)


def test_report_when_it_is_about_a_room_of_somebody_else_then_nobody_looks(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    told = report("a meeting")
    assert send(client, settings, told).json == {"heard": False}
    del told["room"]
    assert send(client, settings, told).json == {"heard": False}
    assert waiting(redis) == []


def test_reports_when_they_are_a_flood_then_one_message_is_sent_and_each_session_waits_once(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    ids = [new_session_id() for _ in range(20)]
    for _ in range(5):
        for session_id in ids:
            assert send(client, settings, report(session_id)).status_code == 200
    assert sorted(waiting(redis)) == sorted(ids)
    assert messages(redis) == 1


def test_report_when_redis_is_away_then_livekit_shall_try_again(
    client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Looks, "is_replay", away)
    assert send(client, settings, report(new_session_id())).status_code == 503


def test_report_when_it_is_not_true_then_nothing_changes(
    context: Context, actor: Actor, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What LiveKit lists counts, not what it has reported."""
    from agents.voice import rooms

    session_id = actor.ready()

    async def agent_is_there(_: object, names: list[str]) -> dict[str, rooms.RoomSeen]:
        return {name: rooms.RoomSeen(name, frozenset({"agent"})) for name in names}

    monkeypatch.setattr(rooms, "look_into", agent_is_there)
    before = context.redis.hgetall(keys.SessionKeys.of(session_id).session)
    Looks(context.redis).want(session_id, store.now())
    look_at_reported(context)
    assert context.redis.hgetall(keys.SessionKeys.of(session_id).session) == before
    assert not any(drift_counts(context.redis).values())
    assert waiting(context.redis) == []


def test_reported_when_more_come_while_some_are_looked_at_then_none_is_left_waiting(
    context: Context, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_session_id(), new_session_id()
    looks = Looks(context.redis)
    looked_at: list[str] = []
    asked: list[bool] = []

    def look_at(_: Context, session_ids: list[str], pause: float) -> None:
        looked_at.extend(session_ids)
        if second not in looked_at:
            looks.want(second, store.now())
            assert not looks.is_first()

    monkeypatch.setattr(reconciling, "look_at", look_at)
    monkeypatch.setattr(reconciling, "request_looks", lambda: asked.append(True))
    looks.want(first, store.now())
    assert looks.is_first()
    look_at_reported(context)
    assert looked_at == [first, second]
    assert asked == []
    looks.want(first, store.now())
    assert looks.is_first()


def test_reported_when_looking_fails_then_the_next_report_asks_again(
    context: Context, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no disk")

    asked: list[bool] = []
    monkeypatch.setattr(reconciling, "look_at", fail)
    monkeypatch.setattr(reconciling, "request_looks", lambda: asked.append(True))
    looks = Looks(context.redis)
    looks.want(new_session_id(), store.now())
    assert looks.is_first()
    with pytest.raises(OSError, match="no disk"):
        look_at_reported(context)
    looks.want(new_session_id(), store.now())
    assert looks.is_first()
