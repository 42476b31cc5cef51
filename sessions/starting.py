"""What happens when a caller asks for a session?

A start is idempotent under the caller's own names for it: the same name with the same request gives
the same session again, with another request a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.agents import KnownAgents
from sessions.archive import Archive
from sessions.creating import NewSession
from sessions.directory import Directory
from sessions.errors import AliasConflictError, FieldProblem, InvalidRequestError
from sessions.figures import Figures
from sessions.fleet import Fleet
from sessions.ids import is_session_id, new_session_id
from sessions.limits import Limits
from sessions.models import Session, SessionConfig
from sessions.outcomes import AliasTaken
from sessions.outlook import Outlooks
from sessions.questions.bases import KnowledgeBases
from sessions.requests import StartRequest
from sessions.settings import Settings
from sessions.states import Channel
from sessions.store import SessionStore
from sessions.tracing import current_traceparent
from sessions.voices import VoiceCatalogue
from sessions.webhooks.subscribers import Subscribers

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Started:
    """A session that is there now, with all its names; ``replayed`` if it was there before."""

    session: Session
    config: SessionConfig
    aliases: Sequence[str]
    replayed: bool


class Starter:
    """Starts sessions for one web process."""

    def __init__(
        self,
        store: SessionStore,
        directory: Directory,
        archive: Archive,
        voices: VoiceCatalogue,
        agents: KnownAgents,
        knowledge: KnowledgeBases,
        settings: Settings,
        subscribers: Subscribers | None = None,
    ) -> None:
        self._store = store
        self._figures = Figures(store.redis)
        self._directory = directory
        self._archive = archive
        self._voices = voices
        self._agents = agents
        self._knowledge = knowledge
        self._settings = settings
        self._subscribers = subscribers
        self._outlooks = Outlooks(store.redis, Fleet(store.redis, settings))

    def start(
        self,
        request: StartRequest,
        scope: str,
        *,
        limits: Limits,
        aliases: Sequence[str] = (),
        correlation_id: str = "",
    ) -> Started:
        """Start the session asked for, or return the one that these aliases already name.

        Raises:
            InvalidRequestError: there is no agent or knowledge base of that name, or the priority
                is too great for this scope.
            UnknownVoiceError: the voice is not in the catalogue.
            AliasConflictError: an alias names a session that was asked for differently.
            LimitReachedError, NoCapacityError, QueueFullError: see ``SessionStore.create``.
        """
        _check_priority(request.priority, limits)
        config = self.configure(request)
        names = list(dict.fromkeys(filter(None, [request.correlation_token, *aliases])))
        fingerprint = request.fingerprint()
        named = self._named_by_id(names, scope)
        if named is not None:
            return self._replay(named, fingerprint, names)
        for _ in range(_ATTEMPTS):
            new = NewSession(
                id=new_session_id(),
                scope=scope,
                channel=Channel(request.channel),
                config=config,
                aliases=names,
                request_hash=fingerprint,
                correlation_id=correlation_id,
                traceparent=current_traceparent(),
                limits=limits,
                priority=request.priority,
                queue_timeout_seconds=request.queue_timeout_seconds,
                outlook=self._outlooks.recent(),
                webhooks=self._subscribers is not None and self._subscribers.has(scope),
            )
            created = self._store.create(new)
            if isinstance(created, Session):
                return Started(created, config, sorted(names), replayed=False)
            found = self._directory.load(created.session_id)
            if found is None:
                continue
            return self._replay(found, fingerprint, names)
        raise AliasConflictError("The session of that alias keeps ending; try another alias.")

    def configure(self, request: StartRequest) -> SessionConfig:
        """Return the config of a request, with the house's defaults where it is silent."""
        settings = self._settings
        agent = self._agents.find(request.agent or self._agents.default)
        if request.knowledge is not None:
            self._knowledge.check(request.knowledge)
        voice = self._voices.find(request.voice_id or settings.default_voice)
        opening = request.opening_line
        if opening is None:
            opening = settings.default_opening_line.replace("{userName}", request.user_name)
        return SessionConfig(
            voice_id=voice.name,
            user_name=request.user_name,
            opening_line=opening,
            recovery_line=request.recovery_line,
            system_prompt=request.system_prompt or settings.default_system_prompt,
            language=request.language,
            agent=agent.name,
            knowledge=request.knowledge or settings.default_knowledge,
            max_duration_seconds=request.max_duration_seconds or settings.max_duration_seconds,
            metadata=request.metadata,
        )

    def _named_by_id(self, names: Sequence[str], scope: str) -> Session | None:
        """Return the live session whose own id stands among ``names``.

        Raises:
            AliasConflictError: the id is that of a session that has ended.
        """
        for name in filter(is_session_id, names):
            live = self._directory.load(name)
            if live is not None and live.scope == scope:
                return live
            ended = self._archive.load(name)
            if ended is not None and ended.scope == scope:
                raise AliasConflictError(f"{name} is the id of a session that has ended.")
        return None

    def _replay(self, session: Session, fingerprint: str, names: Sequence[str]) -> Started:
        config = self._directory.config(session.id)
        if session.request_hash != fingerprint or config is None:
            raise AliasConflictError(
                "One of these aliases names a live session that was started with another request."
            )
        for name in names:
            if name == session.id:
                continue
            if isinstance(self._store.add_alias(session, name), AliasTaken):
                raise AliasConflictError(f"The alias {name} names another live session.")
        self._figures.count(f"starts:{session.channel}:replayed")
        return Started(session, config, self._directory.aliases(session), replayed=True)


def _check_priority(wanted: int, limits: Limits) -> None:
    if limits.priority is not None and wanted > limits.priority:
        message = f"must be at most {limits.priority} for you"
        raise InvalidRequestError([FieldProblem("priority", message)])
