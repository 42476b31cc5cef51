"""Chat through the whole house: the web front, the broker, the worker that answers, the sockets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from sessions import keys
from sessions.questions.desk import Desk
from sessions.questions.schemas import schemas
from tests.fixtures.house import House
from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.questions import question
from tests.support.sockets import Client, follow

OPENING = "What are your opening hours?"
HANDOFF = "I want to talk to a human being."
TALK = "Hello, how are you?"


def ask(house: House, prefer: str = "", **body: Any) -> httpx.Response:
    headers = {"Prefer": prefer} if prefer else {}
    return loopback.post(f"{house.url}/chat", json=body, headers=headers, timeout=30)


def answer(client: Client) -> dict[str, Any]:
    """Return the next answer on a socket, as its schema has it."""
    event = client.until("agent_response")[-1]
    Draft202012Validator(schemas()["agent_response.json"]).validate(event)
    return event["data"]


def test_chat_when_asked_over_http_then_the_answer_is_on_the_socket_and_can_be_read(
    house: House,
) -> None:
    with follow(house.ws_url, "session-abc-123") as client:
        session_id = client.confirmed()["data"]["session_id"]
        accepted = ask(house, session_id="session-abc-123", user_id="Ann", message=OPENING)
        assert accepted.status_code == 202
        data = answer(client)
        assert data["correlation_id"] == accepted.json()["correlation_id"]
        assert data["session_id"] == session_id
        assert data["sources"]
        assert not data["requires_human_handoff"]
        found = loopback.get(f"{house.url}{accepted.headers['Location']}", timeout=10)
        assert found.status_code == 200
        assert found.json()["response"] == data["response"]

        waited = ask(house, "wait=10", session_id=session_id, message=HANDOFF)
        assert waited.status_code == 200
        assert waited.json()["task_type"] == "human_handoff"
        assert waited.json()["requires_human_handoff"]
        assert answer(client)["response"] == waited.json()["response"]

        client.say({"type": "chat", "message": TALK, "id": 3})
        frame = client.until("chat_accepted")[-1]
        assert (frame["id"], frame["data"]["task_type"]) == (3, "small_talk")
        assert answer(client)["correlation_id"] == frame["data"]["correlation_id"]


def test_chat_when_three_sessions_ask_at_once_then_nobody_hears_another(house: House) -> None:
    questions = (OPENING, HANDOFF, TALK)

    def talk(n: int) -> tuple[set[str], set[str]]:
        with follow(house.ws_url, f"talk-{n}") as client:
            session_id = client.confirmed()["data"]["session_id"]
            for message in questions:
                client.say({"type": "chat", "message": message})
            frames: dict[str, list[dict[str, Any]]] = {"chat_accepted": [], "agent_response": []}
            while any(len(found) < len(questions) for found in frames.values()):
                frame = client.receive()
                frames.get(frame["type"], []).append(frame["data"])
            for data in frames["agent_response"]:
                assert data["session_id"] == session_id
            asked, heard = ({data["correlation_id"] for data in found} for found in frames.values())
            return asked, heard

    with ThreadPoolExecutor(3) as threads:
        for asked, heard in threads.map(talk, range(3)):
            assert asked == heard


def test_chat_when_the_session_ends_then_what_was_written_is_in_the_archive(house: House) -> None:
    asked = ask(house, "wait=10", user_id="Ann", message=OPENING).json()
    house.end(asked["session_id"])
    shown = house.wait_for_state(asked["session_id"], "ended")
    assert (shown["reason"], shown["channel"]) == ("ended_by_api", "text")
    assert [(turn["role"], turn["text"]) for turn in shown["transcript"]] == [
        ("user", OPENING),
        ("assistant", asked["response"]),
    ]
    late = ask(house, session_id=asked["session_id"], message="Hello?")
    assert (late.status_code, late.json()["code"]) == (410, "session_over")
    again = loopback.get(f"{house.url}/chat/{asked['correlation_id']}", timeout=10)
    assert again.json()["response"] == asked["response"]


def test_chat_when_the_front_dies_before_it_has_sent_then_the_question_is_answered(
    house: House,
) -> None:
    session_id = ask(house, "wait=10", user_id="Ann", message=TALK).json()["session_id"]
    session = house.directory.load(session_id)
    assert session is not None
    request = question(session_id, OPENING)
    Desk(house.redis, house.settings).ask(session, request)
    house.redis.zadd(keys.OPEN_QUESTIONS, {request.correlation_id: 1})
    path = f"{house.url}/chat/{request.correlation_id}"
    found = loopback.get(path, headers={"Prefer": "wait=15"}, timeout=30)
    assert found.status_code == 200
    assert (found.json()["status"], bool(found.json()["sources"])) == ("SUCCESS", True)


def test_chat_when_nobody_writes_any_more_then_the_session_ends_by_itself(house: House) -> None:
    asked = ask(house, "wait=10", user_id="Ann", message=TALK).json()
    session_id = asked["session_id"]
    session = house.directory.load(session_id)
    assert session is not None
    # As if it had been as long ago as the house waits.
    key = keys.SessionKeys.of(session_id).session
    house.redis.hset(key, "activeAt", session.active_at - 15_000)
    house.redis.zadd(keys.DEADLINES, {session_id: 1})
    assert house.wait_for_state(session_id, "ended")["reason"] == "idle_timeout"


def test_log_when_something_was_asked_then_it_is_not_in_there(house: House) -> None:
    secret = "My card number is four two four two"
    assert ask(house, "wait=10", user_id="Ann", message=secret).status_code == 200
    for name in ("web", "upkeep", "beat"):
        lines = house.children[name].log.read_text().splitlines()
        assert not [line for line in lines if "four two" in line]

    def answered() -> list[str]:
        lines = house.children["upkeep"].log.read_text().splitlines()
        return [line for line in lines if "question_answered" in line]

    for line in eventually(answered):
        assert "session_id=session_" in line
        assert "correlation_id=chat_" in line
