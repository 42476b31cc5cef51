"""What Redis, a worker and LiveKit say of one session is compared."""

from __future__ import annotations

import dataclasses
import os
from types import SimpleNamespace

import pytest

from agents.voice.rooms import RoomSeen
from sessions.counters import Drift
from sessions.fleet import BusyCall, WorkerRecord
from sessions.models import Session
from sessions.settings import host_name
from sessions.states import Channel, State
from tests.support.settings import settings_with
from workers.owner import Owner
from workers.serving import served_by
from workers.upkeep.comparing import NO_LEASE, Sighting, compare

ID = "session_1753590741399_qlgq6cfjw"
SETTINGS = settings_with(lease_seconds=10, lease_renew_seconds=3)
CLAIMED = 1_000_000
CALL = BusyCall(ID, 2, 77, 5000)

SESSION = Session.from_hash(
    {
        "id": ID,
        "channel": "voice",
        "scope": "local",
        "userName": "Ada",
        "state": "ready",
        "generation": "2",
        "owned": "2",
        "owner": "2:host:boot:77:5000",
        "worker": "sessions@host",
        "claimedAt": str(CLAIMED),
        "accepted": str(CLAIMED),
        "expiresAt": "9999999999999",
    }
)
WORKER = WorkerRecord(
    *("sessions@host", "host", 1, "boot", "0", 3, 1, CLAIMED + 5000), started=4000, calls=(CALL,)
)


def look(
    session: Session | None = SESSION,
    worker: WorkerRecord | None = WORKER,
    agents: set[str] | None = frozenset({"agent"}),  # pyright: ignore[reportArgumentType]
    *,
    lease: int = 8000,
    rooms_known: bool = True,
) -> Drift | None:
    room = None if agents is None else RoomSeen(ID, frozenset(agents))
    seen = Sighting(ID, session, lease, room, rooms_known)
    return compare(seen, {worker.name: worker} if worker else {}, SETTINGS)


def but(**changes: object) -> Session:
    return dataclasses.replace(SESSION, **changes)


def but_worker(**changes: object) -> WorkerRecord:
    return dataclasses.replace(WORKER, **changes)


IDLE = but_worker(calls=())


def test_compare_when_all_agree_then_nothing_is_out_of_order() -> None:
    assert look() is None
    assert look(None, agents=None) is None
    assert look(but(state=State.QUEUED, owned_generation=0, owner=""), agents=None) is None


@pytest.mark.parametrize(("agents", "kind"), [
    ({"agent"}, Drift.AGENT_WITHOUT_SESSION),
    (set[str](), Drift.ROOM_WITHOUT_SESSION),
])  # fmt: skip
def test_compare_when_a_room_has_no_session_then_says_so(agents: set[str], kind: Drift) -> None:
    assert look(None, agents=agents) is kind


def test_compare_when_a_ready_call_has_no_agent_then_it_is_missing() -> None:
    assert look(agents=set()) is Drift.SESSION_WITHOUT_AGENT
    assert look(agents=None) is Drift.SESSION_WITHOUT_AGENT
    assert look(agents=None, lease=NO_LEASE) is Drift.SESSION_WITHOUT_AGENT
    assert look(agents={"stranger"}) is Drift.SESSION_WITHOUT_AGENT


@pytest.mark.parametrize(
    "session",
    [
        but(state=State.STARTING),
        but(state=State.RECOVERING),
        but(state=State.RECOVERING, generation=3),
        but(state=State.ENDING),
        but(owner=""),
        but(channel=Channel.TEXT),
    ],
    ids=["starting", "joining", "awaited", "ending", "released", "text"],
)
def test_compare_when_no_agent_need_be_there_then_none_is_missing(session: Session) -> None:
    assert look(session, agents=None) is None


def test_compare_when_livekit_is_away_then_only_the_process_is_compared() -> None:
    assert look(agents=None, rooms_known=False) is None
    silent = look(worker=IDLE, agents=None, rooms_known=False, lease=3000)
    assert silent is Drift.LEASE_WITHOUT_PROCESS


def test_compare_when_an_agent_too_many_is_there_then_there_are_two() -> None:
    assert look(agents={"agent", "stranger"}) is Drift.TWO_AGENTS


@pytest.mark.parametrize(
    ("worker", "lease", "gone"),
    [
        (IDLE, 3000, True),
        (IDLE, 5000, False),
        (IDLE, NO_LEASE, False),
        (None, 3000, False),
        (None, -1, True),
        (None, 10_001, True),
        (WORKER, -1, False),
        (WORKER, 3000, False),
        (but_worker(calls=(), started=6000), 3000, False),
        (but_worker(calls=(), started=0), 3000, False),
        (but_worker(calls=(), boot_id="next"), 3000, False),
        (but_worker(calls=(), heartbeat=CLAIMED + 500), 3000, False),
        (but_worker(calls=(BusyCall(ID, 1, 76, 5000),)), 3000, True),
    ],
    ids=[
        *("unlisted", "renewed", "expired", "no worker", "for ever", "too long"),
        *(
            "listed for ever",
            "listed",
            "outlived its worker",
            "of an older version",
            "rebooted",
            "not reported since",
            "older",
        ),
    ],
)
def test_compare_when_a_lease_is_held_then_its_process_must_be_listed(
    worker: WorkerRecord | None, lease: int, gone: bool
) -> None:
    found = look(worker=worker, lease=lease)
    assert found is (Drift.LEASE_WITHOUT_PROCESS if gone else None)


@pytest.mark.parametrize(("owner", "parsed"), [
    ("2:host:boot:77:5000", Owner(2, "host", "boot", 77, 5000)),
    ("", None),
    ("2:host:boot:77", None),
    ("x:host:boot:77:5000", None),
])  # fmt: skip
def test_owner_when_read_back_then_is_who_was_written(owner: str, parsed: Owner | None) -> None:
    assert Owner.parse(owner) == parsed


def test_child_when_another_process_has_its_lease_then_its_parent_knows() -> None:
    mine = SimpleNamespace(id="task", args=[ID, 2], worker_pid=os.getpid())
    dead = SimpleNamespace(id="gone", args=[ID, 2], worker_pid=2**22 + 1)
    idle = SimpleNamespace(id="none", args=[ID, 2], worker_pid=None)
    [served] = served_by([mine, dead, idle])
    own = but(owner=f"2:{host_name()}:boot:{os.getpid()}:5000")
    assert not served.is_over(own)
    assert served.drift(own) is None
    for lost in (None, but(generation=3), SESSION):
        assert served.is_over(lost)
        assert served.drift(lost) is Drift.PROCESS_WITHOUT_LEASE
    ending = but(state=State.ENDING, owner=own.owner)
    assert served.is_over(ending)
    assert served.drift(ending) is None
    not_claimed_yet = but(owned_generation=1, owner="1:elsewhere:boot:5:5")
    assert not served.is_over(not_claimed_yet)
