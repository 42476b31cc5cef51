"""Are the weights of Whisper whole, whoever asks for them and whatever has happened to them?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from inference import weights
from inference.weights import WeightsError, whisper_folder
from tests.support.processes import ROOT

ASK = """
import sys, pathlib, inference.weights
inference.weights.whisper_folder(pathlib.Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def test_weights_when_two_ask_at_once_then_both_get_them_whole(cache):
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK, str(cache)], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in asking:
        process.communicate(timeout=60)
    assert [process.returncode for process in asking] == [0, 0]
    folder = whisper_folder(cache)
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json", "lock", "model.bin", "tokenizer.json", "vocabulary.txt",
    ]  # fmt: skip
    assert weights._damaged(folder) == []


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_weights_when_a_file_is_damaged_then_it_is_made_again(cache, name, harm):
    file = whisper_folder(cache) / name
    if harm == "gone":
        file.unlink()
    else:
        with file.open("r+b") as content:
            if harm == "cut":
                content.truncate(1000)
            else:
                content.seek(1000)
                content.write(b"damage")
    assert weights._damaged(file.parent) == [name]
    assert weights._damaged(whisper_folder(cache)) == []


def test_weights_when_they_are_whole_then_nothing_is_written(cache):
    folder = whisper_folder(cache)
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert whisper_folder(cache) == folder
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_weights_when_the_cache_cannot_be_made_then_the_error_says_what_to_set(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="SWITCHBOARD_INFERENCE_CACHE_FOLDER"):
        whisper_folder(tmp_path / "file")


def test_weights_when_the_wheels_hold_others_then_they_are_not_used(cache, monkeypatch, tmp_path):
    monkeypatch.setitem(weights._DIGESTS, "config.json", "0" * 64)
    with pytest.raises(WeightsError, match=r"config\.json"):
        whisper_folder(tmp_path)
    [folder] = tmp_path.iterdir()
    assert not (folder / "config.json").exists()
