"""Which topics and consumer groups are there, and who makes the topics?

Whoever starts makes what is missing. Operators who make their topics themselves lose nothing: what
is there is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sessions.questions.intents import Intents
from sessions.questions.tasks import GENERAL_INFO
from sessions.settings import Settings

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 2.0
_AS_THE_BROKER_SAYS = -1


@dataclass(frozen=True, slots=True)
class Names:
    """What the topics and groups of one house are called."""

    prefix: str

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Return the names that ``settings`` ask for."""
        return cls(settings.kafka_prefix)

    def requests(self, task_type: str) -> str:
        """Name the topic of the questions of one type."""
        return f"{self.prefix}task_requests.{task_type}"

    @property
    def every_request(self) -> str:
        """Return the pattern of all topics of questions, those that are yet to be made too."""
        return rf"^{re.escape(self.prefix)}task_requests\..*"

    @property
    def responses(self) -> str:
        """Name the topic of the answers."""
        return f"{self.prefix}task_responses"

    @property
    def dead_letters(self) -> str:
        """Name the topic of what nobody could parse."""
        return f"{self.prefix}task_dead_letters"

    @property
    def bridges(self) -> str:
        """Name the group that shares the questions."""
        return f"{self.prefix}switchboard-bridge"

    @property
    def relays(self) -> str:
        """Name the group that shares the answers."""
        return f"{self.prefix}switchboard-relay"


def wanted_topics(settings: Settings) -> Sequence[str]:
    """Return the names of all topics that this house needs."""
    names = Names.of(settings)
    # What the table of intents does not name is still a question of general kind.
    types = {GENERAL_INFO, *Intents.load(settings).task_types}
    return [*map(names.requests, sorted(types)), names.responses, names.dead_letters]


def make_topics(admin: AdminClient, settings: Settings, wanted: Sequence[str]) -> None:
    """Make those of the ``wanted`` topics that are missing.

    Raises:
        KafkaException: no broker answers, or it refuses.
    """
    there = admin.list_topics(timeout=_PATIENCE_SECONDS).topics
    missing = [name for name in wanted if name not in there]
    if not missing:
        return
    copies = settings.kafka_replication or _AS_THE_BROKER_SAYS
    topics = [NewTopic(name, settings.kafka_partitions, copies) for name in missing]
    made = admin.create_topics(topics, request_timeout=_PATIENCE_SECONDS)
    for name, future in made.items():
        try:
            future.result()
            log.info("topic_made", topic=name, partitions=settings.kafka_partitions)
        except KafkaException as error:
            # Somebody else was quicker.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
