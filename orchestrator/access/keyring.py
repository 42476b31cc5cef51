"""Is this API key valid, without asking the database at every request?"""

from __future__ import annotations

import hashlib
import threading

from cachetools import TTLCache

from sessions.apikeys import ApiKey, ApiKeys

REMEMBER_SECONDS = 5
_REMEMBER_KEYS = 4096


class KeyRing:
    """Verifies API keys. A valid one is remembered, so a revoked one may work that much longer.

    What is not valid is not remembered: a key works from the moment it is made.
    """

    def __init__(self, apikeys: ApiKeys) -> None:
        self._apikeys = apikeys
        self._lock = threading.Lock()
        self._known = TTLCache[bytes, ApiKey, float](_REMEMBER_KEYS, REMEMBER_SECONDS)

    def verify(self, secret: str) -> ApiKey | None:
        """Return the key with this secret, or ``None``."""
        digest = hashlib.sha256(secret.encode()).digest()
        with self._lock:
            known = self._known.get(digest)
        if known is not None:
            return known
        key = self._apikeys.verify(secret)
        if key is not None:
            with self._lock:
                self._known[digest] = key
        return key
