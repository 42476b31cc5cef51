"""What do those who watch a call learn of what is said?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import Mock

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.voice import SpeechHandle, io

from agents.knowledge.answering import Answer
from agents.voice.answers import noted
from agents.voice.ears import Ears
from agents.voice.narrator import Narrator
from agents.voice.output import _without_lead
from agents.voice.reporter import Reporter
from agents.voice.script import Cut
from agents.voice.words import Words
from sessions.control import Command, Order


@dataclass
class Notes:
    """A reporter that keeps what it is told."""

    told: list[tuple[str, Mapping[str, Any]]] = field(
        default_factory=list[tuple[str, Mapping[str, Any]]]
    )
    turns: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    stamps: list[str] = field(default_factory=list[str])
    fields: dict[str, str] = field(default_factory=dict[str, str])

    def tell(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        turn: Mapping[str, Any] | None = None,
        stamps: Sequence[str] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.fields.update(fields or {})
        self.told.append((kind, data))
        self.stamps.extend(stamps)
        if turn is not None:
            self.turns.append(turn)

    def transcripts(self) -> list[tuple[str, str, bool]]:
        return [(d["speaker"], d["text"], d["final"]) for k, d in self.told if k == "transcript"]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def session(notes: Notes) -> rtc.EventEmitter[str]:
    emitter = rtc.EventEmitter[str]()
    Narrator(cast("AgentSession", emitter), cast("Reporter", notes))
    return emitter


def heard(text: str, *, final: bool = False) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=final)


def item(role: str, text: str, **more: Any) -> ConversationItemAddedEvent:
    message = ChatMessage(role=cast("Any", role), content=[text], **more)
    return ConversationItemAddedEvent(item=message)


def test_caller_when_speaking_then_is_shown_as_they_speak_and_written_down_once(
    session: rtc.EventEmitter[str], notes: Notes
) -> None:
    for event in (heard("What"), heard("What"), heard("What is it?"), heard("What is it?")):
        session.emit("user_input_transcribed", event)
    session.emit("user_input_transcribed", heard("What is it?", final=True))
    session.emit("conversation_item_added", item("user", "What is it?"))
    assert notes.transcripts() == [
        ("caller", "What", False),
        ("caller", "What is it?", False),
        ("caller", "What is it?", True),
    ]
    assert notes.turns == [{"role": "user", "text": "What is it?", "interrupted": False}]


def test_turn_when_it_comes_in_parts_then_each_is_shown_after_those_before(
    session: rtc.EventEmitter[str], notes: Notes
) -> None:
    session.emit("user_input_transcribed", heard("One.", final=True))
    session.emit("user_input_transcribed", heard("Two"))
    session.emit("conversation_item_added", item("user", "One. Two."))
    session.emit("user_input_transcribed", heard("Three"))
    assert [text for _, text, _ in notes.transcripts()] == [
        "One.",
        "One. Two",
        "One. Two.",
        "Three",
    ]


def test_answer_when_interrupted_then_all_tell_what_was_heard_of_it(
    session: rtc.EventEmitter[str], notes: Notes
) -> None:
    extra = noted(Answer("We open at nine in the morning.", ("hours.md",)))
    metrics = {"e2e_latency": 0.6123}
    event = item("assistant", "We open at", interrupted=True, extra=extra, metrics=metrics)
    session.emit("conversation_item_added", event)
    turn = {"role": "assistant", "text": "We open at", "interrupted": True, "latency_ms": 612}
    assert notes.turns == [turn]
    assert [kind for kind, _ in notes.told] == ["transcript", "agent_response"]
    assert notes.told[0][1]["latency_ms"] == 612
    assert notes.told[0][1]["interrupted"] is True
    assert notes.told[1][1]["response"] == "We open at"
    assert notes.told[1][1]["sources"] == ["hours.md"]


def test_words_when_they_are_under_way_then_are_noted_until_they_are_a_turn(notes: Notes) -> None:
    session = rtc.EventEmitter[str]()
    session.current_speech = Mock(interrupted=False)  # pyright: ignore[reportAttributeAccessIssue]
    narrator = Narrator(cast("AgentSession", session), cast("Reporter", notes))
    narrator.partial("We open", 1)
    session.emit("user_input_transcribed", heard("No"))
    assert notes.fields == {"saying": "We open", "hearing": "No"}
    session.emit("conversation_item_added", item("assistant", "We open", interrupted=True))
    assert notes.fields == {"saying": "", "hearing": "No"}
    session.emit("conversation_item_added", item("user", "No."))
    assert notes.fields == {"saying": "", "hearing": ""}
    # Its last words may be written after it: they are a turn already.
    narrator.partial("We open", 1)
    assert notes.fields["saying"] == ""
    narrator.partial("We", 2)
    assert notes.fields["saying"] == "We"


def test_order_when_carried_out_then_is_ticked_off_and_its_words_are_no_turn(notes: Notes) -> None:
    async def say() -> None:
        speech = SpeechHandle.create()
        session = rtc.EventEmitter[str]()
        session.current_speech = speech  # pyright: ignore[reportAttributeAccessIssue]
        narrator = Narrator(cast("AgentSession", session), cast("Reporter", notes))
        order = Order("17-3", Command.SAY, {"text": "Come in."})
        narrator.says_for(order, "Come in.", speech)
        narrator.partial("Come", 1)
        assert notes.fields == {}
        speech._mark_done()
        await asyncio.sleep(0.01)

    asyncio.run(say())
    assert notes.fields == {"heeded": "17-3"}
    assert notes.transcripts() == [("agent", "Come", False), ("agent", "Come in.", True)]
    assert notes.turns == []


def test_sentence_when_it_is_the_first_after_a_takeover_then_its_turn_says_so(
    notes: Notes,
) -> None:
    async def resume() -> None:
        session = rtc.EventEmitter[str]()
        narrator = Narrator(cast("AgentSession", session), cast("Reporter", notes))
        speech = SpeechHandle.create()
        narrator.resumes_with(speech)
        first, second = item("assistant", "Sorry."), item("assistant", "We open at nine.")
        assert isinstance(first.item, ChatMessage)
        speech._item_added([first.item])
        session.emit("conversation_item_added", first)
        session.emit("conversation_item_added", second)

    asyncio.run(resume())
    assert [turn.get("resuming", False) for turn in notes.turns] == [True, False]


def test_line_when_it_answers_nothing_then_there_is_no_response(
    session: rtc.EventEmitter[str], notes: Notes
) -> None:
    session.emit("conversation_item_added", item("assistant", "Hello."))
    session.emit("conversation_item_added", item("system", "Be brief."))
    session.emit("conversation_item_added", item("assistant", ""))
    assert [kind for kind, _ in notes.told] == ["transcript"]


def test_state_when_speaking_first_then_is_stamped(
    session: rtc.EventEmitter[str], notes: Notes
) -> None:
    changed = AgentStateChangedEvent(old_state="listening", new_state="speaking")
    session.emit("agent_state_changed", changed)
    assert notes.told == [("agent_state", {"state": "speaking"})]
    assert notes.stamps == ["firstAudio"]


def test_words_when_they_come_fast_then_not_each_is_told() -> None:
    told: list[tuple[str, int]] = []

    async def speak() -> None:
        words = Words(lambda text, utterance: told.append((text, utterance)))
        for word in ("We ", "open ", "at "):
            await words.capture_text(word)
        words.flush()
        await words.capture_text("Bye.")

    asyncio.run(speak())
    assert told == [("We", 1), ("Bye.", 2)]


class Microphone(io.AudioInput):
    """Hears the same loud frame for ever."""

    async def __anext__(self) -> rtc.AudioFrame:
        return rtc.AudioFrame(b"\1\2" * 512, 16_000, 1, 512)


def test_ears_when_closed_then_hear_silence_of_the_same_length() -> None:
    async def listen() -> list[bytes]:
        ears = Ears(Microphone(label="microphone"), open_=True)
        first = await anext(ears)
        ears.open = False
        return [bytes(first.data), bytes((await anext(ears)).data)]

    loud, silent = asyncio.run(listen())
    assert loud == b"\1\2" * 512
    assert silent == b"\0\0" * 512


def test_lead_when_a_sentence_begins_with_silence_then_is_left_out() -> None:
    samples = np.concatenate([np.zeros(960, np.int16), np.full(480, 3000, np.int16)])
    frame = rtc.AudioFrame(samples.tobytes(), 24_000, 1, samples.size)
    kept, sounds = _without_lead(frame)
    assert (kept.samples_per_channel, sounds) == (480, True)
    silence = rtc.AudioFrame(bytes(1920), 24_000, 1, 960)
    kept, sounds = _without_lead(silence)
    assert (kept.samples_per_channel, sounds) == (24, False)


def test_sentence_when_it_is_parted_for_another_agent_then_its_turn_ends_where_it_stopped(
    notes: Notes,
) -> None:
    session = rtc.EventEmitter[str]()
    session.current_speech = Mock(interrupted=False)  # pyright: ignore[reportAttributeAccessIssue]
    narrator = Narrator(cast("AgentSession", session), cast("Reporter", notes))
    narrator.partial("We open at", 1)
    narrator.parts(Cut("We open at nine.", "We close at six."))
    extra = {"switchboard": {"sources": ["hours.md"]}}
    # What LiveKit takes for said is an estimate, and it comes in any order.
    session.emit(
        "conversation_item_added",
        item("assistant", "We open at nine. We", interrupted=True, extra=extra),
    )
    narrator.partial("We open at nine. We", 1)
    said = {"role": "assistant", "text": "We open at nine.", "interrupted": False}
    assert notes.turns == [said]
    assert notes.fields == {"saying": ""}
    [response] = [data for kind, data in notes.told if kind == "agent_response"]
    assert response["response"] == "We open at nine. We close at six."
    narrator.partial("We", 2)
    assert notes.fields == {"saying": "We"}
