"""With what does a request prove who makes it?

A bearer is an API key or a session token. Development mode takes requests without one, but a bearer
that is given must be valid there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Request, g, request
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.access import tokens
from orchestrator.access.cors import check_page
from orchestrator.access.principal import Principal
from orchestrator.services import Services, services
from sessions.apikeys import PREFIX
from sessions.errors import NotAuthenticatedError
from sessions.settings import Mode


def authenticate(incoming: Request, allow_query_token: bool = False) -> Principal:
    """Return who makes the request.

    ``allow_query_token`` accepts a bearer as ``?access_token=`` too, for browsers' WebSockets,
    which cannot set headers.

    Raises:
        NotAuthenticatedError: there is no bearer where one is needed, or it is not valid.
        NotAllowedError: none is needed, but a foreign page asks.
        LimitReachedError: its holder makes too many requests.
    """
    house = services()
    bearer = _bearer(incoming, allow_query_token)
    if bearer is None:
        if house.settings.mode is Mode.DEVELOPMENT:
            check_page(incoming, house.settings)
            return Principal.of_development(house.settings)
        raise NotAuthenticatedError(
            "Send an API key as `Authorization: Bearer sb_...`; "
            "`switchboard keys create NAME` makes one."
        )
    found = _principal(bearer, house)
    house.rates.count(found)
    return found


def authenticate_request() -> None:
    """Authenticate the current request, for a blueprint's ``before_request``."""
    if request.method != "OPTIONS":  # a browser's preflight carries no credentials.
        g.principal = authenticate(request)


def recheck(incoming: Request) -> Callable[[], bool]:
    """Return a question for a stream that lasts: is whoever began it still an administrator?

    A key that is revoked is none any more. While the database is away nobody is sent out.
    """
    house, bearer = services(), _bearer(incoming, allow_query_token=False)

    def ask() -> bool:
        if bearer is None:
            return True
        try:
            key = house.key_ring.verify(bearer)
        except SQLAlchemyError:
            return True
        return key is not None and key.admin

    return ask


def principal() -> Principal:
    """Return who makes the current request."""
    return cast("Principal", g.principal)


def _bearer(incoming: Request, allow_query_token: bool) -> str | None:
    header = incoming.headers.get("Authorization")
    if header is None:
        return incoming.args.get("access_token") if allow_query_token else None
    kind, _, value = header.partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        raise NotAuthenticatedError("The Authorization header must be `Bearer` and a key or token.")
    return value.strip()


def _principal(bearer: str, house: Services) -> Principal:
    if bearer.startswith(PREFIX):
        key = house.key_ring.verify(bearer)
        if key is not None:
            return Principal.of_key(key, house.settings)
        raise NotAuthenticatedError("This API key is unknown or revoked.")
    session_id = tokens.verify(bearer, house.settings)
    if session_id is None:
        raise NotAuthenticatedError("This is no API key, and no session token that is still valid.")
    return Principal.of_session(session_id)
