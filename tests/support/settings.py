"""How do the tests set what the house reads from its environment?"""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import SecretStr

from sessions.settings import Settings

PREFIX = "SWITCHBOARD_"


def settings_with(**values: Any) -> Settings:
    """Return settings with these values and the defaults otherwise; no ``.env`` is read."""
    return Settings(**{"_env_file": None, **values})


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that give a child process the same settings."""
    return {
        PREFIX + name.upper(): _text(getattr(settings, name))
        for name in Settings.model_fields
        if getattr(settings, name) is not None
    }


def _text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Enum():
            return str(value.value)
        case list():
            return ",".join(map(str, value))
        case _:
            return str(value)
