"""Each kind of drift is made on purpose in a real house, and is found, counted and mended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest
from livekit import api, rtc

from agents.voice.rooms import delete_room, look_into, remove_participant, room_names
from agents.voice.tokens import agent_token
from sessions import ids
from sessions.counters import Drift, drift_counts
from sessions.keys import SessionKeys
from sessions.rooms import AGENT_IDENTITY
from sessions.settings import Settings
from sessions.states import State
from tests.fixtures.house import House, send_nudge
from tests.support.annex import WORKER, Annex, annex
from tests.support.eventually import eventually
from tests.support.sessions import new_session
from workers.context import Context
from workers.owner import boot_id
from workers.upkeep import mending
from workers.upkeep.reconciling import reconcile

LONG_MS = 60_000


def mended(house: House, kind: Drift) -> int:
    return drift_counts(house.redis)[kind]


@contextmanager
def one_more(house: House, kind: Drift, within: float = 30) -> Iterator[None]:
    """Expect that what the block puts out of order is mended, and counted once."""
    before = mended(house, kind)
    yield
    eventually(lambda: mended(house, kind) > before, within, f"{kind} is mended")
    assert mended(house, kind) == before + 1


def throw_out(settings: Settings, session_id: str) -> None:
    assert asyncio.run(remove_participant(settings, session_id, AGENT_IDENTITY))


def hold_lease(context: Context, session_id: str) -> None:
    """Let nobody find a session by the end of its lease."""
    context.redis.pexpire(SessionKeys.of(session_id).lease, LONG_MS)


def agents_in(settings: Settings, session_id: str) -> frozenset[str]:
    room = asyncio.run(look_into(settings, [session_id])).get(session_id)
    return room.agents if room else frozenset()


def test_agent_when_frozen_and_out_of_its_room_then_a_webhook_has_it_replaced_and_killed(
    house: House,
) -> None:
    """Beat stands still, and the lease lives on: only LiveKit's report can tell."""
    session_id = house.start()["sessionId"]
    house.wait_for_state(session_id, "ready")
    pid = house.agent_pid(session_id)
    with (
        one_more(house, Drift.SESSION_WITHOUT_AGENT),
        one_more(house, Drift.PROCESS_WITHOUT_LEASE),
        house.frozen("beat"),
    ):
        os.kill(pid, signal.SIGSTOP)
        hold_lease(house.context(), session_id)
        throw_out(house.settings, session_id)
        eventually(lambda: house.show(session_id)["generation"] == 2, 20, "another agent comes")
    house.wait_for_state(session_id, "ready")
    eventually(lambda: not psutil.pid_exists(pid), 20, "the process is killed by its parent")
    [event] = [e for e in house.events(session_id) if e.type == "agent_recovering"]
    assert event.data["cause"] == Drift.SESSION_WITHOUT_AGENT
    house.end(session_id)
    house.assert_nothing_is_left()


def test_agent_when_it_is_thrown_out_of_its_room_then_it_hands_the_call_over(house: House) -> None:
    session_id = house.start()["sessionId"]
    house.wait_for_state(session_id, "ready")
    throw_out(house.settings, session_id)
    eventually(lambda: house.show(session_id)["generation"] == 2, 20, "another agent comes")
    house.wait_for_state(session_id, "ready")
    house.end(session_id)
    house.assert_nothing_is_left()


@pytest.fixture(scope="module")
def small(house: House) -> Iterator[Annex]:
    """A house without beat and without reports, in which a lease lives for long."""
    patient = {"lease_seconds": 60, "join_timeout_seconds": 60, "agent_absence_seconds": 1}
    with annex(house, worker_concurrency=2, **patient) as one:
        yield one


def test_session_when_its_agent_is_gone_and_two_reconcile_at_once_then_one_agent_is_sent(
    small: Annex, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = small.context
    sent: list[int] = []

    def nudge(session_id: str, generation: int) -> None:
        sent.append(generation)
        send_nudge(context.settings, session_id, generation)

    monkeypatch.setattr(mending, "nudge", nudge)
    session = small.start()
    small.wait_until_ready(session)
    frozen = int(context.redis.get(SessionKeys.of(session.id).pid) or 0)
    os.kill(frozen, signal.SIGSTOP)
    throw_out(context.settings, session.id)
    with ThreadPoolExecutor(2) as two:
        list(two.map(reconcile, [context, Context.of(context.settings)]))
    assert drift_counts(context.redis)[Drift.SESSION_WITHOUT_AGENT] == 1
    assert sent == [2]
    small.wait_until_ready(session)
    os.kill(frozen, signal.SIGKILL)
    reconcile(context)
    assert sent == [2]
    small.end(session.id)
    small.wait_until_archived(session.id)


def test_process_when_it_died_unnoticed_then_its_lease_is_not_waited_for(
    small: Annex, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = small.context
    monkeypatch.setattr(mending, "nudge", lambda *of: send_nudge(context.settings, *of))
    session_id = claimed_by_the_dead(small)
    assert context.directory.leased([session_id]) == [True]

    def found() -> int:
        reconcile(context)
        return drift_counts(context.redis)[Drift.LEASE_WITHOUT_PROCESS]

    eventually(found, 20, "the lease without a process is found")
    eventually(lambda: small.is_ready(session_id), 40, "another agent has taken over")
    assert drift_counts(context.redis)[Drift.LEASE_WITHOUT_PROCESS] == 1
    small.end(session_id)
    assert small.wait_until_archived(session_id).generation == 2


def claimed_by_the_dead(small: Annex) -> str:
    """Return a session that a child of the worker has claimed, which died before it could join."""
    context = small.context
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    new = new_session()
    context.store.create(new)
    started = round(psutil.Process(small.worker.pid).create_time() * 1000) + 5000
    owner = f"1:{os.uname().nodename}:{boot_id()}:{int(child.stdout)}:{started}"
    context.store.claim(new.id, 1, owner, WORKER, "task", int(child.stdout))
    return new.id


def test_agent_when_its_session_is_unknown_then_it_is_sent_away(house: House) -> None:
    session_id = ids.new_session_id()

    async def intrude() -> None:
        room, gone = rtc.Room(), asyncio.Event()
        room.on("disconnected", lambda _: gone.set())
        await room.connect(house.settings.livekit_url, agent_token(house.settings, session_id))
        await asyncio.wait_for(gone.wait(), 30)

    with one_more(house, Drift.AGENT_WITHOUT_SESSION):
        asyncio.run(intrude())
    assert session_id not in house.rooms()


def test_agent_when_a_second_one_is_in_the_room_then_it_is_sent_out_and_the_call_goes_on(
    house: House,
) -> None:
    session_id = house.start()["sessionId"]
    house.wait_for_state(session_id, "ready")
    settings = house.settings

    async def intrude() -> None:
        token = (
            api.AccessToken(
                settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
            )
            .with_identity("intruder")
            .with_kind("agent")
            .with_grants(api.VideoGrants(room_join=True, room=session_id, agent=True))
            .to_jwt()
        )
        room, gone = rtc.Room(), asyncio.Event()
        room.on("disconnected", lambda _: gone.set())
        await room.connect(settings.livekit_url, token)
        await asyncio.wait_for(gone.wait(), 30)

    with one_more(house, Drift.TWO_AGENTS):
        asyncio.run(intrude())
    assert agents_in(settings, session_id) == {AGENT_IDENTITY}
    assert house.show(session_id)["generation"] == 1
    house.end(session_id)
    house.assert_nothing_is_left()


def test_room_when_no_session_has_it_then_it_is_taken_down_unless_it_is_of_another_house(
    house: House,
) -> None:
    ours, theirs = ids.new_session_id(), ids.new_session_id()
    house.make_room(theirs, "visitor", house="another")
    with one_more(house, Drift.ROOM_WITHOUT_SESSION):
        house.make_room(ours, "visitor")
    reconcile(house.context())
    assert ours not in house.rooms()
    elsewhere = house.settings.model_copy(update={"house": "another"})
    assert asyncio.run(room_names(elsewhere)) == [theirs]
    asyncio.run(delete_room(elsewhere, theirs))


def test_reconcile_when_calls_are_fine_then_mends_nothing(house: House) -> None:
    before = drift_counts(house.redis)
    started = [house.start()["sessionId"] for _ in range(3)]
    reconcile(house.context())
    for session_id in started:
        house.wait_for_state(session_id, "ready")
    reconcile(house.context())
    assert {house.show(session_id)["state"] for session_id in started} == {State.READY}
    for session_id in started:
        house.end(session_id)
    reconcile(house.context())
    house.assert_nothing_is_left()
    assert drift_counts(house.redis) == before
