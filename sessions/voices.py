"""Which voices can a session ask for, and what is each called by whoever speaks it?"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from sessions.errors import ConfigurationError, UnknownVoiceError


@dataclass(frozen=True)
class Voice:
    """One entry of the catalogue; ``provider_ids`` maps a provider to its name for the voice."""

    name: str
    description: str
    provider_ids: Mapping[str, str]

    def id_for(self, provider: str) -> str:
        """Return what ``provider`` calls this voice.

        Raises:
            ConfigurationError: the catalogue has no column of that name for this voice.
        """
        try:
            return self.provider_ids[provider]
        except KeyError:
            raise ConfigurationError(
                f"The voice catalogue gives no {provider!r} name for the voice {self.name}; "
                "add one, or set SWITCHBOARD_TTS_PROVIDER to a column that it has."
            ) from None


class VoiceCatalogue:
    """The voices by name; names are matched without regard to case."""

    def __init__(self, voices: Mapping[str, Voice]) -> None:
        self._voices = dict(voices)
        self._by_folded = {name.casefold(): voice for name, voice in self._voices.items()}

    @property
    def names(self) -> list[str]:
        """Return the names in the order of the catalogue."""
        return list(self._voices)

    def __iter__(self):  # noqa: ANN204
        return iter(self._voices.values())

    def find(self, name: str) -> Voice:
        """Return the voice called ``name``.

        Raises:
            UnknownVoiceError: there is none; the error lists the known ones.
        """
        voice = self._by_folded.get(name.casefold())
        if voice is None:
            close = difflib.get_close_matches(name.casefold(), self._by_folded, n=1)
            nearest = self._by_folded[close[0]].name if close else None
            raise UnknownVoiceError(name, self.names, nearest)
        return voice


@cache
def load_voices(path: Path | None = None) -> VoiceCatalogue:
    """Read the catalogue at ``path``, or the one that ships.

    Raises:
        ConfigurationError: the file cannot be read as a voice catalogue.
    """
    source = path or resources.files("sessions") / "voices.toml"
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The voice catalogue {source} cannot be read: {error}") from error
    return VoiceCatalogue({name: _voice(name, entry) for name, entry in table.items()})


def _voice(name: str, entry: object) -> Voice:
    if not isinstance(entry, dict):
        raise ConfigurationError(f"The voice {name} must be a table of provider names.")
    columns = {str(key): str(value) for key, value in entry.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return Voice(name, columns.pop("description", ""), columns)
