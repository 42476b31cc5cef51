"""What has a session used: how much sound went in and out, and how much was asked of which model?

Amounts are whole numbers, so that they can be added up in any order. What an agent has used is
written as a whole under its generation, again and again; what the answers to written questions
took is added up field by field. A session has used the sum of all that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

_ANSWERS = "used:"
_MOST_MODELS, _LONGEST_NAME, _MOST = 8, 128, 10**9
"""What one answer can have taken."""


class Model(NamedTuple):
    """Who did the work. ``slot`` is ``stt``, ``llm``, ``tts`` or ``embeddings``."""

    slot: str
    provider: str
    name: str


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much was asked of one model, and how long that took it.

    ``characters`` are those spoken, searched for, or worded; ``audio_ms`` is the sound that was
    given to hear, or was made.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0
    audio_ms: int = 0
    model_ms: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        """Return both together."""
        return Amounts(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.characters + other.characters,
            self.audio_ms + other.audio_ms,
            self.model_ms + other.model_ms,
        )


_NOTHING = Amounts()
_PUBLIC = {
    "requests": "requests",
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "characters": "characters",
    "audioMs": "audio_ms",
    "modelMs": "model_ms",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """``audio_in_ms`` is what the agents heard of the caller, ``audio_out_ms`` what they played."""

    audio_in_ms: int = 0
    audio_out_ms: int = 0
    models: Mapping[Model, Amounts] = field(default_factory=dict[Model, Amounts])

    def __add__(self, other: Usage) -> Usage:
        """Return both together."""
        models = dict(self.models)
        for model, amounts in other.models.items():
            models[model] = models.get(model, _NOTHING) + amounts
        return Usage(
            self.audio_in_ms + other.audio_in_ms, self.audio_out_ms + other.audio_out_ms, models
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as Redis, the archive and clients see it."""
        return {
            "audioInMs": self.audio_in_ms,
            "audioOutMs": self.audio_out_ms,
            "models": [
                {
                    "slot": model.slot,
                    "provider": model.provider,
                    "model": model.name,
                    **{name: getattr(amounts, own) for name, own in _PUBLIC.items()},
                }
                for model, amounts in sorted(self.models.items())
            ],
        }

    def to_fields(self, generation: int) -> dict[str, str]:
        """Return it as fields of a session's hash: what one agent has used so far."""
        return {_field(generation): json.dumps(self.to_json(), separators=(",", ":"))}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Usage:
        """Read it back; what is missing is none."""
        models: dict[Model, Amounts] = {}
        for one in content.get("models", ()):
            model = Model(str(one["slot"]), str(one["provider"]), str(one["model"]))
            amounts = Amounts(**{own: int(one.get(name, 0)) for name, own in _PUBLIC.items()})
            models[model] = models.get(model, _NOTHING) + amounts
        heard, played = content.get("audioInMs", 0), content.get("audioOutMs", 0)
        return cls(int(heard), int(played), models)


def added(content: Mapping[str, Any]) -> dict[str, int]:
    """Return by how much each field of a session's hash grows for an answer that took ``content``.

    Anybody may answer questions over Kafka, so what makes no sense counts as nothing.
    """
    try:
        models = Usage.from_json(content).models
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}
    return {
        _ANSWERS + json.dumps([*model, name], separators=(",", ":")): amount
        for model, amounts in islice(models.items(), _MOST_MODELS)
        for name, own in _PUBLIC.items()
        if 0 < (amount := getattr(amounts, own)) <= _MOST and max(map(len, model)) <= _LONGEST_NAME
    }


def usage_in(fields: Mapping[str, str], generations: Iterable[int]) -> Usage:
    """Return what a session has used altogether, from its hash."""
    found = Usage()
    for generation in generations:
        if written := fields.get(_field(generation)):
            found += Usage.from_json(json.loads(written))
    for name, amount in fields.items():
        if name.startswith(_ANSWERS):
            *model, figure = json.loads(name.removeprefix(_ANSWERS))
            # A newer version, which is being rolled out beside this one, may count more.
            if figure in _PUBLIC:
                amounts = Amounts(**{_PUBLIC[figure]: int(amount)})
                found += Usage(models={Model(*model): amounts})
    return found


def _field(generation: int) -> str:
    return f"usage:{generation}"
