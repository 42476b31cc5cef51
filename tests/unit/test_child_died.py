"""A child of a worker has died with a call: does that call need another agent?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from billiard.exceptions import WorkerLostError
from redis import Redis

from sessions.settings import Settings
from tests.support.sessions import Actor
from workers import signals
from workers.app import RUN_SESSION
from workers.context import Context
from workers.owner import boot_id, owner_of, process_start


@pytest.fixture
def nudged(
    redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[str, int]]]:
    """For which sessions another agent was asked for."""
    context, sent = Context.of(settings), list[tuple[str, int]]()
    monkeypatch.setattr(signals, "get_context", lambda: context)
    monkeypatch.setattr(signals, "nudge", lambda *message: sent.append(message))
    yield sent
    context.redis.close()


def die(session_id: str, generation: int = 1) -> None:
    signals._recover_lost_call(
        SimpleNamespace(name=RUN_SESSION), (session_id, generation), WorkerLostError("killed")
    )


def claimed_by(actor: Actor, owner: str) -> str:
    session_id = actor.queued()
    actor.store.claim(session_id, 1, owner, "sessions@test", "task", os.getpid())
    actor.store.ready(session_id, 1)
    return session_id


def test_child_when_the_owner_itself_then_another_agent_is_asked_for(
    actor: Actor, nudged: list[tuple[str, int]]
) -> None:
    host = owner_of(1).split(":")[1]
    gone = f"1:{host}:{boot_id()}:{os.getpid()}:{process_start(os.getpid()) - 1000}"
    session_id = claimed_by(actor, gone)
    die(session_id)
    assert nudged == [(session_id, 2)]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_child_when_it_came_for_a_doubled_message_then_the_owner_keeps_its_call(
    actor: Actor, nudged: list[tuple[str, int]], elsewhere: bool
) -> None:
    session_id = claimed_by(actor, "1:another:boot:7:100" if elsewhere else owner_of(1))
    die(session_id)
    assert nudged == []
