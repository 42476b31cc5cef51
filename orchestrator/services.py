"""What does a web process work with? One set of clients and catalogues, built once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app
from redis import Redis
from sqlalchemy import Engine

from orchestrator.access.keyring import KeyRing
from orchestrator.access.rates import Rates
from orchestrator.whip.media_server import MediaServer
from sessions.agents import KnownAgents
from sessions.apikeys import ApiKeys
from sessions.archive import Archive
from sessions.connections import connect, connect_blocking
from sessions.database import open_database
from sessions.directory import Directory
from sessions.events import EventLog
from sessions.fleet import Fleet
from sessions.outlook import Outlooks
from sessions.questions.asking import Asker
from sessions.questions.bases import KnowledgeBases
from sessions.questions.desk import Desk
from sessions.settings import Settings
from sessions.starting import Starter
from sessions.store import SessionStore
from sessions.voices import VoiceCatalogue, load_voices
from sessions.webhooks.endpoints import Endpoints
from sessions.webhooks.subscribers import Subscribers

EXTENSION = "switchboard"
LONGEST_WAIT_SECONDS = 15
"""How long a request may ask to be held; longer wishes are cut to this."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that views need. Nothing here connects before it is used."""

    settings: Settings
    redis: Redis
    blocking_redis: Redis
    engine: Engine
    store: SessionStore
    directory: Directory
    events: EventLog
    archive: Archive
    apikeys: ApiKeys
    key_ring: KeyRing
    rates: Rates
    voices: VoiceCatalogue
    agents: KnownAgents
    knowledge: KnowledgeBases
    starter: Starter
    fleet: Fleet
    outlooks: Outlooks
    desk: Desk
    asker: Asker
    media_server: MediaServer

    @classmethod
    def build(cls, settings: Settings) -> Services:
        """Make the services that ``settings`` describe.

        Raises:
            ConfigurationError: the voices or intents cannot be read, or the agents are not what
                they must be.
        """
        redis = connect(settings)
        engine = open_database(settings.database_url)
        store = SessionStore(redis, settings)
        directory = Directory(redis)
        fleet = Fleet(redis, settings)
        voices = load_voices(settings.voices_file)
        agents = KnownAgents.of(settings)
        knowledge = KnowledgeBases(engine)
        archive = Archive(engine)
        apikeys = ApiKeys(engine)
        starter = Starter(
            *(store, directory, archive, voices, agents, knowledge, settings),
            subscribers=Subscribers(Endpoints(engine)),
        )
        return cls(
            settings=settings,
            redis=redis,
            blocking_redis=connect_blocking(settings, LONGEST_WAIT_SECONDS),
            engine=engine,
            store=store,
            directory=directory,
            events=EventLog(redis),
            archive=archive,
            apikeys=apikeys,
            key_ring=KeyRing(apikeys),
            rates=Rates(settings),
            voices=voices,
            agents=agents,
            knowledge=knowledge,
            starter=starter,
            fleet=fleet,
            outlooks=Outlooks(redis, fleet),
            desk=Desk(redis, settings),
            asker=Asker(redis, settings),
            media_server=MediaServer(settings),
        )


def services_of(app: Flask) -> Services:
    """Return the services of ``app``."""
    return cast("Services", app.extensions[EXTENSION])


def services() -> Services:
    """Return the services of the app that handles the current request."""
    return services_of(current_app)
