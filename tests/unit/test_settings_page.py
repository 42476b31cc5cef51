"""The page that documents the settings says what the settings say."""

from __future__ import annotations

from orchestrator.cli.settings import as_markdown, describe_settings
from tests.support.processes import ROOT


def test_settings_page_when_read_then_is_what_the_class_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == as_markdown(describe_settings())


def test_settings_when_described_then_each_has_a_sentence() -> None:
    assert all(one["description"].endswith(".") for one in describe_settings())
