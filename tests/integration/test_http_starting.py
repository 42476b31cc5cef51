"""`POST /orchestrator/session/start`: one session for each thing asked, and the truth about it."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from livekit.api import TokenVerifier
from redis import Redis

from orchestrator.access import tokens
from orchestrator.app import create_app
from sessions.directory import Directory
from sessions.fleet import WorkerRecord
from sessions.rooms import CALLER_IDENTITY, RoomTimeouts
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.http import problem, start, started
from tests.support.sessions import Actor


@pytest.mark.usefixtures("alive_worker")
def test_start_when_only_the_user_is_named_then_all_is_answered(
    client: FlaskClient, settings: Settings
) -> None:
    response = start(client)
    assert response.status_code == 201
    answer = response.get_json()
    session_id = answer["sessionId"]
    assert tokens.verify(answer.pop("token"), settings) == session_id
    since = answer["queue"]["since"]
    assert answer == {
        "success": True,
        "sessionId": session_id,
        "state": "queued",
        "serverUrl": settings.livekit_url,
        "roomName": session_id,
        "voiceId": settings.default_voice,
        "websocketUrl": f"ws://localhost/ws/{session_id}",
        "aliases": [],
        "queue": {
            "position": 1,
            "estimatedWaitMs": 0,
            "priority": 0,
            "since": since,
            "expiresAt": since + 60_000,
        },
        "message": answer["message"],
    }
    assert response.headers["X-Session-ID"] == session_id
    assert response.headers["Location"] == f"/orchestrator/session/{session_id}"


@pytest.mark.usefixtures("alive_worker")
def test_start_when_livekit_reads_the_token_then_it_lets_the_caller_into_that_room(
    client: FlaskClient, settings: Settings
) -> None:
    answer = start(client).get_json()
    secret = settings.livekit_api_secret.get_secret_value()
    claims = TokenVerifier(settings.livekit_api_key, secret).verify(answer["token"])
    assert (claims.identity, claims.name) == (CALLER_IDENTITY, "Ada")
    video = claims.video
    assert video is not None
    assert (video.room_join, video.room) == (True, answer["roomName"])
    assert video.can_publish
    assert video.can_subscribe
    assert video.can_publish_data
    timeouts, config = RoomTimeouts.of(settings), claims.room_config
    assert config is not None
    assert (config.empty_timeout, config.departure_timeout) == (timeouts.empty, timeouts.departure)


@pytest.mark.usefixtures("alive_worker")
def test_start_when_accepted_then_a_worker_is_nudged(client: FlaskClient, redis: Redis) -> None:
    session_id = started(client)
    message = json.loads(redis.lrange("sessions", 0, -1)[0])
    assert json.loads(base64.b64decode(message["body"]))[0] == [session_id, 1]


@pytest.mark.usefixtures("alive_worker")
def test_start_when_everything_is_named_then_the_config_holds_it(client: FlaskClient) -> None:
    wanted = {
        "userName": "Zoë 👩‍👧",
        "voiceId": "craig",
        "openingLine": "Hi.\r\nHow are you?",
        "systemPrompt": "Be brief.",
        "language": "de-AT",
        "agent": "assistant",
        "knowledge": "sample",
        "maxDurationSeconds": 60,
        "metadata": {"order": [1, {"é": None}]},
    }
    session_id = started(client, **wanted)
    config = client.get(f"/orchestrator/session/{session_id}").get_json()["config"]
    assert config == {
        **wanted,
        "voiceId": "Craig",
        "listening": True,
        "recoveryLine": None,
    }


@pytest.mark.usefixtures("alive_worker")
def test_start_when_asked_again_under_a_name_then_it_is_the_same_session(
    client: FlaskClient,
) -> None:
    first = start(client, {"X-Session-ID": "from-header"}, correlationToken="from-body")
    again = start(client, {"X-Session-ID": "another"}, correlationToken="from-body")
    assert again.status_code == 200
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    assert again.get_json()["sessionId"] == first.get_json()["sessionId"]
    assert first.get_json()["aliases"] == ["from-body", "from-header"]
    assert again.get_json()["aliases"] == ["another", "from-body", "from-header"]


@pytest.mark.usefixtures("alive_worker")
def test_start_when_the_name_is_of_another_request_then_conflict(client: FlaskClient) -> None:
    started(client, correlationToken="mine")
    problem(start(client, correlationToken="mine", language="fr"), 409, "alias_conflict")


@pytest.mark.usefixtures("alive_worker")
def test_start_when_replayed_by_ten_at_once_then_one_session_is_made(
    app: Flask, directory: Directory, redis: Redis
) -> None:
    together = Barrier(10)

    def ask(_: int) -> tuple[int, str]:
        client = app.test_client()
        together.wait()
        response = start(client, correlationToken="once")
        return response.status_code, response.get_json()["sessionId"]

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(ask, range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]
    assert len({session_id for _, session_id in answers}) == 1
    assert directory.count_live() == 1
    assert redis.llen("sessions") == 1


def test_start_when_it_is_text_then_no_worker_and_no_room_is_needed(
    client: FlaskClient, redis: Redis, settings: Settings
) -> None:
    answer = start(client, channel="text").get_json()
    assert (answer["state"], answer["serverUrl"], answer["roomName"]) == ("ready", None, None)
    assert tokens.verify(answer["token"], settings) == answer["sessionId"]
    assert redis.llen("sessions") == 0


def test_start_when_no_worker_is_alive_then_no_capacity(
    client: FlaskClient, directory: Directory
) -> None:
    response = start(client)
    problem(response, 503, "no_capacity")
    assert int(response.headers["Retry-After"]) > 0
    assert directory.count_live() == 0


@pytest.mark.usefixtures("alive_worker", "broker")
def test_start_when_a_limit_is_reached_then_429(make_settings: MakeSettings) -> None:
    client = create_app(make_settings(limit_live_per_key=1)).test_client()
    started(client)
    response = start(client, userName="Bob")
    problem(response, 429, "limit_reached")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("alive_worker")
def test_start_when_waiting_and_the_agent_gets_ready_then_that_is_answered(
    app: Flask, actor: Actor, store: SessionStore, directory: Directory
) -> None:
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(lambda: start(app.test_client(), {"Prefer": "wait=10"}))
        session_id = eventually(lambda: directory.newest(None, None, 1))[0]
        actor.claim(session_id)
        store.ready(session_id, 1)
        response = answer.result()
    assert response.status_code == 201
    assert response.get_json()["state"] == "ready"
    assert response.headers["Preference-Applied"] == "wait=10"


@pytest.mark.usefixtures("alive_worker")
def test_start_when_waiting_and_it_ends_then_503_tells_why(
    app: Flask, store: SessionStore, directory: Directory
) -> None:
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(lambda: start(app.test_client(), {"Prefer": "wait=10"}))
        session_id = eventually(lambda: directory.newest(None, None, 1))[0]
        session = directory.load(session_id)
        assert session is not None
        store.begin_ending(session_id, Reason.QUEUE_TIMEOUT)
        store.finish(session)
        content = problem(answer.result(), 503, "session_failed")
    assert (content["sessionId"], content["reason"]) == (session_id, "queue_timeout")
    assert content["fault"] == "platform"


@pytest.mark.usefixtures("alive_worker")
@pytest.mark.parametrize(("prefer", "applied"), [("wait=1", "wait=1"), ("wait=soon", None)])
def test_start_when_nothing_gets_ready_then_the_state_reached_is_answered(
    client: FlaskClient, prefer: str, applied: str | None
) -> None:
    response = start(client, {"Prefer": prefer})
    assert (response.status_code, response.get_json()["state"]) == (201, "queued")
    assert response.headers.get("Preference-Applied") == applied


def test_start_when_more_is_wished_than_may_be_then_the_wait_is_cut(client: FlaskClient) -> None:
    response = start(client, {"Prefer": "respond-async, wait=600"}, channel="text")
    assert response.headers["Preference-Applied"] == "wait=15"


def test_start_when_a_correlation_id_is_given_then_it_goes_with_the_session(
    client: FlaskClient, alive_worker: WorkerRecord
) -> None:
    response = start(client, {"X-Correlation-ID": "trace-1"})
    assert response.headers["X-Correlation-ID"] == "trace-1"
    shown = client.get(response.headers["Location"]).get_json()
    assert shown["correlationId"] == "trace-1"


def test_start_when_the_correlation_id_is_malformed_then_one_is_made(client: FlaskClient) -> None:
    response = client.get("/health", headers={"X-Correlation-ID": "no spaces please"})
    assert response.headers["X-Correlation-ID"].startswith("req_")


def test_start_when_a_public_url_is_set_then_the_socket_is_there(
    make_settings: MakeSettings, redis: Redis
) -> None:
    client = create_app(make_settings(public_url="https://calls.example/api/")).test_client()
    answer = start(client, channel="text").get_json()
    assert answer["websocketUrl"] == f"wss://calls.example/api/ws/{answer['sessionId']}"
