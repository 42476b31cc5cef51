"""`switchboard doctor` asks each provider for a little of its work."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from orchestrator.cli import main
from orchestrator.cli.checks.table import CHECKS
from tests.fixtures.inference import InferenceServer
from tests.support.ports import free_port
from tests.support.processes import ROOT
from tests.support.scripted_answers import Answer, cut, error, speech, stalling, words
from tests.support.scripted_openai import (
    CHAT,
    EMBEDDINGS,
    HEARING,
    SPEECH,
    ScriptedOpenAI,
    scripted_openai,
)
from tests.support.settings import environment_of, settings_with

SLOTS = {
    "hearing": (HEARING, "STT"),
    "speech": (SPEECH, "TTS"),
    "thinking": (CHAT, "LLM"),
    "embeddings": (EMBEDDINGS, "EMBEDDINGS"),
}


@pytest.fixture
def provider() -> Iterator[ScriptedOpenAI]:
    with scripted_openai() as server:
        yield server


@pytest.fixture(autouse=True)
def only_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the other parts unexamined."""
    kept = {"inference", "providers", *SLOTS}
    few = {name: check for name, check in CHECKS.items() if name in kept}
    monkeypatch.setattr("orchestrator.cli.checks.table.CHECKS", few)


def examine(**values: object) -> dict[str, tuple[str, str]]:
    """Return the verdict and the sentence for each part."""
    settings = settings_with(**{"provider_stall_seconds": 1, **values})
    result = CliRunner(env=environment_of(settings)).invoke(main, ["doctor", "--json"])
    checks = json.loads(result.stdout)["checks"]
    assert not [c for c in checks if c["detail"].startswith("The check itself failed")]
    return {check["name"]: (check["verdict"], check["detail"]) for check in checks}


def at(url: str, **more: object) -> dict[str, object]:
    """Return settings with which every slot is served at ``url``."""
    slots = [setting.lower() for _, setting in SLOTS.values()]
    urls = {f"{slot}_url": url for slot in slots}
    models = {f"{slot}_model": "large" for slot in slots}
    return {**urls, **models, "tts_provider": "openai", **more}


def test_doctor_when_providers_are_well_then_each_does_a_little(provider: ScriptedOpenAI) -> None:
    found = examine(**at(provider.url), stt_key="k-1", inference_port=free_port())
    assert {found[name][0] for name in (*SLOTS, "providers")} == {"ok"}
    assert found["inference"][0] == "warning", "nobody needs it, and nobody stands in"
    assert provider.asked(HEARING)[0].key == "k-1"
    assert provider.asked(SPEECH)[0].body["voice"] == "nova"


@pytest.mark.parametrize(
    "bad",
    [error(401, "No such key."), stalling(speech()), cut(speech()), Answer([b"{}"])],
    ids=["refuses", "is silent", "hangs up", "answers something else"],
)
@pytest.mark.parametrize("slot", SLOTS)
def test_doctor_when_a_provider_is_not_well_then_says_what_and_where(
    provider: ScriptedOpenAI, slot: str, bad: Answer
) -> None:
    path, setting = SLOTS[slot]
    if path == SPEECH and bad.pieces == [b"{}"]:
        bad = Answer([])  # any bytes are sound.
    provider.usual[path] = bad
    found = examine(**at(provider.url))
    verdict, detail = found.pop(slot)
    assert verdict == "broken"
    assert provider.url in detail
    assert f"SWITCHBOARD_{setting}_URL" in detail
    assert {found[name][0] for name in SLOTS if name != slot} == {"ok"}
    if bad.status == 401:
        assert "(401)" in detail
        assert "No such key." in detail


def test_doctor_when_the_house_does_it_then_tries_its_models(inference: InferenceServer) -> None:
    result = examine(inference_url=inference.url, provider_stall_seconds=30)
    assert {verdict for verdict, _ in result.values()} == {"ok"}
    assert "hears a word" in result["hearing"][1]


def test_doctor_when_the_settings_contradict_each_other_then_says_the_sentence() -> None:
    found = examine(llm_model="large", inference_port=free_port())
    assert found["providers"][0] == found["thinking"][0] == "broken"
    assert "SWITCHBOARD_LLM_MODEL is large" in found["providers"][1]


def test_doctor_when_a_plugin_is_named_then_it_is_tried_too(
    provider: ScriptedOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = str(ROOT / "tests" / "support" / "plugins")
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setenv("PYTHONPATH", plugins)
    monkeypatch.setenv("SCRIPTED_URL", provider.url)
    monkeypatch.chdir(ROOT)
    provider.usual[CHAT] = words("Yes.")
    provider.usual[SPEECH] = error(500)
    found = examine(
        tts_plugin="scripted",
        tts_provider="openai",
        tts_key="k-1",
        llm_plugin="scripted",
        llm_key="k-2",
        inference_port=free_port(),
    )
    assert found["thinking"][0] == "ok", found["thinking"]
    assert "The plugin scripted words an answer" in found["thinking"][1]
    assert found["speech"][0] == "broken"
    assert "The plugin scripted fails" in found["speech"][1]
