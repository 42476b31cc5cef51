"""`switchboard sessions`, `show` and `end`: what the API knows, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli import main
from sessions.directory import Directory
from sessions.states import State
from sessions.store import SessionStore
from tests.fixtures.web import Web
from tests.support.ports import free_port
from tests.support.sessions import Actor

UNKNOWN = "session_1753590741399_qlgq6cfjw"


def ask(web: Web, *arguments: str) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(main, [command, "--url", web.url, *rest])


def ask_json(web: Web, *arguments: str) -> dict[str, Any]:
    result = ask(web, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [session["sessionId"] for session in answer["sessions"]]


def test_sessions_when_there_are_none_alive_then_says_so(web: Web, actor: Actor) -> None:
    result = ask(web, "sessions", "--status", "live")
    assert (result.exit_code, result.stdout) == (0, "No sessions.\n")


def test_sessions_when_some_live_then_lists_them_newest_first(web: Web, actor: Actor) -> None:
    first, second = actor.ready(user="Ann"), actor.queued(user="Bob")
    lines = ask(web, "sessions", "--status", "live").stdout.splitlines()
    assert lines[0].split() == ["SESSION", "STATE", "USER", "CHANNEL", "BEGAN", "LASTED", "END"]
    assert [line.split()[:4] for line in lines[1:]] == [
        [second, "queued", "Bob", "voice"],
        [first, "ready", "Ann", "voice"],
    ]


def test_sessions_when_filtered_then_lists_those_only(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    ann, bob, over = actor.ready(user="Ann"), actor.queued(user="Bob"), actor.ready(user="Cid")
    web.end_session(store, over)
    assert ids_of(ask_json(web, "sessions", "--user", "Ann", "--status", "live")) == [ann]
    assert ids_of(ask_json(web, "sessions", "--state", "queued")) == [bob]
    assert over in ids_of(ask_json(web, "sessions", "--status", "ended", "--limit", "300"))


def test_sessions_when_there_are_more_than_the_limit_then_says_so(web: Web, actor: Actor) -> None:
    actor.ready()
    newest = actor.ready()
    result = ask(web, "sessions", "--status", "live", "--limit", "1")
    assert newest in result.stdout
    assert "There are more; --limit 2 shows them." in result.stdout


def test_sessions_when_the_limit_is_more_than_a_page_then_turns_the_pages(
    web: Web, actor: Actor
) -> None:
    made = [actor.text() for _ in range(205)]
    answer = ask_json(web, "sessions", "--status", "live", "--limit", "203")
    assert len(answer["sessions"]) == 203
    assert set(ids_of(answer)) < set(made)
    assert answer["nextCursor"]


def test_show_when_a_session_lives_then_tells_all_of_it(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(user="Ann")
    said = {"speaker": "agent", "text": "Good morning.", "final": True}
    store.emit(session_id, "transcript", {**said, "text": "Good", "final": False})
    store.emit(session_id, "transcript", said)
    shown = ask(web, "show", session_id).stdout
    assert shown.startswith(f"{session_id} ready\n")
    words = [line.split() for line in shown.splitlines()]
    assert ["userName", "Ann"] in words
    assert ["accepted", "0.000", "s"] in words
    assert ["voiceId", "Ashley"] in words
    assert ["agent", "Good", "morning."] in words
    assert "transcript        agent: Good …" in shown
    assert "session_state     starting" in shown


def test_show_when_few_events_are_wanted_then_prints_the_last(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text()
    for number in range(1100):
        store.emit(session_id, "listening", {"n": number})
    answer = ask_json(web, "show", session_id, "--events", "3")
    assert answer["session"]["sessionId"] == session_id
    assert [event["data"]["n"] for event in answer["events"]] == [1097, 1098, 1099]


def test_show_when_a_session_has_ended_then_tells_why(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready()
    web.end_session(store, session_id)
    shown = ask(web, "show", session_id).stdout
    assert shown.startswith(f"{session_id} ended\n")
    assert "ended_by_api (user)" in shown


def test_end_when_a_session_lives_then_ends_it_and_again_changes_nothing(
    web: Web, actor: Actor, directory: Directory
) -> None:
    session_id = actor.ready()
    first, second = ask(web, "end", session_id), ask(web, "end", session_id)
    session = directory.load(session_id)
    assert session is not None
    assert session.state is State.ENDING
    assert first.stdout == second.stdout
    assert first.stdout == f"{session_id}: The session is ending. (ended_by_api)\n"


@pytest.mark.parametrize("command", ["show", "end"])
def test_a_command_when_the_session_is_unknown_then_says_so_in_a_sentence(
    web: Web, actor: Actor, command: str
) -> None:
    result = ask(web, command, UNKNOWN)
    assert result.exit_code == 1
    assert result.stderr == f"Error: There is no session '{UNKNOWN}' that you can see.\n"


def test_a_command_when_nothing_answers_then_asks_whether_switchboard_runs() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, ["sessions", "--url", url])
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: Nothing answers at {url}: is Switchboard running? `make run` starts it.\n"
    )


def test_a_command_when_a_field_is_wrong_then_names_it_and_the_nearest(
    web: Web, actor: Actor
) -> None:
    result = ask(web, "call", "--voice", "Craigg")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: voiceId: there is no voice 'Craigg'")
    assert result.stderr.endswith("(did you mean Craig?).\n")


def test_call_when_the_agent_is_unknown_then_says_which_there_are(web: Web) -> None:
    result = ask(web, "call", "--agent", "asistant")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: agent: there is no agent 'asistant'; the agents are")
