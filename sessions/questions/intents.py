"""What is a message about?

A message is of the task type whose example phrases are nearest to it in meaning. Where no phrase is
near, or two types are about as near as each other, it is taken for a question of general kind: to
look something up is never wrong, to brush somebody off is.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from sessions.errors import ConfigurationError, ProviderError
from sessions.questions.tasks import GENERAL_INFO, TaskType
from sessions.settings import Settings

if TYPE_CHECKING:
    # Slow to import; whoever only reads the table does not need it.
    import numpy as np
    from numpy.typing import NDArray

NEAR_ENOUGH = 0.42
"""A message less like every phrase than this (cosine) is about something else."""
CLEAR_LEAD = 0.04
"""A type must be so much nearer than any other."""

_MOST_PHRASES = 1_000
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

log = structlog.get_logger(__name__)


class Embeds(Protocol):
    """Whoever turns texts into vectors of unit length."""

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Return a row for each text."""
        ...


class Intent(BaseModel):
    """One entry of the table."""

    model_config = ConfigDict(extra="forbid")

    phrases: list[_Text] = Field(default_factory=list[_Text], max_length=_MOST_PHRASES)
    reply: _Text | None = None


_TABLE = TypeAdapter(dict[TaskType, Intent])


@dataclass(frozen=True, slots=True)
class _Vectors:
    """The phrases as vectors, and to which type each row belongs."""

    rows: NDArray[np.float32]
    types: list[str]


class Intents:
    """The table of task types; its phrases become vectors when the first message asks for it."""

    def __init__(self, table: Mapping[str, Intent]) -> None:
        self._table = table
        self._vectors: _Vectors | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, settings: Settings) -> Intents:
        """Return the table that ships together with the user's own.

        Raises:
            ConfigurationError: the user's file cannot be read; the message names the entry.
        """
        shipped = resources.files("sessions.questions") / "intents.toml"
        table = _read(shipped.read_text(encoding="utf-8"), "intents.toml")
        if settings.intents_file is not None:
            for name, own in _read_file(settings.intents_file).items():
                there = table.get(name, Intent())
                table[name] = Intent(
                    phrases=[*there.phrases, *own.phrases], reply=own.reply or there.reply
                )
        return cls(table)

    @property
    def task_types(self) -> list[str]:
        """Return every task type that a message can have."""
        return list(self._table)

    @property
    def ready(self) -> bool:
        """Tell whether the phrases have their vectors already."""
        return self._vectors is not None

    def reply_to(self, task_type: str) -> str | None:
        """Return the one reply to all messages of a type, or ``None`` if they are looked up."""
        intent = self._table.get(task_type)
        return intent.reply if intent else None

    def task_type_of(self, message: str, embedder: Embeds) -> str:
        """Return what ``message`` is about; a question of general kind if nobody can tell."""
        try:
            known = self._phrases(embedder)
            nearness = known.rows @ embedder.embed([message])[0]
        except ProviderError as error:
            log.warning("intent_unknown", error=str(error))
            return GENERAL_INFO
        nearest: dict[str, float] = {}
        for task_type, near in zip(known.types, nearness.tolist(), strict=True):
            nearest[task_type] = max(near, nearest.get(task_type, -1.0))
        (best, first), (second, _) = sorted(
            ((near, task_type) for task_type, near in nearest.items()), reverse=True
        )[:2]
        if best < NEAR_ENOUGH or best - second < CLEAR_LEAD:
            return GENERAL_INFO
        return first

    def _phrases(self, embedder: Embeds) -> _Vectors:
        with self._lock:
            if self._vectors is None:
                pairs = [(name, p) for name, intent in self._table.items() for p in intent.phrases]
                rows = embedder.embed([phrase for _, phrase in pairs])
                self._vectors = _Vectors(rows, [name for name, _ in pairs])
            return self._vectors


def _read_file(path: Path) -> dict[str, Intent]:
    try:
        return _read(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"SWITCHBOARD_INTENTS_FILE: {path} cannot be read ({error})."
        ) from error


def _read(text: str, name: str) -> dict[str, Intent]:
    try:
        content: dict[str, Any] = tomllib.loads(text)
        return _TABLE.validate_python(content)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise ConfigurationError(f"{name}, entry {place}: {first['msg']}.") from error
