"""What a calling command hears, says, and makes of the events, without a call."""

from __future__ import annotations

import json
import threading
import wave
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import click
import numpy as np
import pytest

from orchestrator.cli import following
from orchestrator.cli.calling.course import Course
from orchestrator.cli.calling.hearing import Ear
from orchestrator.cli.calling.sound import RATE, Samples, read_wav, write_wav
from orchestrator.cli.following import Follower

TEN_MS = RATE // 100
LOUD = np.full(TEN_MS, 9000, np.int16)
SILENT = np.zeros(TEN_MS, np.int16)


def hear(ear: Ear, samples: Samples, start: float, seconds: float) -> None:
    """Let an ear hear the same ten milliseconds again and again."""
    for n in range(round(seconds * 100)):
        ear.hear("track", samples, start + (n + 1) / 100)


def agent_state(state: str) -> dict[str, object]:
    return {"type": "agent_state", "data": {"state": state}}


READY = {"type": "session_state", "data": {"state": "ready"}}


def tone(rate: int, seconds: float = 1.0, hertz: float = 220) -> Samples:
    t = np.arange(round(rate * seconds)) / rate
    return (12_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def save(path: Path, samples: Samples, rate: int, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def test_ear_when_speech_has_short_pauses_then_counts_them_as_speech() -> None:
    ear = Ear(record=False)
    hear(ear, SILENT, 0.0, 1.0)
    hear(ear, LOUD, 1.0, 1.0)
    hear(ear, SILENT, 2.0, 0.2)
    hear(ear, LOUD, 2.2, 0.8)
    hear(ear, SILENT, 3.0, 2.0)
    hear(ear, LOUD, 5.0, 1.0)
    assert ear.first_at == pytest.approx(1.01)
    assert ear.speech_seconds == pytest.approx(3.0, abs=0.05)
    assert ear.quiet_for(6.5) == pytest.approx(0.5)


def test_ear_when_the_lowest_sample_comes_then_it_is_loud() -> None:
    ear = Ear(record=False)
    ear.hear("track", np.full(TEN_MS, -32768, np.int16), 0.01)
    assert ear.first_at is not None


def test_recording_when_a_track_begins_late_then_silence_comes_before_it() -> None:
    ear = Ear(record=True)
    hear(ear, LOUD, 2.0, 1.0)
    recording = ear.recording(4.0)
    assert recording.size == 4 * RATE
    assert not recording[: 2 * RATE - TEN_MS].any()
    assert (recording[2 * RATE : 3 * RATE] == 9000).all()
    assert not recording[3 * RATE + TEN_MS :].any()


def test_recording_when_two_agents_overlap_then_mixes_them_without_overflow() -> None:
    ear = Ear(record=True)
    for track in ("first", "second"):
        ear.hear(track, np.full(TEN_MS, 20_000, np.int16), 0.01)
    assert (ear.recording(0.01) == 32_767).all()


def test_recording_when_a_call_is_long_then_keeps_all_of_it() -> None:
    ear = Ear(record=True)
    ear.hear("track", LOUD, 200.0)
    assert ear.recording(200.0)[-1] == 9000


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (44_100, 2), (8_000, 1), (48_000, 2)])
def test_wav_when_of_any_rate_then_is_read_as_24_khz_mono(
    tmp_path: Path, rate: int, channels: int
) -> None:
    samples = np.repeat(tone(rate), channels)
    heard = read_wav(save(tmp_path / "in.wav", samples, rate, channels))
    assert heard.size == pytest.approx(RATE, rel=0.02)
    spectrum = np.abs(np.fft.rfft(heard[: RATE // 2]))
    assert np.argmax(spectrum) * 2 == pytest.approx(220, abs=3)
    assert np.abs(heard.astype(int)).max() == pytest.approx(12_000, rel=0.1)


def test_wav_when_written_then_reads_back_the_same(tmp_path: Path) -> None:
    write_wav(tmp_path / "out.wav", tone(RATE))
    assert (read_wav(tmp_path / "out.wav") == tone(RATE)).all()


def test_wav_when_not_of_16_bits_then_says_what_it_must_be(tmp_path: Path) -> None:
    path = save(tmp_path / "in.wav", np.zeros(100, np.int8), 8000, width=1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(click.ClickException, match="one or two of 16"):
        read_wav(path)


def test_wav_when_no_wav_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    path.write_text("no sound at all")
    with pytest.raises(click.ClickException, match="cannot be read as a WAV file"):
        read_wav(path)


def test_opening_when_the_agent_pauses_between_sentences_then_is_not_over() -> None:
    ear = Ear(record=False)
    course = Course(ear, expects_opening=True)
    course.take(agent_state("speaking"), 1.0)
    hear(ear, LOUD, 1.0, 1.0)
    assert not course.opening_is_over(3.5)
    course.take(agent_state("listening"), 3.5)
    assert course.opening_is_over(3.6)


def test_opening_when_the_events_are_ahead_of_the_sound_then_waits_for_quiet() -> None:
    ear = Ear(record=False)
    course = Course(ear, expects_opening=True)
    hear(ear, LOUD, 1.0, 1.0)
    course.take(agent_state("speaking"), 1.0)
    course.take(agent_state("listening"), 1.9)
    assert not course.opening_is_over(2.2)
    assert course.opening_is_over(3.0)


def test_opening_when_no_events_come_then_the_ear_alone_decides() -> None:
    ear = Ear(record=False)
    course = Course(ear, expects_opening=True)
    hear(ear, LOUD, 1.0, 1.0)
    assert not course.opening_is_over(4.5)
    assert course.opening_is_over(5.5)


def test_opening_when_there_is_to_be_none_then_is_over_once_the_agent_is_ready() -> None:
    course = Course(Ear(record=False), expects_opening=False)
    assert not course.opening_is_over(5.0)
    course.take(READY, 5.0)
    assert course.opening_is_over(5.0)


def test_answer_when_the_agent_thinks_then_is_not_over() -> None:
    course = Course(Ear(record=False), expects_opening=False)
    course.take(agent_state("thinking"), 1.0)
    assert not course.answer_is_over(1.0, 60.0)
    course.take(agent_state("listening"), 60.0)
    assert course.answer_is_over(1.0, 60.0)


def test_call_when_a_ready_agent_stays_silent_then_is_hopeless() -> None:
    course = Course(Ear(record=False), expects_opening=True)
    assert not course.is_hopeless(100.0)
    course.take(READY, 100.0)
    assert not course.is_hopeless(110.0)
    assert course.is_hopeless(121.0)


def test_follower_when_the_room_was_never_joined_then_stops_all_the_same() -> None:
    Follower("ws://127.0.0.1:9", "token", lambda _event: None).stop()


def test_follower_when_the_house_is_away_for_longer_than_a_restart_then_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = {"id": "1-0", "type": "session_ended", "data": {}}
    refused, ended, events = [ConnectionRefusedError()] * 45, threading.Event(), list[Any]()

    def connect(*_: object, **__: object) -> Mock:
        if refused:
            raise refused.pop()
        return Mock(recv=lambda: json.dumps(end))

    monkeypatch.setattr(following, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(following.websocket, "create_connection", connect)
    follower = Follower("ws://127.0.0.1:9", "token", events.append)
    follower.on_end = lambda _why: ended.set()
    follower.start()
    assert ended.wait(5)
    assert events == [end]
