"""A socket says whose it is, replays what has happened, and goes on live."""

from __future__ import annotations

import random

import pytest

from sessions.events import EventLog
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.web import Web
from tests.support.sessions import Actor
from tests.support.sockets import follow


def numbers(messages: list[dict]) -> list[int]:
    return [message["data"]["n"] for message in messages if message["type"] == "transcript"]


def test_confirms_then_replays_then_goes_live(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.ready(aliases=["mine"])
    for n in range(5):
        store.emit(session_id, "transcript", {"n": n})
    logged = [event.to_json() for event in event_log.read(session_id)]

    with follow(web.ws_url, session_id) as client:
        assert client.receive() == {
            "id": "0-0",
            "type": "session_confirmed",
            "data": {
                "session_id": session_id,
                "aliases": ["mine"],
                "state": "ready",
                "channel": "voice",
            },
        }
        assert client.take(len(logged)) == logged
        for n in range(5, 300):
            store.emit(session_id, "transcript", {"n": n})
        assert numbers(client.take(295)) == list(range(5, 300))
