"""Which voices can a session ask for?"""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.errors import ConfigurationError, UnknownVoiceError
from sessions.voices import load_voices

SIX = ["Ashley", "Craig", "Edward", "Olivia", "Wendy", "Priya"]


def test_catalogue_when_the_one_that_ships_then_has_the_six_voices() -> None:
    voices = load_voices()
    assert voices.names == SIX == [voice.name for voice in voices]
    for voice in voices:
        assert voice.description
        assert voice.id_for("embedded") == voice.name
    assert len({voice.id_for("openai") for voice in voices}) == len(SIX)


@pytest.mark.parametrize("name", ["Craig", "craig", "CRAIG"])
def test_find_when_written_in_any_case_then_is_found(name: str) -> None:
    assert load_voices().find(name).name == "Craig"


@pytest.mark.parametrize(("name", "nearest"), [("Olivier", "Olivia"), ("Zorg", None)])
def test_find_when_unknown_then_lists_the_voices_and_the_nearest(
    name: str, nearest: str | None
) -> None:
    with pytest.raises(UnknownVoiceError) as caught:
        load_voices().find(name)
    assert caught.value.known == tuple(SIX)
    assert (caught.value.problems[0].field, caught.value.problems[0].nearest) == (
        "voiceId",
        nearest,
    )


def test_voice_when_the_provider_has_no_column_then_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="SWITCHBOARD_TTS_PROVIDER"):
        load_voices().find("Craig").id_for("acme")


def test_catalogue_when_of_ones_own_then_is_read(tmp_path: Path) -> None:
    path = tmp_path / "voices.toml"
    path.write_text('["Zoë"]\nembedded = "Ashley"\n', encoding="utf-8")
    assert load_voices(path).find("zoë").provider_ids == {"embedded": "Ashley"}


@pytest.mark.parametrize("content", [b"not toml", b"Ashley = 1", b"\xff\xfe"])
def test_catalogue_when_it_cannot_be_read_then_says_which(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voices.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        load_voices(path)
    with pytest.raises(ConfigurationError, match="missing"):
        load_voices(tmp_path / "missing.toml")
