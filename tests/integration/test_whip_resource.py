"""A call by WHIP as a resource: candidates, a restart of ICE, its end, what it may be asked."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from sessions.directory import Directory
from sessions.ids import new_session_id
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.fixtures.http import LIVEKIT_SECRET, MakeKey
from tests.fixtures.whip import WhipFront
from tests.support.http import bearer, problem, start, started
from tests.support.media_server import FakeMediaServer, failing
from tests.support.offers import CANDIDATES, FRAGMENT, WHIP, offer, patch

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def place(whip: FlaskClient) -> str:
    """The resource of a call, whose tag is `tag1`."""
    return offer(whip).headers["Location"]


def test_candidates_when_they_come_with_the_tag_then_they_are_handed_on(
    whip: FlaskClient, place: str, media: FakeMediaServer
) -> None:
    response = patch(whip, place, '"tag1"')
    assert (response.status_code, response.data) == (204, b"")
    asked = media.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("PATCH", "/whip/v1/PA_1", CANDIDATES)
    assert (asked.headers["If-Match"], asked.headers["Content-Type"]) == ("tag1", FRAGMENT)


def test_ice_when_restarted_then_the_new_tag_counts_and_the_old_one_no_more(
    whip: FlaskClient, place: str
) -> None:
    response = patch(whip, place, "*", CANDIDATES.replace("a=end-of-candidates\r\n", ""))
    assert (response.status_code, response.text) == (200, "a=ice-ufrag:new\r\n")
    assert response.content_type == FRAGMENT
    tag = response.headers["ETag"]
    assert tag == '"tag2"'
    problem(patch(whip, place, '"tag1"'), 412, "precondition_failed")
    assert patch(whip, place, tag).status_code == 204


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ('"other"', 412, "precondition_failed"),
        ('W/"tag1"', 412, "precondition_failed"),
        ("", 412, "precondition_failed"),
    ],
)
def test_patch_when_the_tag_is_not_that_of_the_answer_then_the_media_server_is_not_asked(
    whip: FlaskClient, place: str, media: FakeMediaServer, tag: str | None, status: int, code: str
) -> None:
    problem(patch(whip, place, tag), status, code)
    assert len(media.asked) == 1


def test_patch_when_several_tags_are_given_then_the_right_one_counts(
    whip: FlaskClient, place: str
) -> None:
    assert patch(whip, place, '"other", "tag1"').status_code == 204


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        ((500, "ice session mismatch, expected: a, got: b"), 412, "precondition_failed"),
        ((500, "no response from servers"), 404, "no_connection"),
        ((404, "participant does not exist"), 404, "no_connection"),
        ((400, "invalid sdp fragment"), 400, "invalid_offer"),
        ((500, "boom"), 502, "media_server_refused"),
    ],
)
def test_patch_when_the_media_server_refuses_then_the_problem_says_what_it_means(
    whip: FlaskClient,
    place: str,
    media: FakeMediaServer,
    refusal: tuple[int, str],
    status: int,
    code: str,
) -> None:
    media.answer = failing(*refusal)
    problem(patch(whip, place, '"tag1"'), status, code)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        ("", {}, 400, "invalid_offer"),
        ("rubbish", {}, 400, "invalid_offer"),
        ("a=x\r\n" * 16_384, {}, 413, "body_too_large"),
        (CANDIDATES, {"Content-Type": "application/sdp"}, 415, "wrong_content_type"),
    ],
)
def test_patch_when_the_body_is_no_fragment_then_it_is_refused(
    whip: FlaskClient, place: str, content: str, headers: dict[str, str], status: int, code: str
) -> None:
    problem(patch(whip, place, '"tag1"', content, **headers), status, code)


def test_patch_when_the_session_has_no_such_connection_then_404(whip: FlaskClient) -> None:
    session_id = start(whip).get_json()["sessionId"]
    problem(patch(whip, f"{WHIP}/{session_id}", "*"), 404, "no_connection")
    text = started(whip, channel="text")
    problem(patch(whip, f"{WHIP}/{text}", "*"), 404, "no_connection")


def test_patch_when_the_session_is_ending_then_410(
    whip: FlaskClient, place: str, store: SessionStore
) -> None:
    store.begin_ending(place.rpartition("/")[2], Reason.USER_LEFT)
    problem(patch(whip, place, '"tag1"'), 410, "session_over")


def test_call_when_deleted_then_the_session_ends_and_doing_it_twice_changes_nothing(
    whip: FlaskClient, place: str, directory: Directory
) -> None:
    session_id = place.rpartition("/")[2]
    for _ in range(2):
        response = whip.delete(place)
        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["X-Session-ID"] == session_id
    session = directory.load(session_id)
    assert session is not None
    assert (session.state, session.reason) == (State.ENDING, Reason.ENDED_BY_API)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "GET"])
def test_call_when_there_is_none_then_404_or_400(whip: FlaskClient, method: str) -> None:
    given = {"headers": {"Content-Type": FRAGMENT, "If-Match": "*"}, "data": CANDIDATES.encode()}
    unknown = whip.open(f"{WHIP}/{new_session_id()}", method=method, **given)
    problem(unknown, 404, "unknown_session")
    problem(whip.open(f"{WHIP}/rubbish", method=method, **given), 400, "invalid_session_id")


def test_call_when_a_key_or_the_sessions_token_asks_then_only_its_own_answers(
    whip_front: WhipFront, make_key: MakeKey
) -> None:
    mine, other = bearer(make_key("mine")), bearer(make_key("other"))
    front = whip_front(mode="production", livekit_api_secret=LIVEKIT_SECRET)
    call = offer(front, mine)
    place, holder = call.headers["Location"], bearer(call.headers["X-Session-Token"])
    stranger = bearer(offer(front, other).headers["X-Session-Token"])
    for theirs in (other, stranger):
        problem(patch(front, place, '"tag1"', **theirs), 404, "unknown_session")
        problem(front.delete(place, headers=theirs), 404, "unknown_session")
    problem(front.delete(place), 401, "not_authenticated")
    for ours in (mine, holder):
        assert patch(front, place, '"tag1"', **ours).status_code == 204
    assert front.delete(place, headers=holder).status_code == 200


def test_endpoint_when_asked_what_it_takes_then_it_says_so(whip: FlaskClient, place: str) -> None:
    taken = whip.options(WHIP)
    assert (taken.status_code, taken.headers["Accept-Post"]) == (200, "application/sdp")
    assert {"POST", "OPTIONS"} <= set(taken.headers["Allow"].split(", "))
    patched = whip.options(place)
    assert patched.headers["Accept-Patch"] == FRAGMENT
    assert {"PATCH", "DELETE", "OPTIONS"} <= set(patched.headers["Allow"].split(", "))


@pytest.mark.parametrize("at", ["endpoint", "resource"])
def test_endpoint_when_read_then_there_is_nothing_and_it_takes_no_other_method(
    whip: FlaskClient, place: str, at: str
) -> None:
    path = WHIP if at == "endpoint" else place
    assert (whip.get(path).status_code, whip.get(path).data) == (204, b"")
    problem(whip.put(path), 405, "method_not_allowed")
    problem(whip.delete(WHIP), 405, "method_not_allowed")


def test_browser_when_its_page_is_of_a_known_origin_then_it_may_do_all_that_whip_needs(
    whip_front: WhipFront, make_key: MakeKey
) -> None:
    origin, key = "https://app.example", bearer(make_key())
    front = whip_front(mode="production", livekit_api_secret=LIVEKIT_SECRET, cors_origins=[origin])
    place = offer(front, key).headers["Location"]
    wanted = "authorization,content-type,if-match,x-session-id"
    for path, method in ((WHIP, "POST"), (place, "PATCH"), (place, "DELETE")):
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": wanted,
        }
        preflight = front.options(path, headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == origin
        assert method in preflight.headers["Access-Control-Allow-Methods"]
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
        assert {*wanted.split(",")} <= {*allowed.split(", ")}
    answer = offer(front, {**key, "Origin": origin})
    shown = {*answer.headers["Access-Control-Expose-Headers"].split(", ")}
    needed = {"Location", "ETag", "Link", "Accept-Patch", "X-Session-ID", "X-Session-Token"}
    assert needed <= shown
    strange = front.options(WHIP, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in strange.headers
