"""An agent that is to hand over and cannot goes on, and does it later."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from agents.voice import handing_over
from agents.voice.handing_over import HandingOver
from agents.voice.script import Cut
from sessions.errors import StaleGenerationError
from sessions.handing_over import Handover
from sessions.outcomes import Claim, Refusal
from sessions.settings import Settings
from sessions.states import State
from sessions.store import SessionStore
from tests.support.sessions import Actor, owner_of

CUT = Cut("We open at nine.", "We close at six.")


class Talk:
    """What an agent that hands over deals with; ``cut`` is where it stops."""

    def __init__(self, cut: Cut | None) -> None:
        self.session = Mock(interrupt=AsyncMock())
        self.conversation = Mock(hand_over=asyncio.Event())
        self.moments = Mock(wait=AsyncMock(return_value=cut))
        self.reporter = Mock(drain=AsyncMock())

    async def hand_over(self, leaving: HandingOver) -> None:
        """Follow until the call is handed over, or a second has passed."""
        self.conversation.hand_over.set()
        following = leaving.follow(
            self.session, self.conversation, self.moments, Mock(), self.reporter
        )
        async with asyncio.timeout(1):
            await following


@pytest.fixture
def claim(actor: Actor, store: SessionStore) -> Claim:
    session_id = actor.queued()
    claim = store.claim(session_id, 1, owner_of(1), "w", "task", 1)
    assert isinstance(claim, Claim)
    store.ready(session_id, 1)
    return claim


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(handing_over, "_STAY_SECONDS", 0.0)


def test_handover_when_redis_is_away_for_a_moment_then_the_agent_talks_on_and_asks_again(
    claim: Claim, store: SessionStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bequeath, away = Handover.bequeath, [RedisConnectionError("gone"), TimeoutError()]

    def bequeath_or_fail(self: Handover, *args: Any) -> Refusal | None:
        if away:
            raise away.pop()
        return bequeath(self, *args)

    async def call() -> Talk:
        talk, ender = Talk(CUT), Mock()
        await talk.hand_over(HandingOver(claim, store, settings, ender))
        [error] = ender.fail.call_args.args
        assert isinstance(error, StaleGenerationError)
        return talk

    monkeypatch.setattr(Handover, "bequeath", bequeath_or_fail)
    others = Handover(store.redis, settings)
    others.invite(claim.session.id, 1)
    others.stand_by(claim.session.id, 2, "b")
    talk = asyncio.run(call())
    assert [one.args for one in talk.session.say.call_args_list] == [(CUT.unsaid,)] * 2
    taken = store.claim(claim.session.id, 2, "b", "w", "task", 2)
    assert isinstance(taken, Claim)
    assert (taken.session.state, taken.session.unsaid) == (State.RECOVERING, CUT.unsaid)


def test_handover_when_nobody_stands_by_any_more_then_the_agent_says_the_rest_and_stays(
    claim: Claim, store: SessionStore, settings: Settings
) -> None:
    async def call() -> Talk:
        talk = Talk(CUT)
        leaving = HandingOver(claim, store, settings, Mock())
        waiting = asyncio.create_task(talk.hand_over(leaving))
        with pytest.raises(TimeoutError):
            await waiting
        return talk

    talk = asyncio.run(call())
    talk.session.say.assert_called_once_with(CUT.unsaid)
    assert store.renew(claim.session.id, 1, owner_of(1)) is State.READY
