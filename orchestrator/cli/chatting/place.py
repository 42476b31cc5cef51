"""In which session is there to be chatted, and who has made it?"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import click

from orchestrator.cli.api import Api, ApiError


@dataclass(frozen=True)
class Place:
    """A session; ``ours`` if nobody named it, so that it ends with the chat."""

    session_id: str
    ours: bool = False

    def socket_url(self, api: Api) -> str:
        """Return where its events are."""
        # http becomes ws, and https wss.
        return f"{api.url.replace('http', 'ws', 1)}/ws/{self.session_id}"


def new_alias() -> str:
    """Return a name under which a session can be ended before it is known that it was made."""
    return f"switchboard-chat-{secrets.token_hex(8)}"


def find_place(
    api: Api, reference: str | None, alias: str, user: str, knowledge: str | None
) -> Place:
    """Return the session that ``reference`` means, or one in writing that is new."""
    if reference is not None:
        found = _find(api, reference)
        if found is not None:
            if knowledge is not None:
                raise click.UsageError(
                    f"--knowledge is for a new session, and {reference} is there already."
                )
            return Place(found)
    body = {"userName": user, "channel": "text", "correlationToken": reference or alias}
    if knowledge is not None:
        body["knowledge"] = knowledge
    started = api.post("/orchestrator/session/start", body)
    return Place(started["sessionId"], ours=reference is None)


def _find(api: Api, reference: str) -> str | None:
    """Return the id of a live session, or ``None`` where a name is free to be given."""
    from sessions.ids import is_alias, is_session_id

    try:
        found = api.get(f"/orchestrator/session/{quote(reference, safe='')}")
    except ApiError as error:
        nameable = is_alias(reference) and not is_session_id(reference)
        if nameable and error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
            return None
        raise
    if found["state"] == "ended" and not is_session_id(reference):
        return None
    return found["sessionId"]
