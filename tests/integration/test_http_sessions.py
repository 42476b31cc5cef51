"""Ending a session, looking at it and finding it, while it lives and afterwards."""

from __future__ import annotations

import base64
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from orchestrator.reading import listing
from orchestrator.services import services_of
from sessions.archive import Archive
from sessions.directory import Directory
from sessions.errors import InvalidRequestError
from sessions.store import SessionStore
from tests.support.http import archived, bearer, end, problem, start, started
from tests.support.sessions import Actor


@pytest.fixture
def archive(app: Flask) -> Archive:
    return services_of(app).archive


def _ids(client: FlaskClient, query: str = "") -> list[str]:
    """Return the listed ids, page after page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/orchestrator/sessions?{query}{cursor}").get_json()
        found += [session["sessionId"] for session in page["sessions"]]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


@pytest.mark.usefixtures("alive_worker")
def test_end_when_nobody_has_the_session_then_it_is_finished_at_once(
    client: FlaskClient, redis: Redis
) -> None:
    session_id = started(client, correlationToken="mine")
    answer = end(client, "mine").get_json()
    assert (answer["success"], answer["sessionId"], answer["state"]) == (True, session_id, "ending")
    assert (answer["reason"], answer["fault"]) == ("ended_by_api", "user")
    message = json.loads(redis.lrange("upkeep", 0, -1)[0])
    assert json.loads(base64.b64decode(message["body"]))[0] == [session_id]


def test_end_when_an_agent_has_the_session_then_it_is_left_to_the_agent(
    client: FlaskClient, redis: Redis, actor: Actor
) -> None:
    session_id = actor.ready()
    assert end(client, session_id).get_json()["state"] == "ending"
    assert redis.llen("upkeep") == 0


def test_end_when_asked_again_then_the_answer_is_the_same(
    client: FlaskClient, redis: Redis
) -> None:
    session_id = started(client, channel="text")
    first, again = end(client, session_id), end(client, session_id)
    assert first.status_code == again.status_code == 200
    assert first.get_json() == again.get_json()
    assert redis.llen("upkeep") == 1


def test_end_when_the_session_is_archived_then_its_own_reason_is_told(
    client: FlaskClient, archive: Archive
) -> None:
    over = archived(reason="max_duration")
    archive.save(over, ["mine"])
    for reference in (over.id, "mine"):
        answer = end(client, reference).get_json()
        assert (answer["state"], answer["reason"]) == ("ended", "max_duration")


def test_show_when_live_then_its_state_and_config_are_told(
    client: FlaskClient, actor: Actor
) -> None:
    session_id = started(client, systemPrompt="Be brief.", correlationToken="mine")
    actor.claim(session_id)
    shown = client.get("/orchestrator/session/mine").get_json()
    assert shown["sessionId"] == shown["roomName"] == session_id
    assert (shown["state"], shown["generation"]) == ("starting", 1)
    assert shown["worker"] == "sessions@test"
    assert set(shown["timeline"]) == {"accepted", "claimed"}
    assert shown["config"]["systemPrompt"] == "Be brief."
    assert shown["aliases"] == ["mine"]
    assert (shown["reason"], shown["endedAt"], shown["transcript"]) == (None, None, None)


def test_show_when_archived_then_its_end_and_transcript_are_told(
    client: FlaskClient, archive: Archive
) -> None:
    over = archived(reason="agent_error", fault="platform", detail="It fell over.")
    archive.save(over, ["mine"])
    shown = client.get("/orchestrator/session/mine").get_json()
    assert (shown["state"], shown["endedAt"]) == ("ended", over.ended_at)
    assert (shown["reason"], shown["fault"]) == ("agent_error", "platform")
    assert shown["detail"] == "It fell over."
    assert shown["config"]["systemPrompt"] == "Keep this to yourself."
    assert [turn["text"] for turn in shown["transcript"]] == ["Hello."]


def test_show_when_asked_with_the_sessions_token_then_the_prompt_is_kept_back(
    client: FlaskClient,
) -> None:
    answer = start(client, channel="text", correlationToken="mine").get_json()
    for reference in (answer["sessionId"], "mine"):
        path = f"/orchestrator/session/{reference}"
        shown = client.get(path, headers=bearer(answer["token"])).get_json()
        assert shown["config"]["openingLine"]
        assert (shown["config"]["systemPrompt"], shown["config"]["metadata"]) == (None, None)


def test_alias_when_a_live_session_has_it_then_an_ended_one_does_not(
    client: FlaskClient, archive: Archive
) -> None:
    archive.save(archived(), ["mine"])
    session_id = started(client, channel="text", correlationToken="mine")
    assert client.get("/orchestrator/session/mine").get_json()["sessionId"] == session_id


def test_list_when_some_live_and_some_ended_then_each_is_there_once_newest_first(
    client: FlaskClient, archive: Archive, directory: Directory
) -> None:
    live = [started(client, channel="text") for _ in range(5)]
    old = [archived(accepted_at=1_700_000_000_000 + n // 2) for n in range(5)]
    for over in old:
        archive.save(over)
    both = directory.load(live[2])
    assert both is not None
    archive.save(archived(id=both.id, accepted_at=both.accepted))  # archived, not yet finished
    accepted = {s.id: s.accepted for s in directory.load_many(live) if s}
    accepted |= {over.id: over.accepted_at for over in old}
    newest_first = sorted(accepted, key=lambda id_: (accepted[id_], id_), reverse=True)
    for limit in (1, 2, 3, 10, 200):
        assert _ids(client, f"limit={limit}") == newest_first


def test_list_when_a_filter_matches_little_then_the_pages_go_on(
    client: FlaskClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_SCAN_AT_MOST", 3)
    monkeypatch.setattr(listing, "_BATCH", 2)
    wanted = [started(client, channel="text", userName="Bob")]
    for _ in range(7):
        started(client, channel="text")
    wanted.insert(0, started(client, channel="text", userName="Bob"))
    over = archived(user_name="Bob")
    archive.save(over)
    assert _ids(client, "userName=Bob&limit=2") == [*wanted, over.id]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=live", {"text", "voice"}),
        ("status=ended", {"over"}),
        ("state=ready", {"text"}),
        ("state=ended", {"over"}),
        ("state=queued&status=ended", set[str]()),
        ("channel=text", {"text"}),
        ("reason=user_left", {"over"}),
        ("userName=Eve", {"over"}),
    ],
)
@pytest.mark.usefixtures("alive_worker")
def test_list_when_filtered_then_only_what_matches_is_there(
    client: FlaskClient, archive: Archive, query: str, found: set[str]
) -> None:
    names = {started(client, channel="text"): "text", started(client): "voice"}
    over = archived(user_name="Eve")
    archive.save(over)
    names[over.id] = "over"
    assert {names[session_id] for session_id in _ids(client, query)} == found


def test_cursor_when_written_then_it_reads_back() -> None:
    position = (1_780_000_000_000, "session_1780000000000_abcdefgh")
    assert listing.read_cursor(listing.write_cursor(position)) == position
    with pytest.raises(InvalidRequestError):
        listing.read_cursor(listing.write_cursor((1, "not an id")))


def test_events_when_read_in_parts_then_each_comes_once_in_order(
    client: FlaskClient, store: SessionStore
) -> None:
    session_id = started(client, channel="text")
    for number in range(5):
        store.emit(session_id, "transcript", {"text": str(number)})
    path = f"/orchestrator/session/{session_id}/events"
    every = client.get(path).get_json()
    assert [e["data"].get("text") for e in every["events"]] == [None, "0", "1", "2", "3", "4"]
    parts: list[dict[str, object]] = []
    since = "0-0"
    while page := client.get(f"{path}?since={since}&limit=2").get_json():
        parts += page["events"]
        if not page["events"]:
            break
        since = page["lastId"]
    assert parts == every["events"]
    assert since == every["lastId"]


def test_events_when_the_session_has_just_ended_then_they_can_still_be_read(
    client: FlaskClient, archive: Archive, store: SessionStore, directory: Directory
) -> None:
    session_id = started(client, channel="text")
    end(client, session_id)
    session = directory.load(session_id)
    assert session is not None
    archive.save(archived(id=session_id, accepted_at=session.accepted))
    store.finish(session)
    events = client.get(f"/orchestrator/session/{session_id}/events").get_json()["events"]
    assert events[-1]["type"] == "session_ended"


def test_events_when_they_are_no_longer_kept_then_410(
    client: FlaskClient, archive: Archive
) -> None:
    over = archived()
    archive.save(over)
    problem(client.get(f"/orchestrator/session/{over.id}/events"), 410, "session_over")
