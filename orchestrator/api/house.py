"""The house itself: its voices, agents and knowledge, and whether it is well."""

from __future__ import annotations

import threading

from cachetools import TTLCache, cached
from flask import Blueprint, Response, request

from orchestrator.access.auth import authenticate, authenticate_request
from orchestrator.health.readiness import check_house
from orchestrator.http.answers import (
    AgentAnswer,
    AgentsAnswer,
    HealthAnswer,
    KnowledgeAnswer,
    KnowledgeBaseAnswer,
    ReadyAnswer,
    VoiceAnswer,
    VoicesAnswer,
)
from orchestrator.http.operations import Operation, documented
from orchestrator.http.replies import reply
from orchestrator.services import Services, services
from sessions.errors import NotAllowedError, NotAuthenticatedError
from sessions.version import version

blueprint = Blueprint("house", __name__)


@blueprint.get("/orchestrator/voices")
@documented(Operation("List the voices", "house", {200: VoicesAnswer}))
def voices() -> Response:
    """List the voices that a session can ask for."""
    authenticate_request()
    house = services()
    default = house.voices.find(house.settings.default_voice).name
    return reply(
        VoicesAnswer(
            voices=[
                VoiceAnswer(
                    name=voice.name, description=voice.description, default=voice.name == default
                )
                for voice in house.voices
            ]
        )
    )


@blueprint.get("/orchestrator/agents")
@documented(Operation("List the agents", "house", {200: AgentsAnswer}))
def agents() -> Response:
    """List the agents that a session can ask for."""
    authenticate_request()
    known = services().agents
    return reply(
        AgentsAnswer(
            agents=[AgentAnswer(name=name, default=name == known.default) for name in known.names]
        )
    )


@blueprint.get("/orchestrator/knowledge")
@documented(Operation("List the knowledge bases", "house", {200: KnowledgeAnswer}))
def knowledge() -> Response:
    """List the knowledge bases that a session can ask for."""
    authenticate_request()
    house = services()
    default = house.settings.default_knowledge
    bases = [
        KnowledgeBaseAnswer(name=name, default=name == default) for name in house.knowledge.names()
    ]
    return reply(KnowledgeAnswer(knowledge=bases))


@blueprint.get("/health")
@documented(Operation("Is this process alive?", "house", {200: HealthAnswer}, public=True))
def health() -> Response:
    """Tell that this process answers; nothing else is asked."""
    return reply(HealthAnswer(version=version()))


@blueprint.get("/ready")
@documented(
    Operation("Can calls be taken?", "house", {200: ReadyAnswer, 503: ReadyAnswer}, public=True)
)
def ready() -> Response:
    """Tell whether calls can be taken, and what is missing if not; to an admin, also why."""
    answer = check_house(services()) if _asks_an_admin() else _for_strangers(services())
    response = reply(answer)
    if not answer.ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return response


def _asks_an_admin() -> bool:
    try:
        return authenticate(request).admin
    except (NotAuthenticatedError, NotAllowedError):
        return False


@cached(
    TTLCache[str, ReadyAnswer, float](maxsize=8, ttl=1),
    key=lambda house: f"{house.settings.redis_url} {house.settings.database_url}",
    condition=threading.Condition(),
)
def _for_strangers(house: Services) -> ReadyAnswer:
    """Return what anybody may know; however often they ask, the parts are asked once a second."""
    return check_house(house).for_strangers()
