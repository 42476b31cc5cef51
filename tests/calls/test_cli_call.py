"""`switchboard call`: a whole call from the command line; the doctor of a house that is well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures.house import House
from tests.support.pitch import median_pitch
from tests.support.terminal import terminal

PATIENCE_SECONDS = 60
SOUND_DEVICE = """
import threading, time
import numpy as np

class PortAudioError(Exception): pass

class _Stream:
    def __init__(self, callback, blocksize, samplerate, **_):
        self.callback, self.blocksize = callback, blocksize
        self.running, self.pause = False, blocksize / samplerate
    def start(self):
        self.running = True
        threading.Thread(target=self.run, daemon=True).start()
    def run(self):
        while self.running:
            self.callback(np.zeros((self.blocksize, 1), np.int16), self.blocksize, None, None)
            time.sleep(self.pause)
    def stop(self):
        self.running = False
    close = stop

InputStream = OutputStream = _Stream
def query_devices(kind): return {"name": kind}
"""
"""A sound device as `sounddevice` shows one, into which nobody speaks."""


def environment(house: House) -> dict[str, str]:
    return {**os.environ, **house.env}


def run(
    house: House, *arguments: str | Path, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["switchboard", *map(str, arguments)],
        env=environment(house) | ({"PYTHONPATH": str(path)} if path else {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def lines_of(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def saved(path: Path) -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()


def transcripts(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    said = [event["data"] for event in events if event["type"] == "transcript"]
    return [(one["speaker"], one["text"]) for one in said if one["final"]]


def test_call_when_nothing_is_said_then_hears_the_opening_line_and_ends_the_session(
    house: House, tmp_path: Path
) -> None:
    line = "Good morning, this is the front desk."
    path = tmp_path / "call.wav"
    result = run(house, "call", "--json", "--user", "Ann", "--opening-line", line, "--save", path)
    assert result.returncode == 0, result.stderr
    *events, summary = lines_of(result)
    assert events[0]["type"] == "session_confirmed"
    assert events[-1]["type"] == "session_ended"
    assert events[-1]["data"]["reason"] == "ended_by_api"
    assert transcripts(events) == [("agent", line)]
    assert summary["type"] == "call_summary"
    assert summary["data"]["speechSeconds"] > 1
    recording, rate = saved(path)
    assert rate == 24_000
    assert recording.size / rate == pytest.approx(summary["data"]["callSeconds"], abs=0.5)
    assert 60 < median_pitch(recording, rate) < 500
    house.wait_for_state(events[0]["data"]["session_id"], "ended")


def test_call_when_read_by_people_then_tells_how_long_it_took(house: House) -> None:
    result = run(house, "call", "--user", "Ann", "--voice", "craig", "--opening-line", "Hello.")
    assert result.returncode == 0, result.stderr
    assert "agent: Hello." in result.stdout
    assert "Heard the agent" in result.stdout
    assert result.stderr == ""


def test_call_when_several_things_are_to_be_said_then_each_is_answered_in_turn(
    house: House,
) -> None:
    questions = ("What are your opening hours?", "Where is your shop?")
    say = [part for question in questions for part in ("--say", question)]
    result = run(house, "call", "--opening-line", "Hello.", *say)
    assert result.returncode == 0, result.stderr
    lines = [line.split(" s ", 1)[1] for line in result.stdout.splitlines() if " s " in line]
    said = [line.split(None, 1)[1] for line in lines if line.startswith("transcript")]
    assert [one.partition(":")[0] for one in said] == ["agent", *["caller", "agent"] * 2]
    assert "Saturday" in said[2]
    assert "Maple Street" in said[4]
    assert not any(one.endswith("…") for one in said)
    answers = [line for line in lines if line.startswith("agent_response")]
    assert len(answers) == 2
    assert all("from " in answer for answer in answers)


def test_call_when_shown_on_a_terminal_then_what_is_not_finished_is_seen_and_replaced(
    house: House,
) -> None:
    line = "Hello, this is a somewhat longer opening line."
    command = ["switchboard", "call", "--opening-line", line, "--seconds", "5"]
    with terminal(command, environment(house)) as screen:
        lines = screen.wait_for("Heard the agent")
        assert screen.wait_for_end() == 0
    assert sum(f"agent: {line}" in shown for shown in lines) == 1
    assert screen.ever_showed("agent: Hello")
    assert screen.ever_showed(" …")
    assert screen.ever_showed("(speaking)")
    assert not any("…" in shown or "(speaking)" in shown for shown in lines)


def test_call_when_there_is_no_sound_device_then_says_so_before_a_session_is_started(
    house: House, tmp_path: Path
) -> None:
    module = "class PortAudioError(Exception): pass\ndef query_devices(kind): "
    no_devices = "raise PortAudioError(f'Error querying device -1: {kind}')"
    (tmp_path / "sounddevice.py").write_text(module + no_devices)
    result = run(house, "call", "--microphone", path=tmp_path)
    assert result.returncode == 1
    assert "There is no microphone here" in result.stderr
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    result = run(house, "call", "--microphone", path=tmp_path)
    assert result.returncode == 1
    assert "install PortAudio" in result.stderr
    assert house.directory.count_live() == 0


def test_call_when_spoken_through_a_microphone_then_lasts_until_ctrl_c(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text(SOUND_DEVICE)
    command = ["switchboard", "call", "--microphone", "--opening-line", "Hello."]
    with terminal(command, {**environment(house), "PYTHONPATH": str(tmp_path)}) as screen:
        screen.wait_for("agent: Hello.")
        screen.interrupt()
        screen.wait_for("Heard the agent")
        assert screen.wait_for_end() == 0
        assert not screen.ever_showed("Traceback")


def test_call_when_told_to_speak_in_two_ways_then_asks_for_one(house: House) -> None:
    result = run(house, "call", "--say", "Hello.", "--microphone")
    assert result.returncode == 2
    assert "use one of them" in result.stderr


def test_call_when_seconds_are_given_then_stays_so_long(house: House) -> None:
    result = run(house, "call", "--json", "--opening-line", "Hello.", "--seconds", "4")
    assert result.returncode == 0, result.stderr
    assert lines_of(result)[-1]["data"]["callSeconds"] == pytest.approx(4, abs=1)


def test_call_when_interrupted_then_ends_the_session_and_leaves_cleanly(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    process = subprocess.Popen(
        ["switchboard", "call", "--json", "--seconds", "50", "--save", path],
        env=environment(house),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        events = [json.loads(process.stdout.readline())]
        while events[-1]["data"].get("state") != "speaking":
            events.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE_SECONDS)
    *more, summary = [json.loads(line) for line in rest.splitlines()]
    assert more[-1]["type"] == "session_ended"
    assert summary["type"] == "call_summary"
    assert "Traceback" not in errors
    assert path.exists()
    house.wait_for_state(events[0]["data"]["session_id"], "ended")


def test_call_when_no_agent_is_heard_then_fails(house: House) -> None:
    result = run(house, "call", "--opening-line", "", "--seconds", "2")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: No agent was heard.")


def test_show_when_a_call_has_ended_then_has_its_transcript(house: House) -> None:
    events = lines_of(run(house, "call", "--json", "--opening-line", "Hello."))
    session_id = events[0]["data"]["session_id"]
    house.wait_for_state(session_id, "ended")
    shown = run(house, "show", session_id).stdout
    assert ["agent", "Hello."] in [line.split() for line in shown.splitlines()]


def test_doctor_when_the_house_is_well_then_finds_nothing_broken(house: House) -> None:
    result = run(house, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    # The house of the tests runs no Flower.
    assert found.pop("flower")["verdict"] == "warning"
    assert {check["verdict"] for check in found.values()} == {"ok"}, found
    assert result.returncode == 0
