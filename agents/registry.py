"""Which agent takes the call? The one that the session's config names, made by its factory.

A factory is ``factory(config: SessionConfig, history: Sequence[Turn]) -> Agent``, or a coroutine
function of that shape. It runs on the call's event loop, once for each generation of a session.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from importlib import import_module
from typing import cast

import structlog
from livekit.agents import Agent

from sessions.agents import AgentEntry, KnownAgents
from sessions.errors import ConfigurationError, InvalidRequestError
from sessions.history import Turn
from sessions.models import SessionConfig
from sessions.settings import Settings, get_settings

Factory = Callable[[SessionConfig, Sequence[Turn]], Agent | Awaitable[Agent]]

FACTORY_SECONDS = 10.0
"""How long a factory may take: a caller waits for it."""

log = structlog.get_logger(__name__)


class Registry:
    """The factories of all agents that this machine can import; what it cannot is logged.

    Raises:
        ConfigurationError: the agents are not named as they must be; see ``KnownAgents.of``.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._known = known = KnownAgents.of(settings)
        self._factories: dict[str, Factory] = {}
        for entry in known:
            try:
                self._factories[entry.name] = _import(entry)
            # Also a module that runs its own program when it is imported, and exits.
            except (Exception, SystemExit) as error:
                why = f"{type(error).__name__}: {error}"
                log.error("agent_not_imported", agent=entry.name, error=why, exc_info=error)

    async def make(self, config: SessionConfig, history: Sequence[Turn]) -> Agent:
        """Return the agent that ``config`` names.

        Raises:
            ConfigurationError: there is none of that name here, or its factory failed.
        """
        factory = self._factory(config.agent)
        limit = asyncio.timeout(FACTORY_SECONDS)
        try:
            async with limit:
                made = factory(config, history)
                agent = await made if inspect.isawaitable(made) else made
        except Exception as error:
            log.exception("agent_not_made", agent=config.agent)
            late = limit.expired()
            what = f"took over {FACTORY_SECONDS:g} s" if late else f"raised {type(error).__name__}"
            raise _failure(config.agent, what) from None
        if not isinstance(agent, Agent):
            returned = f"returned {type(agent).__name__} and no livekit.agents.Agent"
            log.error("agent_not_made", agent=config.agent, error=returned)
            raise _failure(config.agent, returned)
        return agent

    def _factory(self, name: str) -> Factory:
        try:
            self._known.find(name)
            return self._factories[name]
        except InvalidRequestError:
            raise ConfigurationError(f"This worker knows no agent {name!r}.") from None
        except KeyError:
            raise ConfigurationError(
                f"The agent {name!r} cannot be imported on this worker; its log says why."
            ) from None


_registry: Registry | None = None


def prepare_agents(settings: Settings) -> Registry:
    """Import every agent's factory, once: in a parent, so that its children are forked with them.

    Raises:
        ConfigurationError: see ``Registry``.
    """
    global _registry
    if _registry is None or _registry.settings is not settings:
        _registry = Registry(settings)
    return _registry


async def make_agent(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    """Return the agent of a session, which has said and heard ``history`` so far.

    Raises:
        ConfigurationError: see ``Registry.make``.
    """
    registry = _registry or prepare_agents(get_settings())
    return await registry.make(config, history)


def _import(entry: AgentEntry) -> Factory:
    module, _, attributes = entry.target.partition(":")
    found = reduce(getattr, attributes.split("."), cast("object", import_module(module)))
    if not callable(found):
        raise TypeError(f"{entry.target} is no function but {type(found).__name__}.")
    return cast("Factory", found)


def _failure(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"The agent {name!r} could not be made: its factory {what}.")
