"""`switchboard chat`: one question, lines from a pipe, and somebody at a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from typing import Any

from tests.fixtures.house import House
from tests.support.conversation import conversing
from tests.support.cutting import line_to
from tests.support.eventually import eventually
from tests.support.speech import understood
from tests.support.terminal import terminal

HOURS = "What are your opening hours?"
ADDRESS = "Where is your shop?"


def run(house: House, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["switchboard", "chat", *arguments],
        env={**os.environ, **house.env},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def frames_of(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_chat_when_asked_one_thing_then_prints_the_answer_and_its_sources_and_ends(
    house: House,
) -> None:
    result = run(house, ADDRESS)
    assert result.returncode == 0, result.stderr
    answer, evidence = result.stdout.splitlines()
    assert "42 Maple Street" in answer
    assert evidence.strip().startswith("from ")
    house.assert_nothing_is_left()


def test_chat_when_nothing_is_known_then_says_that_a_person_should_take_over(house: House) -> None:
    result = run(house, "Who won the football championship last year?")
    assert result.returncode == 0, result.stderr
    assert "a person should take over" in result.stdout


def test_chat_when_lines_come_from_a_pipe_then_answers_each_in_turn(house: House) -> None:
    result = run(house, "--user", "Ann", given=f"{HOURS}\n\n  {ADDRESS}  \n")
    assert result.returncode == 0, result.stderr
    said = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line.partition(":")[0] for line in said[:4]] == ["you", "agent", "you", "agent"]
    assert said[0] == f"you: {HOURS}"
    assert "Saturday" in said[1]
    assert "Maple Street" in said[3]
    house.assert_nothing_is_left()


def test_chat_when_read_by_a_program_then_prints_every_frame(house: House) -> None:
    result = run(house, "--json", ADDRESS)
    assert result.returncode == 0, result.stderr
    frames = frames_of(result)
    assert frames[0]["type"] == "session_confirmed"
    assert frames[0]["data"]["channel"] == "text"
    assert frames[-1]["type"] == "session_ended"
    [accepted] = [frame for frame in frames if frame["type"] == "chat_accepted"]
    [answer] = [frame["data"] for frame in frames if frame["type"] == "agent_response"]
    assert answer["correlation_id"] == accepted["data"]["correlation_id"]
    assert "Maple Street" in answer["response"]


def test_chat_when_the_session_is_named_then_it_stays_and_can_be_joined_again(house: House) -> None:
    first = run(house, "--session", "my-chat", "--knowledge", "sample", "--json", HOURS)
    second = run(house, "--session", "my-chat", "--json", ADDRESS)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    ids = {frame["data"].get("session_id") for frame in (*frames_of(first), *frames_of(second))}
    [session_id] = ids - {None}
    assert house.show(session_id)["state"] == "ready"
    again = run(house, "--session", "my-chat", "--knowledge", "sample", ADDRESS)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_chat_when_the_session_is_unknown_or_the_message_too_long_then_fails_with_a_sentence(
    house: House,
) -> None:
    unknown = run(house, "--session", "session_1753590741399_qlgq6cfjw", HOURS)
    assert unknown.returncode == 1
    assert "There is no session" in unknown.stderr
    long = run(house, "a" * 4001)
    assert long.returncode == 1
    assert "4000" in long.stderr
    wrong = run(house, "--knowledge", "no-such-base", HOURS)
    assert wrong.returncode == 1
    assert "knowledge" in wrong.stderr
    for result in (unknown, long, wrong):
        assert result.stdout == ""
        assert "Traceback" not in result.stderr


def test_chat_when_the_line_is_cut_then_nothing_is_lost_and_nothing_said_twice(
    house: House,
) -> None:
    with line_to(house.settings.port) as line:
        process = subprocess.Popen(
            ["switchboard", "chat", "--url", line.url, "--json"],
            env={**os.environ, **house.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            frames = [json.loads(process.stdout.readline())]
            assert line.cut() > 0
            process.stdin.write(f"{ADDRESS}\n")
            process.stdin.flush()
            while frames[-1]["type"] != "agent_response":
                frames.append(json.loads(process.stdout.readline()))
            rest, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    frames += [json.loads(frame) for frame in rest.splitlines()]
    kinds = [frame["type"] for frame in frames]
    for kind in ("session_confirmed", "agent_response", "session_ended"):
        assert kinds.count(kind) == 1
    assert kinds.count("transcript") == 1


def test_chat_when_somebody_types_then_both_sides_are_seen_and_the_session_ends_with_it(
    house: House,
) -> None:
    with terminal(["switchboard", "chat", "--user", "Ann"], house.env) as screen:
        screen.wait_for(">", last=True)
        screen.type(f"{HOURS}\r")
        screen.wait_for("from opening-hours.md")
        screen.wait_for(">", last=True)
        screen.type(f"{ADDRESS}\r")
        screen.wait_for("from visit.html")
        # What was typed is on the screen once, in what was said, and the prompt waits below.
        lines = screen.wait_for(">", last=True)
        assert [line for line in lines if HOURS in line] == [f"you: {HOURS}"]
        assert [line for line in lines if ADDRESS in line] == [f"you: {ADDRESS}"]
        assert sum(line.startswith("agent: ") for line in lines) == 2
        screen.type("\x04")
        assert screen.wait_for_end() == 0
    house.assert_nothing_is_left()


def test_chat_when_ctrl_c_is_pressed_then_it_leaves_cleanly(house: House) -> None:
    with terminal(["switchboard", "chat"], house.env) as screen:
        screen.wait_for(">", last=True)
        screen.type("half a sen")
        screen.wait_for("> half a sen", last=True)
        screen.interrupt()
        assert screen.wait_for_end() == 0
        assert not screen.ever_showed("Traceback")
    house.assert_nothing_is_left()


def test_chat_when_the_session_ends_elsewhere_then_says_so_and_leaves(house: House) -> None:
    with terminal(["switchboard", "chat", "--session", "ends-elsewhere"], house.env) as screen:
        screen.wait_for(">", last=True)
        [session_id] = eventually(lambda: house.directory.newest(None, None, 10))
        house.end(session_id)
        screen.wait_for("The session has ended")
        assert screen.wait_for_end() == 0


def test_chat_when_it_joins_a_call_then_sees_both_sides_and_has_its_answers_spoken(
    house: House,
) -> None:
    async def call() -> None:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            command = ["switchboard", "chat", "--session", talk.session_id, "--speak"]
            with terminal(command, house.env) as screen:
                await asyncio.to_thread(screen.wait_for, "agent, aloud: Hello, how can I help")
                await talk.ask(HOURS)
                await asyncio.to_thread(screen.wait_for, "caller: What are your opening hours?")
                await asyncio.to_thread(screen.wait_for, "agent, aloud: We are open")
                typed = time.monotonic()
                screen.type(f"{ADDRESS}\r")
                began = await talk.caller.hears_after(typed)
                await talk.caller.hears_silence_after(began, pause=1.0)
                lines = await asyncio.to_thread(screen.wait_for, "from visit.html")
                assert any(shown.startswith("agent: ") for shown in lines)
                screen.type("\x04")
                assert await asyncio.to_thread(screen.wait_for_end) == 0
            url = house.settings.inference_url
            heard = await asyncio.to_thread(understood, url, talk.caller.hearing.between(began))
            assert "maple street" in heard
            # Whoever joins a call leaves it as it is.
            assert house.show(talk.session_id)["state"] == "ready"
            await talk.end()

    asyncio.run(call())
