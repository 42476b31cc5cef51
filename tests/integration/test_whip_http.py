"""`POST /whip`: one offer, one session, one answer; and nothing is left where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from orchestrator.access import tokens
from sessions.directory import Directory
from sessions.models import Session
from sessions.rooms import AGENT_IDENTITY, AGENT_TRACK, CALLER_IDENTITY, HEARS_NOTHING, VIA, WHIP
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.fixtures.whip import WhipFront
from tests.support.eventually import eventually
from tests.support.http import problem
from tests.support.media_server import ANSWER, FakeMediaServer, failing
from tests.support.offers import FRAGMENT, OFFER, SDP, offer
from tests.support.ready_agents import ready_agents
from tests.support.sessions import Actor


def only_session(directory: Directory) -> Session:
    [session_id] = directory.newest(None, None, 10)
    session = directory.load(session_id)
    assert session is not None
    return session


@pytest.mark.usefixtures("agents")
def test_offer_when_an_agent_comes_then_all_that_a_caller_needs_is_in_the_answer(
    whip: FlaskClient, settings: Settings, directory: Directory
) -> None:
    response = offer(whip, {"X-Session-ID": "temp-1"}, userName="Zoë", voice="craig")
    assert (response.status_code, response.content_type, response.text) == (201, SDP, ANSWER)
    session = only_session(directory)
    headers = response.headers
    assert (headers["Location"], headers["X-Session-ID"]) == (f"/whip/{session.id}", session.id)
    assert tokens.verify(headers["X-Session-Token"], settings) == session.id
    assert headers["ETag"] == '"tag1"'
    assert headers["Accept-Patch"] == FRAGMENT
    assert headers.getlist("Link") == [
        '<stun:stun.example>; rel="ice-server"',
        '<turn:turn.example?transport=udp>; rel="ice-server"; username="u"; credential="c"',
    ]
    config = directory.config(session.id)
    assert config is not None
    assert (config.user_name, config.voice_id) == ("Zoë", "Craig")
    assert directory.aliases(session) == ["temp-1"]


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("direction", ["sendrecv", "sendonly"])
def test_offer_when_handed_on_then_the_media_server_learns_who_joins_and_what_they_hear(
    whip: FlaskClient, settings: Settings, media: FakeMediaServer, direction: str
) -> None:
    session_id = offer(whip, sdp=OFFER.replace("sendrecv", direction)).headers["X-Session-ID"]
    [asked] = media.offers
    secret = settings.livekit_api_secret.get_secret_value()
    token = asked.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, secret, ["HS256"], issuer=settings.livekit_api_key)
    assert (claims["sub"], claims["video"]["room"]) == (CALLER_IDENTITY, session_id)
    wanted = asked.headers["X-LiveKit-ClientInfo"]
    if direction == "sendonly":
        assert claims["attributes"] == {VIA: WHIP, HEARS_NOTHING: "1"}
        assert wanted is None
    else:
        assert claims["attributes"] == {VIA: WHIP}
        tracks = {AGENT_IDENTITY: [AGENT_TRACK]}
        assert json.loads(wanted) == {"subscribedParticipantTrackNames": tracks}


@pytest.mark.usefixtures("agents")
def test_offer_when_the_query_says_more_then_the_session_is_like_that(
    whip: FlaskClient, directory: Directory
) -> None:
    wanted: dict[str, Any] = {
        "openingLine": "Hi.",
        "language": "de-AT",
        "knowledge": "sample",
        "agent": "assistant",
        "maxDurationSeconds": "60",
        "metadata": '{"order": 7}',
        "correlationToken": "mine",
    }
    assert offer(whip, **wanted).status_code == 201
    session = only_session(directory)
    config = directory.config(session.id)
    assert config is not None
    assert (config.opening_line, config.language, config.max_duration_seconds) == (
        *("Hi.", "de-AT"),
        60,
    )
    assert (config.metadata, config.user_name) == ({"order": 7}, "guest")
    assert directory.aliases(session) == ["mine"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"voice": "Nobody"}, "voiceId"),
        ({"voice": "Craig", "voiceId": "Wendy"}, "body"),
        ({"userName": " "}, "userName"),
        ({"channel": "text"}, "channel"),
        ({"knowledge": "nothing"}, "knowledge"),
        ({"agent": "nobody"}, "agent"),
        ({"maxDurationSeconds": "long"}, "maxDurationSeconds"),
        ({"metadata": "red"}, "metadata"),
        ({"metadata": "[" * 4000}, "metadata"),
        ({"access_token": "x"}, "access_token"),
    ],
)
@pytest.mark.usefixtures("agents")
def test_offer_when_the_query_is_wrong_then_the_field_is_named_and_nothing_starts(
    whip: FlaskClient, directory: Directory, query: dict[str, Any], field: str
) -> None:
    content = offer(whip, **query).get_json()
    assert (content["status"], content["errors"][0]["field"]) == (422, field)
    assert directory.count_live() == 0


@pytest.mark.parametrize(
    ("headers", "sdp", "status", "code"),
    [
        ({"Content-Type": "application/json"}, OFFER, 415, "wrong_content_type"),
        ({"Content-Type": "text/plain"}, OFFER, 415, "wrong_content_type"),
        ({}, OFFER + "a=x\r\n" * 16_384, 413, "body_too_large"),
        ({}, "rubbish", 400, "invalid_offer"),
        ({}, "", 400, "invalid_offer"),
        ({}, OFFER.replace("m=audio", "m=video"), 400, "invalid_offer"),
        ({}, OFFER.replace("opus/48000/2", "PCMU/8000"), 400, "invalid_offer"),
        ({"X-Session-ID": "no spaces"}, OFFER, 422, "invalid_request"),
    ],
)
@pytest.mark.usefixtures("agents")
def test_offer_when_it_is_none_then_the_problem_says_so_and_nothing_starts(
    whip: FlaskClient,
    directory: Directory,
    headers: dict[str, str],
    sdp: str,
    status: int,
    code: str,
) -> None:
    problem(offer(whip, headers, sdp), status, code)
    assert directory.count_live() == 0


def test_offer_when_no_worker_is_alive_then_it_is_told_when_to_come_back(
    whip: FlaskClient, directory: Directory
) -> None:
    response = offer(whip)
    problem(response, 503, "no_capacity")
    assert int(response.headers["Retry-After"]) > 0
    assert directory.count_live() == 0


def test_offer_when_the_queue_is_full_then_it_is_told_when_to_come_back(
    whip_front: WhipFront, actor: Actor, directory: Directory
) -> None:
    waiting = actor.queued()
    response = offer(whip_front(limit_queue_length=1))
    problem(response, 503, "queue_full")
    assert int(response.headers["Retry-After"]) > 0
    assert directory.newest(None, None, 10) == [waiting]


@pytest.mark.usefixtures("actor")
def test_offer_when_no_agent_is_free_within_the_limit_then_its_session_ends(
    whip: FlaskClient, directory: Directory, media: FakeMediaServer
) -> None:
    response = offer(whip)
    problem(response, 503, "agents_busy")
    session = only_session(directory)
    assert (session.state, session.reason) == (State.ENDING, Reason.QUEUE_TIMEOUT)
    assert response.headers["X-Session-ID"] == session.id
    assert "Retry-After" in response.headers
    assert media.asked == []


def test_offer_when_the_agent_is_not_ready_within_the_limit_then_its_session_ends(
    whip: FlaskClient, store: SessionStore, directory: Directory, actor: Actor
) -> None:
    with ready_agents(store, ready=False):
        problem(offer(whip), 504, "agent_late")
    session = only_session(directory)
    assert (session.state, session.reason) == (State.ENDING, Reason.AGENT_ERROR)


def test_offer_when_the_session_ends_meanwhile_then_that_is_told(
    whip: FlaskClient, store: SessionStore, directory: Directory, actor: Actor
) -> None:
    def end() -> None:
        [session_id] = eventually(lambda: directory.newest(None, None, 10))
        store.begin_ending(session_id, Reason.MAX_DURATION)

    with ThreadPoolExecutor(1) as other:
        ending = other.submit(end)
        content = problem(offer(whip), 503, "session_failed")
        ending.result()
    assert content["reason"] == "max_duration"


@pytest.mark.parametrize(
    ("answer", "status", "code", "reason"),
    [
        (failing(500, "boom"), 502, "media_server_refused", Reason.AGENT_ERROR),
        (failing(503, "request timed out"), 502, "media_server_refused", Reason.AGENT_ERROR),
        (failing(401, "no"), 502, "media_server_refused", Reason.AGENT_ERROR),
        (failing(400, "malformed SDP offer"), 400, "invalid_offer", Reason.ENDED_BY_API),
        (
            *(failing(503, "SetRemoteDescription called with no ice-ufrag"), 400),
            *("invalid_offer", Reason.ENDED_BY_API),
        ),
    ],
)
@pytest.mark.usefixtures("agents")
def test_offer_when_the_media_server_refuses_then_its_session_ends(
    whip: FlaskClient,
    directory: Directory,
    media: FakeMediaServer,
    answer: Callable[..., Any],
    status: int,
    code: str,
    reason: Reason,
) -> None:
    media.answer = answer
    problem(offer(whip), status, code)
    session = only_session(directory)
    assert (session.state, session.reason) == (State.ENDING, reason)


@pytest.mark.usefixtures("agents")
def test_offer_when_the_media_server_is_away_then_its_session_ends(
    whip_front: WhipFront, directory: Directory
) -> None:
    response = offer(whip_front(livekit_url="ws://127.0.0.1:9"))
    problem(response, 503, "media_server_away")
    assert "Retry-After" in response.headers
    assert only_session(directory).state is State.ENDING


@pytest.mark.usefixtures("agents")
def test_offer_when_the_agent_is_lost_under_it_then_it_is_made_again_to_the_next_one(
    whip: FlaskClient, media: FakeMediaServer, store: SessionStore, directory: Directory
) -> None:
    def lose_the_first(asked: Any) -> Any:
        if len(media.offers) > 1:
            return media.obey(asked)
        store.recover(only_session(directory).id, "agent_died", unless_leased=False)
        return failing(503, "request timed out")(asked)

    media.answer = lose_the_first
    assert offer(whip).status_code == 201
    session = only_session(directory)
    assert (session.generation, session.state, session.whip) == (2, State.READY, "PA_2")


@pytest.mark.usefixtures("agents")
def test_offers_when_two_come_at_once_under_one_name_then_there_is_one_session(
    whip: FlaskClient, directory: Directory
) -> None:
    def post(_: int) -> Any:
        return offer(whip.application.test_client(), {"X-Session-ID": "temp-1"}, userName="Ann")

    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(post, range(4)))
    assert [one.status_code for one in answers] == [201] * 4
    assert {one.headers["X-Session-ID"] for one in answers} == {only_session(directory).id}
