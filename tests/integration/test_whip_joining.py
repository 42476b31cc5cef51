"""A second offer under a session's name joins that session anew, if it is one's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from orchestrator.access import tokens
from sessions.directory import Directory
from sessions.ids import new_session_id
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.fixtures.http import LIVEKIT_SECRET, MakeKey, archive_of
from tests.fixtures.whip import WhipFront
from tests.support.eventually import eventually
from tests.support.http import archived, bearer, problem, start, started
from tests.support.media_server import FakeMediaServer, failing
from tests.support.offers import offer
from tests.support.sessions import Actor

SCOPE = "development"
MINE = {"X-Session-ID": "temp-1"}


def session_of(directory: Directory, session_id: str) -> Session:
    session = directory.load(session_id)
    assert session is not None
    return session


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("query", [{}, {"userName": "Ann"}])
@pytest.mark.parametrize("by_id", [False, True])
def test_offer_when_it_is_the_second_of_a_session_then_it_joins_that_one_anew(
    whip: FlaskClient, directory: Directory, query: dict[str, str], by_id: bool
) -> None:
    first = offer(whip, MINE, userName="Ann")
    name = first.headers["X-Session-ID"] if by_id else "temp-1"
    again = offer(whip, {"X-Session-ID": name}, **query)
    assert again.status_code == 201
    assert again.headers["Location"] == first.headers["Location"]
    assert (first.headers["ETag"], again.headers["ETag"]) == ('"tag1"', '"tag2"')
    assert directory.count_live() == 1
    session = session_of(directory, first.headers["X-Session-ID"])
    assert (session.whip, session.whip_tag) == ("PA_2", "tag2")


@pytest.mark.usefixtures("agents")
def test_offer_when_the_session_was_started_otherwise_then_it_joins_it(
    whip: FlaskClient, directory: Directory
) -> None:
    session_id = start(whip, MINE).get_json()["sessionId"]
    assert offer(whip, MINE).headers["X-Session-ID"] == session_id
    assert directory.count_live() == 1


@pytest.mark.usefixtures("agents")
def test_offer_when_the_second_asks_for_something_else_then_409(whip: FlaskClient) -> None:
    offer(whip, MINE, voice="Craig")
    problem(offer(whip, MINE, voice="Wendy"), 409, "alias_conflict")


@pytest.mark.usefixtures("alive_worker")
def test_offer_when_the_session_is_recovering_then_the_answer_waits_for_the_next_agent(
    whip_front: WhipFront, actor: Actor, store: SessionStore, media: FakeMediaServer
) -> None:
    session_id = actor.recovering(scope=SCOPE)
    front = whip_front(whip_timeout_seconds=20)
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(offer, front, {"X-Session-ID": session_id})
        channel = f"session:{session_id}:events"
        eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel), 10, "it waits")
        assert media.asked == []
        actor.claim(session_id, 2)
        store.ready(session_id, 2)
        assert answer.result().status_code == 201
    assert len(media.offers) == 1


@pytest.mark.usefixtures("alive_worker")
def test_offer_when_redis_is_away_for_a_moment_then_it_waits_on(
    whip_front: WhipFront, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.starting(scope=SCOPE)
    front = whip_front(whip_timeout_seconds=20)
    channel = f"session:{session_id}:events"
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(offer, front, {"X-Session-ID": session_id})
        for _ in range(2):
            eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel), 10)
            store.redis.client_kill_filter(_type="pubsub")
        eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel), 10)
        store.ready(session_id, 1)
        assert answer.result().status_code == 201


def test_offer_when_the_first_agent_is_in_the_room_then_it_need_not_be_ready(
    whip: FlaskClient, actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.starting(scope=SCOPE)
    problem(offer(whip, {"X-Session-ID": session_id}), 504, "agent_late")
    joined = store.now()
    assert store.arrive(session_id, 1, joined) is None
    assert offer(whip, {"X-Session-ID": session_id}).status_code == 201
    session = session_of(directory, session_id)
    assert (session.state, session.timeline["joined"]) == (State.STARTING, joined)
    assert store.arrive(session_id, 2, joined) == Refusal("stale")


@pytest.mark.usefixtures("alive_worker")
def test_offer_when_it_joins_and_fails_then_the_session_goes_on(
    whip: FlaskClient, actor: Actor, directory: Directory, media: FakeMediaServer
) -> None:
    session_id = actor.ready(scope=SCOPE)
    media.answer = failing(503, "request timed out")
    problem(offer(whip, {"X-Session-ID": session_id}), 502, "media_server_refused")
    assert session_of(directory, session_id).state is State.READY


@pytest.mark.usefixtures("alive_worker")
@pytest.mark.parametrize("query", [{}, {"userName": "Ada"}])
def test_offer_when_the_session_is_ending_then_410(
    whip: FlaskClient, actor: Actor, store: SessionStore, query: dict[str, str]
) -> None:
    session_id = actor.ready(scope=SCOPE, aliases=["temp-1"])
    store.begin_ending(session_id, Reason.USER_LEFT)
    problem(offer(whip, {"X-Session-ID": session_id}), 410, "session_over")
    problem(offer(whip, MINE), 410, "session_over")


def test_offer_when_the_session_has_ended_then_410(whip: FlaskClient) -> None:
    ended = archived()
    archive_of(whip.application).save(ended, [])
    problem(offer(whip, {"X-Session-ID": ended.id}), 410, "session_over")


@pytest.mark.parametrize("query", [{}, {"userName": "Ada"}])
def test_offer_when_the_session_is_in_writing_then_409(
    whip: FlaskClient, query: dict[str, str]
) -> None:
    session_id = started(whip, MINE, channel="text")
    code = "alias_conflict" if query else "wrong_channel"
    problem(offer(whip, MINE, **query), 409, code)
    problem(offer(whip, {"X-Session-ID": session_id}, **query), 409, code)


@pytest.fixture
def guarded_whip(whip_front: WhipFront, make_key: MakeKey) -> FlaskClient:
    make_key("first")
    return whip_front(mode="production", livekit_api_secret=LIVEKIT_SECRET)


@pytest.mark.usefixtures("agents")
def test_offer_when_the_name_is_anothers_then_it_is_only_a_name(
    guarded_whip: FlaskClient, make_key: MakeKey, directory: Directory
) -> None:
    theirs = offer(guarded_whip, {**bearer(make_key("a")), **MINE}).headers["X-Session-ID"]
    mine = bearer(make_key("b", admin=True))
    for name in ("temp-1", theirs):
        found = offer(guarded_whip, {**mine, "X-Session-ID": name})
        assert (found.status_code, found.headers["X-Session-ID"] == theirs) == (201, False)
    assert directory.count_live() == 3


@pytest.mark.usefixtures("agents")
def test_offer_when_a_sessions_token_comes_with_it_then_it_joins_that_session_only(
    guarded_whip: FlaskClient, make_key: MakeKey, production: Settings, directory: Directory
) -> None:
    first = offer(guarded_whip, {**bearer(make_key()), **MINE})
    session_id = first.headers["X-Session-ID"]
    holder = bearer(first.headers["X-Session-Token"])
    assert tokens.verify(first.headers["X-Session-Token"], production) == session_id
    for name in ({}, MINE, {"X-Session-ID": session_id}):
        assert offer(guarded_whip, {**holder, **name}).headers["X-Session-ID"] == session_id
    foreign = {**holder, "X-Session-ID": new_session_id()}
    problem(offer(guarded_whip, foreign), 404, "unknown_session")
    content = problem(offer(guarded_whip, holder, voice="Craig"), 422, "invalid_request")
    assert [one["field"] for one in content["errors"]] == ["voice"]
    assert directory.count_live() == 1
