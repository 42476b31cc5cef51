"""Which agents can a session name, and where is each one's factory?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sessions.agents import GROUP, KnownAgents
from sessions.errors import ConfigurationError, InvalidRequestError
from tests.support.packages import write_package
from tests.support.settings import settings_with

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A function that installs a package with these agents."""

    def install_package(package: str, **agents: str) -> None:
        monkeypatch.syspath_prepend(write_package(tmp_path / package, package, GROUP, agents))

    return install_package


def known(agents: str = "", default_agent: str = "assistant") -> KnownAgents:
    return KnownAgents.of(settings_with(agents=agents, default_agent=default_agent))


def targets(agents: KnownAgents) -> dict[str, str]:
    return {entry.name: entry.target for entry in agents}


def test_agents_when_nothing_is_set_then_the_assistant_is_there_and_default() -> None:
    agents = known()
    assert (agents.names, agents.default) == (["assistant"], "assistant")
    assert agents.find("assistant").target == "agents.assistant:make_assistant"


def test_agents_when_some_are_set_then_each_has_its_factory() -> None:
    agents = known(" shop = my.shop:make , desk.2=my.desk:Desk.make,", default_agent="shop")
    assert agents.names == ["assistant", "desk.2", "shop"]
    assert agents.find("shop").target == "my.shop:make"
    assert agents.find("desk.2").target == "my.desk:Desk.make"
    assert agents.default == "shop"


def test_agents_when_a_package_brings_one_then_it_is_known_and_not_imported(
    install: Install,
) -> None:
    install("shop", shop="no.such.module:make")
    assert known(default_agent="shop").find("shop").target == "no.such.module:make"


def test_agents_when_settings_and_package_name_one_alike_then_the_settings_count(
    install: Install,
) -> None:
    install("shop", shop="theirs.agent:make", other="theirs.agent:make_other")
    assert targets(known("shop=ours:make")) == {
        "assistant": "agents.assistant:make_assistant",
        "other": "theirs.agent:make_other",
        "shop": "ours:make",
    }


def test_agents_when_two_packages_bring_one_name_then_the_settings_must_decide(
    install: Install,
) -> None:
    install("first", shop="first.agent:make")
    install("second", shop="second.agent:make")
    with pytest.raises(ConfigurationError, match="Two packages bring an agent 'shop'"):
        known()
    assert known("shop=first.agent:make").find("shop").target == "first.agent:make"


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ("shop", "'shop': write it as `name=package.module:factory`"),
        ("shop=my.shop", "'shop=my.shop': write it"),
        ("shop=my.shop:", "write it"),
        ("shop=:make", "write it"),
        ("shop=my-shop:make", "write it"),
        ("shop=my.shop:make()", "write it"),
        ("=my.shop:make", "names an agent ''"),
        ("my shop=my.shop:make", "names an agent 'my shop'"),
        ("a=x:y,b=x:y,a=x:z", "names the agent 'a' twice"),
        ("assistant=my.shop:make", "'assistant', which is built in"),
    ],
)
def test_agents_when_an_entry_is_wrong_then_one_sentence_says_so(
    entries: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        known(entries)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("SWITCHBOARD_AGENTS ")


@pytest.mark.parametrize(
    ("name", "target", "sentence"),
    [
        ("assistant", "x:y", "The package shop names an agent 'assistant', which is built in"),
        ("a/b", "x:y", "The package shop names an agent 'a/b'"),
        ("shop", "x", "The package shop brings the agent 'shop' as 'x'"),
    ],
)
def test_agents_when_a_package_is_wrong_then_one_sentence_says_so(
    install: Install, name: str, target: str, sentence: str
) -> None:
    install("shop", **{name: target})
    with pytest.raises(ConfigurationError) as caught:
        known()
    assert sentence in str(caught.value)


def test_agents_when_the_default_is_unknown_then_the_known_ones_are_listed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        known("shop=my.shop:make", default_agent="shpo")
    assert str(caught.value) == (
        "SWITCHBOARD_DEFAULT_AGENT is 'shpo', and there is no such agent; "
        "the agents are assistant, shop."
    )


def test_find_when_unknown_then_the_nearest_and_all_are_named() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        known("shop=my.shop:make").find("shpo")
    [problem] = caught.value.problems
    assert (problem.field, problem.nearest) == ("agent", "shop")
    assert problem.message == "there is no agent 'shpo'; the agents are assistant, shop"
