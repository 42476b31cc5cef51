"""An agent that loses its media server hands its call over, with all that it has to tell."""

from __future__ import annotations

import asyncio
from typing import Any

from sessions.events import EventLog
from sessions.history import read_history
from sessions.outcomes import Claim
from sessions.settings import Settings
from sessions.states import State
from sessions.store import SessionStore
from tests.support.sessions import Actor, owner_of

NOT_NEEDED: Any = None
"""What a call that never lives through anything does without."""


def test_call_when_its_media_server_is_lost_then_tells_the_rest_and_asks_for_another_agent(
    actor: Actor, store: SessionStore, settings: Settings, event_log: EventLog
) -> None:
    from agents.voice.call import Call
    from agents.voice.ending import ConnectionLostError, Ending

    class LostCall(Call):
        """A call whose media server goes away while a sentence waits to be written."""

        async def _until_over(self) -> Ending | None:
            self._spawn(self._reporter.run())
            self._reporter.tell("transcript", {}, turn={"role": "assistant", "text": "Hello."})
            raise ConnectionLostError("gone")

    session_id = actor.queued()
    claim = store.claim(session_id, 1, owner_of(1), "w", "task", 1)
    assert isinstance(claim, Claim)
    store.ready(session_id, 1)
    assert asyncio.run(LostCall(claim, store, settings, NOT_NEEDED).run()) == 2
    assert [turn.text for turn in read_history(store.redis, session_id)] == ["Hello."]
    states = [e.data["state"] for e in event_log.read(session_id) if e.type == "session_state"]
    assert states[-1] == State.RECOVERING
