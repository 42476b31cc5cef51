"""What does an endpoint say to a message? One attempt, no redirect followed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from sessions.errors import AddressRefusedError
from sessions.settings import Mode, Settings
from sessions.version import version
from sessions.webhooks.addresses import check_url, port_of
from workers.webhooks.line import Line

_ANSWER_BYTES = 4096
_GONE = 410
_LINE_FAILS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went. ``error`` is empty where the endpoint has taken the message."""

    status: int | None = None
    error: str = ""
    retry_after_ms: int = 0

    @property
    def delivered(self) -> bool:
        """Tell whether the endpoint has taken the message."""
        return not self.error

    @property
    def gone(self) -> bool:
        """Tell whether the endpoint wants nothing any more."""
        return self.status == _GONE


class Poster:
    """Posts to endpoints; any number of threads may use one."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.webhook_timeout_seconds
        self._private = settings.webhook_private_addresses
        self._https_only = settings.mode is Mode.PRODUCTION and not self._private
        self._ssl = httpx.create_ssl_context()
        self._user_agent = f"Switchboard/{version()}"

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Post ``body`` and return what came of it; nothing is raised."""
        try:
            target = check_url(url, https_only=self._https_only)
            return self._post(target, headers, body.encode())
        except AddressRefusedError as error:
            return Outcome(error=f"refused: {error}")
        except httpcore.TimeoutException:
            return Outcome(error=f"no answer within {self._seconds:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Outcome(error=f"{type(error).__name__}: {error}")

    def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Outcome:
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=url.raw_path
        )
        sent = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": self._user_agent,
            **headers,
        }
        line = Line(self._seconds, private=self._private)
        with (
            httpcore.ConnectionPool(ssl_context=self._ssl, network_backend=line) as pool,
            pool.stream("POST", target, headers=[*sent.items()], content=body) as response,
        ):
            _take_some(response)
            return _judge(response)


def _take_some(response: httpcore.Response) -> None:
    """Take in the beginning of an answer; what it says is of no matter."""
    size = 0
    with contextlib.suppress(*_LINE_FAILS):
        for chunk in response.iter_stream():
            size += len(chunk)
            if size >= _ANSWER_BYTES:
                return


def _judge(response: httpcore.Response) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome(status)
    error = f"answered {status}"
    if 300 <= status < 400:
        error += ", and redirects are not followed"
    return Outcome(status, error, _retry_after(response))


def _retry_after(response: httpcore.Response) -> int:
    """Return how many milliseconds the endpoint wants to be left alone."""
    given = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    text = given.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, round((at.timestamp() - time.time()) * 1000))
