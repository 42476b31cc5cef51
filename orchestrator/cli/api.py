"""How does a command talk to the HTTP API, and how does it tell what went wrong there?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.configuration import load_settings, web_url

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS = 10.0


class ApiError(click.ClickException):
    """The API refused, or did not answer; ``status`` is 0 if there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The HTTP API at one address, as one caller."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return what a GET answers; an empty value is not asked."""
        return self._ask("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path: str, body: Mapping[str, Any], wait: int = 0) -> dict[str, Any]:
        """Return what a POST answers, which the server may hold for ``wait`` seconds."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        timeout = _TIMEOUT_SECONDS + wait
        return self._ask("POST", path, json=dict(body), headers=headers, timeout=timeout)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        import httpx

        more["headers"] = {**self.headers, **more.get("headers", {})}
        try:
            response = httpx.request(
                method, self.url + path, **{"timeout": _TIMEOUT_SECONDS, **more}
            )
        except httpx.ConnectError:
            raise ApiError(
                f"Nothing answers at {self.url}: is Switchboard running? `make run` starts it."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiError(f"{self.url} does not answer as it should: {_named(error)}.") from None
        if response.is_success:
            return _object(response) or {}
        raise ApiError(sentence_of(_object(response), response), response.status_code)


def sentence_of(problem: Mapping[str, Any] | None, response: httpx.Response) -> str:
    """Return a problem as one sentence, with the fields it names and the nearest known ones."""
    if problem is None or "detail" not in problem:
        return f"{response.url} answers {response.status_code} and is no Switchboard."
    wrong = problem.get("errors") or []
    if not wrong:
        return str(problem["detail"])
    return "; ".join(_field_sentence(one) for one in wrong) + "."


def with_api(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the API is, and the API as ``api``."""

    @click.option("--url", help="Where Switchboard answers.  [default: from the settings]")
    @click.option(
        "--key", envvar="SWITCHBOARD_KEY", help="The API key; development mode needs none."
    )
    @functools.wraps(command)
    def wrapped(*, url: str | None, key: str | None, **arguments: Any) -> Any:
        return command(api=Api(url or web_url(load_settings()), key), **arguments)

    return wrapped


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        content = response.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _field_sentence(problem: Mapping[str, Any]) -> str:
    text = f"{problem['field']}: {problem['message']}"
    nearest = problem.get("nearest")
    return f"{text} (did you mean {nearest}?)" if nearest else text


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
