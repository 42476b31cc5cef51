"""How many words of human speech does the house hear wrongly?"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jiwer

from bench.measuring import Goal, Row
from tests.fixtures.house import House
from tests.support.processes import ROOT
from tests.support.words import plain_words

HOW = (
    "Debian's package pocketsphinx-testdata: five sentences read aloud for LibriVox, and five "
    "short cards called out, each posted to `/v1/audio/transcriptions`. Both sides are compared as "
    "lower-case words, with small numbers and `Mr` written out; a slip of the reference itself "
    "(`a more a amiable`) counts against us."
)
MISSED = (
    "a card is two or three words without a sentence around them, which a small model hears as a "
    "word it knows better; name the words that are expected in the request's `prompt`."
)

_PACKAGE = "pocketsphinx-testdata"
_CACHE = ROOT / "var" / "bench" / _PACKAGE
_DATA = Path("usr/share/pocketsphinx/test/data")
_LINE = re.compile(r"<s>(?P<words>.*)</s>\s*\((?P<name>\S+)\)")


@dataclass(frozen=True)
class Part:
    """One folder of recordings, and the file that says what is said in them."""

    figure: str
    folder: str
    transcription: str
    goal: Goal | None


PARTS = (
    Part("word error rate, LibriVox", "librivox", "transcription", Goal(at_most=5)),
    Part("word error rate, cards", "cards", "cards.transcription", None),
)


def measure(house: House) -> list[Row]:
    """Have every recording transcribed, and count the words that differ."""
    data = _recordings() / _DATA
    with httpx.Client(base_url=house.settings.inference_url, timeout=60) as client:
        return [_row(client, data, part) for part in PARTS]


def _row(client: httpx.Client, data: Path, part: Part) -> Row:
    said: list[str] = []
    heard: list[str] = []
    for words, recording in _utterances(data / part.folder, part.transcription):
        said.append(plain_words(words))
        heard.append(plain_words(_transcribed(client, recording)))
    return Row(part.figure, "%", 100 * jiwer.wer(said, heard), goal=part.goal)


def _utterances(folder: Path, transcription: str) -> Iterator[tuple[str, Path]]:
    for line in (folder / transcription).read_text(encoding="ascii").splitlines():
        if found := _LINE.match(line):
            yield found["words"], folder / f"{found['name']}.wav"


def _transcribed(client: httpx.Client, recording: Path) -> str:
    answer = client.post(
        "audio/transcriptions",
        data={"model": "whisper-1", "response_format": "text"},
        files={"file": (recording.name, recording.read_bytes())},
    )
    return answer.raise_for_status().text


def _recordings() -> Path:
    """Return where the package is unpacked; fetches it the first time."""
    if (_CACHE / _DATA).is_dir():
        return _CACHE
    _CACHE.mkdir(parents=True, exist_ok=True)
    try:
        _run("apt-get", "download", _PACKAGE)
        [package] = _CACHE.glob("*.deb")
        _run("dpkg-deb", "-x", package.name, ".")
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        told = getattr(error, "stderr", "") or str(error)
        raise SystemExit(
            f"The recordings cannot be fetched: {told.strip()}\nThis figure needs Debian's package "
            f"{_PACKAGE}: unpack it by `dpkg-deb -x` into {_CACHE}."
        ) from error
    return _CACHE


def _run(*command: str) -> None:
    subprocess.run(command, cwd=_CACHE, check=True, capture_output=True, text=True)
