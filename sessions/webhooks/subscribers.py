"""Is anybody to be told of the sessions of this scope? Every start asks, so it is quick."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sessions.webhooks.endpoints import Endpoints

REMEMBER_SECONDS = 2.0
"""A session that starts so soon after its key got its first endpoint may not be told of."""

log = structlog.get_logger(__name__)


class Subscribers:
    """The scopes that have endpoints, as they were a moment ago."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._scopes: set[str] | None = None
        self._read_at = 0.0
        self._reading = threading.Lock()

    def has(self, scope: str) -> bool:
        """Tell whether ``scope`` has an endpoint; while nobody knows, assume that it has."""
        # One asks; the others go by what is known.
        if self._is_old() and self._reading.acquire(blocking=self._scopes is None):
            try:
                if self._is_old():
                    self._read()
            finally:
                self._reading.release()
        return self._scopes is None or scope in self._scopes

    def _is_old(self) -> bool:
        return not self._read_at or time.monotonic() - self._read_at > REMEMBER_SECONDS

    def _read(self) -> None:
        try:
            self._scopes = self._endpoints.scopes()
        except SQLAlchemyError as error:
            log.warning("endpoints_unknown", error=type(error).__name__)
        self._read_at = time.monotonic()
