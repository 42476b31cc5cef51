"""Who serves a slot, and which sentence does a start end with that cannot work?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sessions.errors import ConfigurationError
from sessions.providers import Slot, check_providers, provider_of, uses_embedded
from tests.support.settings import settings_with

PLUGINS = Path(__file__).parents[1] / "support" / "plugins"
URL = "https://api.example.com/v1"


@pytest.fixture(autouse=True)
def a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plugin `scripted`, which speaks and thinks and cannot hear."""
    monkeypatch.syspath_prepend(str(PLUGINS))


def sentence(**values: object) -> str:
    """Return with what a start ends."""
    with pytest.raises(ConfigurationError) as caught:
        check_providers(settings_with(**values))
    return str(caught.value)


def test_providers_when_nothing_is_set_then_the_house_does_all_but_think() -> None:
    settings = settings_with(inference_url="http://127.0.0.1:8100/v1")
    check_providers(settings)
    assert uses_embedded(settings)
    assert provider_of(settings, Slot.LLM) is None
    for slot in (Slot.STT, Slot.TTS, Slot.EMBEDDINGS):
        provider = provider_of(settings, slot)
        assert provider is not None
        assert provider.embedded
        assert provider.url == "http://127.0.0.1:8100/v1"


@pytest.mark.parametrize("slot", list(Slot))
def test_providers_when_a_url_and_a_model_are_set_then_go_there(slot: Slot) -> None:
    values = {f"{slot}_url": URL, f"{slot}_model": "large", f"{slot}_key": "k-1"}
    settings = settings_with(**values)
    check_providers(settings)
    provider = provider_of(settings, slot)
    assert provider is not None
    assert (provider.url, provider.model, provider.embedded) == (URL, "large", False)
    assert provider.key.get_secret_value() == "k-1"


@pytest.mark.parametrize("slot", list(Slot))
def test_providers_when_a_url_has_no_model_then_asks_for_it(slot: Slot) -> None:
    said = sentence(**{f"{slot}_url": URL})
    assert said == (
        f"SWITCHBOARD_{slot.upper()}_URL is set: name the model there in "
        f"SWITCHBOARD_{slot.upper()}_MODEL."
    )


def test_providers_when_a_model_has_no_provider_then_asks_for_one() -> None:
    said = sentence(llm_model="large")
    assert "SWITCHBOARD_LLM_MODEL is large" in said
    assert "set SWITCHBOARD_LLM_URL or SWITCHBOARD_LLM_PLUGIN." in said
    assert sentence(embeddings_model="large").endswith("set SWITCHBOARD_EMBEDDINGS_URL.")


def test_providers_when_named_twice_then_asks_which() -> None:
    said = sentence(llm_url=URL, llm_model="large", llm_plugin="scripted")
    assert "SWITCHBOARD_LLM_URL and SWITCHBOARD_LLM_PLUGIN are two ways" in said


@pytest.mark.parametrize("url", ["ftp://host/v1", "host:81", "http://", "http://host:no/v1", "/v1"])
def test_providers_when_a_url_is_none_then_says_what_one_is_like(url: str) -> None:
    said = sentence(stt_url=url, stt_model="large")
    assert said.startswith(f"SWITCHBOARD_STT_URL is {url!r}, which is no address")
    assert "SWITCHBOARD_INFERENCE_URL" in sentence(inference_url=url)


@pytest.mark.parametrize("name", ["deepgram_of_nobody", "../../etc", "livekit-plugins-deepgram"])
def test_providers_when_a_plugin_is_not_installed_then_says_what_to_install(name: str) -> None:
    said = sentence(stt_plugin=name)
    assert said.startswith(f"SWITCHBOARD_STT_PLUGIN is {name!r}, which is not installed")
    assert f"install livekit-plugins-{name.replace('_', '-')}" in said


def test_providers_when_a_plugin_cannot_do_it_then_asks_for_another() -> None:
    said = sentence(stt_plugin="scripted")
    assert said == (
        "SWITCHBOARD_STT_PLUGIN is 'scripted', which has no STT: name a plugin that does."
    )


def test_providers_when_a_plugin_can_do_it_then_is_content() -> None:
    settings = settings_with(llm_plugin="scripted", tts_plugin="scripted", tts_provider="openai")
    check_providers(settings)
    provider = provider_of(settings, Slot.LLM)
    assert provider is not None
    assert provider.plugin == "scripted"


def test_providers_when_the_catalogue_lacks_a_voice_there_then_names_it(tmp_path: Path) -> None:
    voices = tmp_path / "voices.toml"
    voices.write_text('[Ann]\nembedded = "Wendy"\nscripted = "a-1"\n[Bob]\nembedded = "Craig"\n')
    said = sentence(voices_file=voices, tts_plugin="scripted", tts_provider="scripted")
    assert "has no 'scripted' name for Bob" in said
    assert "SWITCHBOARD_VOICES_FILE" in said


def test_providers_when_a_plugin_has_no_column_then_asks_for_it() -> None:
    assert "in SWITCHBOARD_TTS_PROVIDER" in sentence(tts_plugin="scripted")


def test_providers_when_a_column_has_no_provider_then_says_so() -> None:
    said = sentence(tts_provider="openai")
    assert "the house's own server speaks: set SWITCHBOARD_TTS_URL" in said


def test_plugins_when_settings_are_checked_then_none_is_imported() -> None:
    program = (
        "import sys; from sessions.providers import check_providers; "
        "from tests.support.settings import settings_with; "
        "check_providers(settings_with(llm_plugin='openai')); "
        "print([m for m in sys.modules if m.startswith('livekit.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['livekit.plugins']"
