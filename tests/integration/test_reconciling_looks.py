"""Nothing is mended that only seemed out of order, or that somebody else has mended already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from redis import Redis

from agents.voice import rooms
from agents.voice.rooms import RoomSeen
from sessions.counters import Drift, drift_counts
from sessions.keys import SessionKeys
from sessions.states import Reason, State
from tests.fixtures.redis import MakeSettings
from tests.support.sessions import Actor
from workers.context import Context
from workers.upkeep import looking, mending
from workers.upkeep.comparing import Sighting
from workers.upkeep.looking import look_at
from workers.upkeep.mending import mend
from workers.upkeep.reconciling import reconcile


@pytest.fixture
def context(redis: Redis, make_settings: MakeSettings) -> Iterator[Context]:
    """Upkeep of a house whose LiveKit is away, unless a test says what it lists."""
    parts = Context.of(make_settings(livekit_url="ws://127.0.0.1:9", agent_absence_seconds=0.01))
    yield parts
    parts.redis.close()


@pytest.fixture
def empty_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit lists no room."""

    async def look_into(_: object, names: Sequence[str]) -> dict[str, RoomSeen]:
        return {}

    monkeypatch.setattr(rooms, "look_into", look_into)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The messages that ask for another agent."""
    messages: list[tuple[str, int]] = []
    monkeypatch.setattr(mending, "nudge", lambda *message: messages.append(message))
    return messages


def mended(context: Context) -> dict[Drift, int]:
    return {kind: count for kind, count in drift_counts(context.redis).items() if count}


def between_the_looks(monkeypatch: pytest.MonkeyPatch, move: Callable[[], object]) -> None:
    monkeypatch.setattr(looking.time, "sleep", lambda _: move())


def test_look_when_an_agent_is_missing_twice_then_another_is_sent_once(
    context: Context, actor: Actor, empty_rooms: None, sent: list[tuple[str, int]]
) -> None:
    session_id = actor.ready()
    look_at(context, [session_id], 0)
    look_at(context, [session_id], 0)
    assert sent == [(session_id, 2)]
    assert mended(context) == {Drift.SESSION_WITHOUT_AGENT: 1}


@pytest.mark.parametrize("move", ["ends", "is taken over", "is taken over and ready", "has gone"])
def test_look_when_the_session_moves_on_meanwhile_then_nothing_is_mended(
    context: Context,
    actor: Actor,
    empty_rooms: None,
    sent: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    move: str,
) -> None:
    session_id = actor.ready()
    store = context.store

    def moving() -> None:
        if move in {"ends", "has gone"}:
            store.begin_ending(session_id, Reason.USER_LEFT)
        else:
            store.recover(session_id, "agent_died", unless_leased=False)
        if move == "is taken over and ready":
            actor.claim(session_id, 2)
            store.ready(session_id, 2)
        if move == "has gone":
            session = context.directory.load(session_id)
            assert session is not None
            store.finish(session)

    between_the_looks(monkeypatch, moving)
    look_at(context, [session_id], 0)
    assert sent == []
    assert mended(context) == {}


@pytest.mark.parametrize("kind", [Drift.SESSION_WITHOUT_AGENT, Drift.LEASE_WITHOUT_PROCESS])
def test_mending_when_the_session_moves_on_at_the_last_moment_then_is_refused(
    context: Context, actor: Actor, sent: list[tuple[str, int]], kind: Drift
) -> None:
    session_id = actor.ready()
    seen = Sighting(session_id, context.directory.load(session_id), 1000, None, rooms_known=True)
    context.store.recover(session_id, "agent_died", unless_leased=False)
    mend(context, kind, seen)
    assert sent == []
    assert mended(context) == {}


def test_mending_when_an_agent_has_been_lost_too_often_then_the_session_ends(
    context: Context, actor: Actor, empty_rooms: None, sent: list[tuple[str, int]]
) -> None:
    session_id = actor.ready()
    for generation in range(2, context.settings.recoveries_max + 2):
        look_at(context, [session_id], 0)
        actor.claim(session_id, generation)
        context.store.ready(session_id, generation)
    look_at(context, [session_id], 0)
    session = context.directory.load(session_id)
    assert session is not None
    assert (session.state, session.reason) == (State.ENDING, Reason.RECOVERY_FAILED)
    assert len(sent) == context.settings.recoveries_max


def test_reconcile_when_livekit_is_away_then_no_call_is_touched(
    context: Context, actor: Actor, sent: list[tuple[str, int]]
) -> None:
    session_id = actor.ready()
    reconcile(context)
    session = context.directory.load(session_id)
    assert session is not None
    assert (session.state, session.generation) == (State.READY, 1)
    assert sent == []
    assert mended(context) == {}


def test_reconcile_when_a_lease_can_end_no_more_then_its_session_gets_another_agent(
    context: Context, actor: Actor, sent: list[tuple[str, int]]
) -> None:
    """LiveKit is away, and the worker lists no such process."""
    session_id = actor.ready()
    context.redis.persist(SessionKeys.of(session_id).lease)
    reconcile(context)
    assert sent == [(session_id, 2)]
    assert mended(context) == {Drift.LEASE_WITHOUT_PROCESS: 1}
    assert context.directory.leased([session_id]) == [False]


def test_reconcile_when_a_room_cannot_be_taken_down_then_it_is_tried_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_room(_: object, names: Sequence[str]) -> dict[str, RoomSeen]:
        return {name: RoomSeen(name, frozenset()) for name in names}

    monkeypatch.setattr(rooms, "look_into", one_room)
    stray = "session_1753590741399_qlgq6cfjw"
    look_at(context, [stray], 0)
    assert mended(context) == {}

    async def taken_down(*_: object) -> bool:
        return True

    monkeypatch.setattr(rooms, "delete_room", taken_down)
    look_at(context, [stray], 0)
    assert mended(context) == {Drift.ROOM_WITHOUT_SESSION: 1}
