"""What can be set, under which name, and what holds where nothing is set?"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sessions.settings import Mode, Settings, is_loopback
from tests.support.settings import environment_of, settings_with


def test_settings_when_nothing_is_set_then_is_a_house_on_loopback() -> None:
    settings = settings_with()
    assert settings.mode is Mode.DEVELOPMENT
    assert settings.binds_loopback
    assert (settings.port, settings.redis_url) == (8000, "redis://127.0.0.1:6399/0")
    assert settings.caller_livekit_url == settings.livekit_url


def test_settings_when_in_the_environment_then_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PORT", "9000")
    monkeypatch.setenv("SWITCHBOARD_MODE", "production")
    monkeypatch.setenv("SWITCHBOARD_CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("SWITCHBOARD_LIVEKIT_PUBLIC_URL", "wss://lk.example")
    settings = settings_with()
    assert (settings.port, settings.mode) == (9000, Mode.PRODUCTION)
    assert settings.cors_origins == ["https://a.example", "https://b.example"]
    assert settings.caller_livekit_url == "wss://lk.example"


def test_settings_when_in_an_env_file_then_give_way_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("SWITCHBOARD_PORT=9001\nSWITCHBOARD_WEB_WORKERS=2\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWITCHBOARD_PORT", "9002")
    settings = Settings()
    assert (settings.port, settings.web_workers) == (9002, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "open"),
        ("port", "0"),
        ("port", "70000"),
        ("livekit_api_secret", "short"),
        ("lease_seconds", "0"),
        ("worker_concurrency", "none"),
        ("max_duration_seconds", "20000"),
    ],
)
def test_settings_when_one_is_wrong_then_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SWITCHBOARD_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        settings_with()
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


def test_settings_when_handed_to_a_child_then_arrive_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_with(
        cors_origins=["https://a.example", "https://b.example"],
        livekit_api_secret="another-secret-of-more-than-32-characters",
        lease_seconds=0.5,
        lease_renew_seconds=0.2,
        mode="production",
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert settings_with() == settings


def test_settings_when_printed_then_show_no_secret() -> None:
    settings = settings_with(livekit_api_secret="another-secret-of-more-than-32-characters")
    assert "another-secret" not in repr(settings)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_host_when_this_machine_only_then_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.1.x"])
def test_host_when_anything_else_then_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)
