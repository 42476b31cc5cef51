"""How do messages reach many endpoints, some of them slow or dead, without waiting for each other?

A few threads send. An endpoint has a few of them at the most; one whose last attempt failed has a
single one, and all of those together never more than half.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from sessions.figures import Figures
from sessions.settings import Settings
from sessions.webhooks.deliveries import Deliveries
from sessions.webhooks.delivery import Delivery, Status
from sessions.webhooks.endpoints import Endpoint, Endpoints
from sessions.webhooks.schedule import next_attempt
from sessions.webhooks.signing import signed
from workers.webhooks.posting import Outcome, Poster

log = structlog.get_logger(__name__)

SWITCHED_OFF = "the endpoint is switched off"
_PER_ENDPOINT = 3
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 2.0


class Sender:
    """Sends what is due; each upkeep worker may run one."""

    def __init__(
        self,
        settings: Settings,
        endpoints: Endpoints,
        deliveries: Deliveries,
        poster: Poster,
        figures: Figures,
    ) -> None:
        self._first_ms = round(settings.webhook_first_retry_seconds * 1000)
        self._threads = settings.webhook_threads
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._poster = poster
        self._figures = figures
        self._sending: Counter[str] = Counter()
        self._troubled: set[str] = set()
        self._lock = Lock()
        self._bell = Event()

    def ring(self) -> None:
        """Say that there is something to send, or that it is time to stop."""
        self._bell.set()

    def run(self, stop: Event) -> None:
        """Send until ``stop`` is set, and then what has been begun."""
        with ThreadPoolExecutor(self._threads, "webhooks") as pool:
            while not stop.is_set():
                self._bell.clear()
                try:
                    self.turn(pool)
                except SQLAlchemyError as error:
                    log.warning("webhooks_wait", error=type(error).__name__, seconds=_RETRY_SECONDS)
                    stop.wait(_RETRY_SECONDS)
                self._bell.wait(_LOOK_SECONDS)

    def turn(self, pool: ThreadPoolExecutor) -> None:
        """Hand what is due to the threads that are free."""
        due = self._deliveries.due()
        if not due:
            return
        known = {one.id: one for one in self._endpoints.list()}
        waiting = [known[id_] for id_ in due if id_ in known]
        # A stable order: among those that are well, whoever has waited longest is first.
        for endpoint in sorted(waiting, key=lambda one: one.failures > 0):
            if endpoint.off_at is not None:
                self._deliveries.give_up(endpoint.id, SWITCHED_OFF)
            elif free := self._room_for(endpoint):
                for delivery in self._deliveries.claim(endpoint.id, free):
                    self._begin(endpoint)
                    pool.submit(self._send, endpoint, delivery)

    def _room_for(self, endpoint: Endpoint) -> int:
        """Return how many more messages to this endpoint may be under way."""
        with self._lock:
            free = self._threads - self._sending.total()
            if not endpoint.failures:
                return max(0, min(free, _PER_ENDPOINT - self._sending[endpoint.id]))
            others = sum(self._sending[id_] for id_ in self._troubled)
            return max(0, min(free, 1 - self._sending[endpoint.id], self._threads // 2 - others))

    def _begin(self, endpoint: Endpoint) -> None:
        with self._lock:
            self._sending[endpoint.id] += 1
            if endpoint.failures:
                self._troubled.add(endpoint.id)
            else:
                self._troubled.discard(endpoint.id)

    def _send(self, endpoint: Endpoint, delivery: Delivery) -> None:
        try:
            with_secrets = self._endpoints.secrets(endpoint.id)
            if not with_secrets:
                return
            at = self._deliveries.now()
            headers = signed(delivery.id, delivery.payload, at, with_secrets)
            self._settle(delivery, self._poster.post(endpoint.url, headers, delivery.payload))
        except SQLAlchemyError as error:
            # Its lease will end, and it is sent once more.
            log.warning("webhook_not_settled", delivery=delivery.id, error=type(error).__name__)
        except Exception:
            log.exception("webhook_not_sent", delivery=delivery.id)
        finally:
            with self._lock:
                self._sending[endpoint.id] -= 1
                if not self._sending[endpoint.id]:
                    del self._sending[endpoint.id]
            self.ring()

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        result = self._record(delivery, outcome)
        told = {
            "delivery": delivery.id,
            "endpoint": delivery.endpoint_id,
            "session_id": delivery.session_id,
            "correlation_id": delivery.correlation_id,
            "type": delivery.type,
            "attempt": delivery.attempts,
            "status": outcome.status,
        }
        if outcome.delivered:
            log.info("webhook_delivered", **told)
        else:
            log.warning("webhook_not_delivered", **told, error=outcome.error, result=result)
        try:
            self._figures.count(f"webhooks:{delivery.type}:{result}")
        except RedisError as error:
            log.debug("webhook_not_counted", error=type(error).__name__)

    def _record(self, delivery: Delivery, outcome: Outcome) -> str:
        """Write down what came of an attempt, and return it in a word."""
        answered, error = outcome.status, outcome.error or None
        if outcome.delivered:
            self._endpoints.note(delivery.endpoint_id, well=True)
            self._deliveries.settle(delivery, Status.DELIVERED, answered=answered)
            return "delivered"
        if outcome.gone:
            self._endpoints.switch(delivery.endpoint_id, on=False)
            self._deliveries.settle(delivery, Status.FAILED, answered=answered, error=error)
            self._deliveries.give_up(delivery.endpoint_id, SWITCHED_OFF)
            return "gone"
        self._endpoints.note(delivery.endpoint_id, well=False)
        next_at = next_attempt(
            delivery.attempts,
            self._deliveries.now(),
            delivery.give_up_at,
            first_ms=self._first_ms,
            retry_after_ms=outcome.retry_after_ms,
        )
        status = Status.FAILED if next_at is None else Status.PENDING
        self._deliveries.settle(delivery, status, next_at=next_at, answered=answered, error=error)
        return "failed" if next_at is None else "retried"
