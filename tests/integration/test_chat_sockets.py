"""Chat on sockets: asked without holding the events up, answered on every socket of the session."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.keys import SessionKeys
from sessions.questions.desk import Desk
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support import loopback
from tests.support.questions import answer_to
from tests.support.sessions import Actor
from tests.support.sockets import Client, follow, refusal
from tests.support.stalled import stalled_server


@pytest.fixture
def desk(redis: Redis, settings: Settings) -> Desk:
    return Desk(redis, settings)


def asked(client: Client, **fields: Any) -> dict[str, Any]:
    """Ask on a socket and return the data of the frame that accepts it."""
    client.say({"type": "chat", **fields})
    frame = client.until("chat_accepted")[-1]
    assert frame.get("id") == fields.get("id")
    return frame["data"]


def test_chat_when_said_on_a_socket_then_every_socket_of_the_session_hears_the_answer(
    web: Web, actor: Actor, desk: Desk
) -> None:
    session_id = actor.text(scope="development")
    with follow(web.ws_url, session_id) as one, follow(web.ws_url, session_id) as two:
        for client in (one, two):
            client.until("session_state")
        data = asked(one, id="m1", message="When do you open?", context={"page": "/"})
        assert data["session_id"] == session_id
        assert (data["status"], data["task_type"]) == ("pending", "general_info")
        assert desk.answer(answer_to(data["correlation_id"], "At nine."))
        for client in (one, two):
            heard = client.until("agent_response")
            assert heard[-1]["data"] == {
                "session_id": session_id,
                "response": "At nine.",
                "requires_human_handoff": False,
                "suggested_actions": [],
                "sources": ["hours.md"],
                "correlation_id": data["correlation_id"],
            }
            assert heard[-1]["id"]
        typed = [m["data"] for m in follow_log(web, session_id) if m["type"] == "transcript"]
        assert [(t["speaker"], t["text"], t["typed"]) for t in typed] == [
            ("caller", "When do you open?", True)
        ]


def follow_log(web: Web, session_id: str) -> list[dict[str, Any]]:
    answer = loopback.get(f"{web.url}/orchestrator/session/{session_id}/events", timeout=10)
    return answer.json()["events"]


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ({"type": "chat"}, "invalid_request", "message"),
        ({"type": "chat", "message": ""}, "invalid_request", "message"),
        ({"type": "chat", "message": "x" * 4001}, "invalid_request", "message"),
        (
            {"type": "chat", "message": "a", "context": {"b": "x" * 8192}},
            "invalid_request",
            "context",
        ),
        ({"type": "chat", "message": "a", "contxt": {}}, "invalid_request", "contxt"),
        ({"type": "chat", "message": "a", "id": [1]}, "malformed_message", None),
        ({"type": "chat", "message": "a", "id": "x" * 129}, "malformed_message", None),
    ],
)
def test_chat_when_a_field_is_wrong_then_the_frame_names_it(
    web: Web, actor: Actor, message: dict[str, Any], code: str, field: str | None
) -> None:
    with follow(web.ws_url, actor.text()) as client:
        client.until("session_state")
        frame = client.ask({"id": 7, **message})
        assert (frame["type"], frame["data"]["code"]) == ("error", code)
        assert frame["data"].get("field") == field
        if field is not None:
            assert frame["id"] == 7
        if field == "contxt":
            assert frame["data"]["errors"][0]["nearest"] == "context"
        assert client.ask({"type": "ping"}) == {"type": "pong"}


def test_chat_when_the_longest_message_is_all_escapes_then_it_is_taken(
    web: Web, actor: Actor
) -> None:
    with follow(web.ws_url, actor.text(scope="development")) as client:
        client.until("session_state")
        assert asked(client, message="\U0001f600" * 4000)["status"] == "pending"


def test_chat_when_the_session_is_ending_then_the_frame_says_so(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(scope="development")
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        store.begin_ending(session_id, Reason.ENDED_BY_API)
        client.say({"type": "chat", "message": "Hello?", "id": 1})
        frame = client.until("error")[-1]
        assert (frame["data"]["code"], frame["id"]) == ("session_over", 1)


def test_chat_when_embeddings_hang_then_events_flow_and_the_flood_is_bounded(
    serve_web: ServeWeb, actor: Actor, store: SessionStore
) -> None:
    with stalled_server() as url, serve_web(inference_url=f"{url}/v1") as web:
        session_id = actor.text(scope="development")
        with follow(web.ws_url, session_id) as client:
            client.until("session_state")
            for n in range(20):
                client.say({"type": "chat", "message": "Is anybody there?", "id": n})
            for n in range(5):
                store.emit(session_id, "agent_state", {"n": n})
            frames = client.until("agent_state")
            assert not [f for f in frames if f["type"] == "chat_accepted"], "the events waited"
            heard = frames + [client.receive() for _ in range(20 + 4 + 9 - len(frames))]
            refused = [f["id"] for f in heard if f["type"] == "error"]
            accepted = [f["id"] for f in heard if f["type"] == "chat_accepted"]
            assert sorted([*refused, *accepted]) == list(range(20))
            assert accepted == sorted(accepted)
            assert 8 <= len(accepted) <= 9
            assert [f["data"]["n"] for f in heard if f["type"] == "agent_state"] == list(range(5))


def test_socket_when_the_name_is_new_then_a_session_in_writing_is_made(
    web: Web, directory: Directory, desk: Desk
) -> None:
    with follow(web.ws_url, "session-abc-123", user_id="Ada") as client:
        first = client.confirmed()["data"]
        assert first["aliases"] == ["session-abc-123"]
        assert (first["state"], first["channel"]) == ("ready", "text")
        session = directory.load(first["session_id"])
        assert session is not None
        assert session.user_name == "Ada"
        body = {"session_id": "session-abc-123", "message": "Hm?", "user_id": "Ada"}
        answer = loopback.post(f"{web.url}/chat", json=body, timeout=10).json()
        assert answer["session_id"] == first["session_id"]
        assert desk.answer(answer_to(answer["correlation_id"], "Hm."))
        assert client.until("agent_response")[-1]["data"]["response"] == "Hm."


def test_socket_when_many_race_for_a_new_name_then_they_share_one_session(
    web: Web, redis: Redis
) -> None:
    def race(n: int) -> str:
        if n % 2:
            body = {"session_id": "race", "message": "Hm?", "user_id": f"u{n}"}
            return loopback.post(f"{web.url}/chat", json=body, timeout=10).json()["session_id"]
        with follow(web.ws_url, "race") as client:
            return client.confirmed()["data"]["session_id"]

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(race, range(8)))) == 1
    assert redis.zcard(keys.LIVE) == 1


@pytest.mark.parametrize(
    ("reference", "status"),
    [("session_123", 400), ("a%20b", 400), ("session_1753590741399_k3f9a0z81qxe", 404)],
)
def test_socket_when_the_reference_cannot_be_a_name_then_it_is_refused(
    web: Web, redis: Redis, reference: str, status: int
) -> None:
    assert refusal(web.ws_url, reference)[0] == status
    assert redis.zcard(keys.LIVE) == 0


def test_three_sessions_when_asked_at_once_then_each_hears_its_own_answers(
    web: Web, desk: Desk
) -> None:
    names = ["one", "two", "three"]

    def talk(name: str) -> list[str]:
        with follow(web.ws_url, name) as client:
            client.confirmed()
            for n in range(10):
                data = asked(client, message=f"{name} {n}", id=n)
                assert desk.answer(answer_to(data["correlation_id"], f"to {name} {n}"))
                heard = client.until("agent_response")[-1]["data"]
                assert heard["correlation_id"] == data["correlation_id"]
            return [
                m["data"]["response"]
                for m in follow_log(web, name)
                if m["type"] == "agent_response"
            ]

    with ThreadPoolExecutor(3) as threads:
        for name, heard in zip(names, threads.map(talk, names), strict=True):
            assert heard == [f"to {name} {n}" for n in range(10)]


@pytest.fixture(scope="module")
def quiet(serve_web: ServeWeb) -> Iterator[Web]:
    """A web front that lets a session ask three questions a minute."""
    with serve_web(limit_questions_per_minute=3) as served:
        yield served


def test_chat_when_a_socket_asks_too_much_then_it_is_told_when_to_come_back(
    quiet: Web, actor: Actor, redis: Redis
) -> None:
    session_id = actor.text(scope="development")
    with follow(quiet.ws_url, session_id) as client:
        client.until("session_state")
        frames: list[dict[str, Any]] = []
        # Seven cannot all be taken, even where a minute ends among them.
        for n in range(7):
            client.say({"type": "chat", "message": "Hm?", "id": n})
            frames.append(next_of(client, "chat_accepted", "error"))
        refused = [f for f in frames if f["type"] == "error"]
        assert refused
        assert {f["data"]["code"] for f in refused} == {"limit_reached"}
        assert all(1 <= f["data"]["retry_after"] <= 60 for f in refused)
    assert int(redis.hget(SessionKeys.of(session_id).session, "chatCount") or 0) <= 3


def next_of(client: Client, *kinds: str) -> dict[str, Any]:
    while (frame := client.receive())["type"] not in kinds:
        pass
    return frame
