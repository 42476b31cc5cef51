"""Which agents can a session name, and where is each one's factory?

Names only: what a name stands for is imported by the workers, never here, so the front can check a
request without paying for anybody's agent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from sessions.errors import ConfigurationError, FieldProblem, InvalidRequestError
from sessions.requests import REGISTERED_NAME_PATTERN
from sessions.settings import Settings

GROUP = "switchboard.agents"
"""The entry point group by which a package brings agents along."""

ASSISTANT = "assistant"
_BUILT_IN = {ASSISTANT: "agents.assistant:make_assistant"}

_NAME = re.compile(REGISTERED_NAME_PATTERN)
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """One agent: ``target`` is where its factory is, as ``package.module:factory``."""

    name: str
    target: str


class KnownAgents:
    """The agents by name, the built-in one first."""

    def __init__(self, targets: Mapping[str, str], default: str) -> None:
        self._entries = {name: AgentEntry(name, target) for name, target in targets.items()}
        self.default = default

    @classmethod
    def of(cls, settings: Settings) -> KnownAgents:
        """Return what is built in, what packages bring, and what the settings name.

        Raises:
            ConfigurationError: an entry is no agent, a name is taken, or the default is unknown.
        """
        named = _from_settings(settings.agents)
        others = _from_packages(named) | named
        targets = _BUILT_IN | dict(sorted(others.items()))
        if settings.default_agent not in targets:
            raise ConfigurationError(
                f"SWITCHBOARD_DEFAULT_AGENT is {settings.default_agent!r}, and there is no such "
                f"agent; the agents are {', '.join(targets)}."
            )
        return cls(targets, settings.default_agent)

    @property
    def names(self) -> list[str]:
        """Return the names, the built-in one first and the others in the alphabet's order."""
        return list(self._entries)

    def __iter__(self):  # noqa: ANN204
        return iter(self._entries.values())

    def find(self, name: str) -> AgentEntry:
        """Return the agent called ``name``.

        Raises:
            InvalidRequestError: there is none; the error lists the known ones.
        """
        entry = self._entries.get(name)
        if entry is None:
            close = difflib.get_close_matches(name, self._entries, n=1)
            message = f"there is no agent {name!r}; the agents are {', '.join(self._entries)}"
            raise InvalidRequestError([FieldProblem("agent", message, close[0] if close else None)])
        return entry


def _from_settings(entries: Iterable[str]) -> dict[str, str]:
    targets: dict[str, str] = {}
    for entry in entries:
        name, equals, target = (part.strip() for part in entry.partition("="))
        if not equals or not _TARGET.fullmatch(target):
            raise ConfigurationError(
                f"SWITCHBOARD_AGENTS has the entry {entry!r}: write it as "
                "`name=package.module:factory`."
            )
        _check_name(name, "SWITCHBOARD_AGENTS")
        if name in targets:
            raise ConfigurationError(f"SWITCHBOARD_AGENTS names the agent {name!r} twice.")
        targets[name] = target
    return targets


def _from_packages(named: Mapping[str, str]) -> dict[str, str]:
    """Return the agents of installed packages that the settings do not name themselves."""
    targets: dict[str, str] = {}
    for point in entry_points(group=GROUP):
        if point.name in named:
            continue
        package = f"The package {point.dist.name}" if point.dist else "A package"
        _check_name(point.name, package)
        target = point.value.partition("[")[0].strip()
        if not _TARGET.fullmatch(target):
            raise ConfigurationError(
                f"{package} brings the agent {point.name!r} as {point.value!r}, which is no "
                "`package.module:factory`."
            )
        if targets.setdefault(point.name, target) != target:
            raise ConfigurationError(
                f"Two packages bring an agent {point.name!r}: say in SWITCHBOARD_AGENTS whether "
                f"it is {targets[point.name]} or {target}."
            )
    return targets


def _check_name(name: str, who: str) -> None:
    if name in _BUILT_IN:
        raise ConfigurationError(
            f"{who} names an agent {name!r}, which is built in: give it another name, and set "
            "SWITCHBOARD_DEFAULT_AGENT to that."
        )
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{who} names an agent {name!r}: a name begins with a letter or digit and has at most "
            "64 letters, digits, dots, hyphens and underscores."
        )
