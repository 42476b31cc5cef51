"""Which agent takes the call?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from livekit.agents import Agent
from structlog.testing import capture_logs

from agents import registry
from agents.assistant import chat_context
from agents.registry import Registry
from sessions.errors import ConfigurationError
from sessions.history import Turn
from sessions.models import SessionConfig
from tests.support.settings import settings_with

HERE = __name__
HISTORY = [
    Turn("assistant", "Hello Ada.", 1_780_000_000_000, 1),
    Turn("user", "Where is my order?", 1_780_000_001_000, 1),
    Turn("assistant", "It is on", 1_780_000_002_000, 1, interrupted=True),
]


def config(agent: str) -> SessionConfig:
    return SessionConfig("Ashley", "Ada", "Hello.", "Be brief.", agent=agent, metadata={"shop": 7})


def make_plain(given: SessionConfig, history: Sequence[Turn]) -> Agent:
    return Agent(instructions=f"{given.user_name} {given.metadata['shop']} {len(history)}")


async def make_later(given: SessionConfig, history: Sequence[Turn]) -> Agent:
    await asyncio.sleep(0)
    return make_plain(given, history)


class Maker:
    make = staticmethod(make_plain)


def make_nothing(given: SessionConfig, history: Sequence[Turn]) -> None:
    return None


def raise_error(given: SessionConfig, history: Sequence[Turn]) -> Agent:
    raise ValueError("the secret of the shop")


async def time_out(given: SessionConfig, history: Sequence[Turn]) -> Agent:
    raise TimeoutError


async def take_forever(given: SessionConfig, history: Sequence[Turn]) -> Agent:
    await asyncio.Event().wait()
    raise AssertionError


def registry_of(**agents: str) -> Registry:
    entries = ",".join(f"{name}={target}" for name, target in agents.items())
    return Registry(settings_with(agents=entries))


def make(registry: Registry, agent: str, history: Sequence[Turn] = HISTORY) -> Agent:
    return asyncio.run(registry.make(config(agent), history))


def messages(agent: Agent) -> list[tuple[Any, ...]]:
    items = agent.chat_ctx.messages()
    return [(item.role, item.text_content, item.interrupted) for item in items]


def test_assistant_when_it_takes_a_call_over_then_it_has_its_prompt_and_what_was_said() -> None:
    agent = make(registry_of(), "assistant")
    assert agent.instructions == "Be brief."
    assert messages(agent) == [
        ("assistant", "Hello Ada.", False),
        ("user", "Where is my order?", False),
        ("assistant", "It is on", True),
    ]


def test_assistant_when_the_call_begins_then_nothing_was_said() -> None:
    assert messages(make(registry_of(), "assistant", [])) == []


def test_context_when_two_turns_have_one_moment_then_their_order_stays() -> None:
    turns = [Turn("user", str(n), 1_780_000_000_000, 1) for n in range(5)]
    assert [m.text_content for m in chat_context(turns).messages()] == list("01234")


@pytest.mark.parametrize("factory", ["make_plain", "make_later", "Maker.make"])
def test_make_when_a_factory_is_registered_then_it_gets_config_and_history(factory: str) -> None:
    agent = make(registry_of(own=f"{HERE}:{factory}"), "own")
    assert agent.instructions == "Ada 7 3"


@pytest.mark.parametrize(
    ("factory", "what"),
    [
        ("raise_error", "its factory raised ValueError"),
        ("time_out", "its factory raised TimeoutError"),
        ("make_nothing", "its factory returned NoneType and no livekit.agents.Agent"),
        ("take_forever", "its factory took over 0.05 s"),
    ],
)
def test_make_when_the_factory_fails_then_the_error_names_the_agent_and_no_secret(
    factory: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "FACTORY_SECONDS", 0.05)
    made = registry_of(own=f"{HERE}:{factory}")
    with capture_logs() as logs, pytest.raises(ConfigurationError) as caught:
        make(made, "own")
    assert str(caught.value) == f"The agent 'own' could not be made: {what}."
    assert [(line["event"], line["agent"]) for line in logs] == [("agent_not_made", "own")]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("no.such.module:make", "ModuleNotFoundError: No module named 'no'"),
        (f"{HERE}:no_such_name", "AttributeError: "),
        (f"{HERE}:HISTORY", "TypeError: "),
        ("module_that_exits:make", "SystemExit: 3"),
    ],
)
def test_registry_when_one_cannot_be_imported_then_says_so_and_has_the_others(
    target: str, error: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "module_that_exits.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(folder)
    with capture_logs() as logs:
        made = registry_of(broken=target, own=f"{HERE}:make_plain")
    [line] = logs
    assert (line["event"], line["agent"], line["log_level"]) == (
        "agent_not_imported",
        "broken",
        "error",
    )
    assert line["error"].startswith(error)
    assert make(made, "own").instructions == "Ada 7 3"
    with pytest.raises(ConfigurationError, match="The agent 'broken' cannot be imported on this"):
        make(made, "broken")


def test_make_when_this_worker_does_not_know_the_name_then_says_so() -> None:
    with pytest.raises(ConfigurationError, match="This worker knows no agent 'shop'"):
        make(registry_of(), "shop")


def test_prepare_when_called_then_the_factory_is_imported_and_only_once(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    source = f"from {HERE} import make_plain as make\n"
    (folder / "agent_of_a_user.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(registry, "_registry", None)
    settings = settings_with(agents="own=agent_of_a_user:make")
    first = registry.prepare_agents(settings)
    assert "agent_of_a_user" in sys.modules
    assert registry.prepare_agents(settings) is first
    made = asyncio.run(registry.make_agent(config("own"), HISTORY))
    assert made.instructions == "Ada 7 3"
