"""The house itself: its voices, agents and knowledge, and whether it is well."""

from __future__ import annotations

from flask import Blueprint, Response

from orchestrator.access.auth import authenticate_request
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
from orchestrator.services import services
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
def ready() -> tuple[Response, int]:
    """Tell whether calls can be taken, and what is missing if not."""
    answer = check_house(services())
    return reply(answer), 200 if answer.ready else 503
