"""What is the API key called that started a session?"""

from __future__ import annotations

import time

from sessions.apikeys import ApiKeys

_AGAIN_SECONDS, _UNKNOWN_AGAIN_SECONDS = 60.0, 5.0


class KeyNames:
    """The names of the API keys, read now and then; a scope without a name stands for itself."""

    def __init__(self, apikeys: ApiKeys) -> None:
        self._apikeys = apikeys
        self._names: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._found: set[str] = set()
        self._read_at = float("-inf")

    def name_of(self, scope: str) -> str:
        """Return the name of a scope's key, as far as it is known now; nothing is read."""
        name = self._names.get(scope)
        if name is None:
            self._unknown.add(scope)
        return name or scope

    def refresh(self) -> None:
        """Read the names if it is time to.

        Raises:
            SQLAlchemyError: the database does not answer; the names stay as they were.
        """
        age = time.monotonic() - self._read_at
        if age < (_UNKNOWN_AGAIN_SECONDS if self._unknown else _AGAIN_SECONDS):
            return
        self._read_at = time.monotonic()
        self._names = {key.id: key.name for key in self._apikeys.list()}
        self._found |= self._unknown & self._names.keys()
        self._unknown.clear()

    def take_found(self) -> set[str]:
        """Return the scopes that have been asked for in vain and have a name now, each once."""
        found, self._found = self._found, set()
        return found
