"""Was every promise kept? Seen from outside, after the last call of a run."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Transaction

from sessions.archive import ArchivedSession
from sessions.database import ArchivedSessionRow, open_database
from sessions.events import Event, EventLog, position_of
from sessions.states import Reason
from tests.chaos.calls import Call
from tests.chaos.house import ChaosHouse
from tests.chaos.plan import Leave
from tests.chaos.ticker import counts
from tests.chaos.witness import Seen, replay

LOST, DOUBLED, LEFT = "lost", "doubled", "left over"

_CLAIM = re.compile(r" claimed .* owner=((\d+):\S+)")
_SESSION = re.compile(r" session_id=(\S+)")
_FITTING = {
    Leave.HANG_UP: {Reason.USER_LEFT},
    Leave.CUT: {Reason.USER_LEFT},
    Leave.BY_API: {Reason.ENDED_BY_API},
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A promise that was not kept: ``what`` is one of lost, doubled, left over."""

    what: str
    session_id: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.session_id} {self.why}".strip()


async def prove(house: ChaosHouse, calls: Sequence[Call]) -> list[Failure]:
    """Return all that is not as it should be with the sessions of a run."""
    failures = [Failure(LOST, call.session_id, call.lost) for call in calls if call.lost]
    begun = [call for call in calls if call.session_id]
    async with aiohttp.ClientSession() as http:
        for call in begun:
            assert call.witness is not None
            front = house.fronts[(call.plan.number + 1) % 2]
            told = await _replayed(http, front, call.session_id)
            log = await asyncio.to_thread(EventLog(house.context.redis).read, call.session_id)
            archived = await asyncio.to_thread(house.context.archive.load, call.session_id)
            failures += _of_log(call, log, told)
            failures += _of_archive(call, log, archived)
    failures += _of_counts(house, begun)
    failures += _of_claims(house.folder / "logs", {call.session_id for call in begun})
    return failures


async def _replayed(http: aiohttp.ClientSession, front: str, session_id: str) -> list[str] | None:
    for _ in range(20):
        try:
            return [told for told, _ in await replay(http, front, session_id)]
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(0.5)
    return None


def _of_log(call: Call, log: Sequence[Event], told: list[str] | None) -> Iterable[Failure]:
    """The log, what a socket saw live, and what a new one is told are one and the same."""
    assert call.witness is not None
    if call.witness.trouble:
        yield Failure(LOST, call.session_id, call.witness.trouble)
    seen, kept = [event.id for event in call.witness.seen], [event.id for event in log]
    if sorted(set(seen), key=position_of) != seen:
        yield Failure(DOUBLED, call.session_id, "a socket saw events twice or out of order")
    for name, ids in (("a socket saw live", seen), ("a new socket is told", told)):
        if ids != kept:
            missing = [id_ for id_ in kept if id_ not in (ids or [])]
            more = [id_ for id_ in ids or [] if id_ not in kept]
            why = f"what {name} is not the log: {len(missing)} missing, {len(more)} more"
            yield Failure(LOST, call.session_id, why)
    ends = sum(event.type == "session_ended" for event in log)
    if ends != 1:
        yield Failure(DOUBLED if ends else LOST, call.session_id, f"it ended {ends} times")
    elif log[-1].type != "session_ended":
        yield Failure(DOUBLED, call.session_id, "something happened after its end")
    again = Counter(event.data["generation"] for event in log if event.type == "agent_recovering")
    if any(count > 1 for count in again.values()):
        yield Failure(DOUBLED, call.session_id, "a generation was asked for twice")


def _of_archive(
    call: Call, log: Sequence[Event], archived: ArchivedSession | None
) -> Iterable[Failure]:
    """The archive has the reason that fits, and every turn that was told."""
    if archived is None:
        yield Failure(LOST, call.session_id, "it is not in the archive")
        return
    if archived.reason not in _FITTING[call.plan.leave]:
        why = f"the caller {call.plan.leave}, and it ended with {archived.reason}"
        yield Failure(LOST, call.session_id, f"{why} ({archived.detail or 'no detail'})")
    assert call.witness is not None
    told = _turns(log)
    if _turns(call.witness.seen) != told:
        yield Failure(LOST, call.session_id, "a turn that a socket saw is not in the log")
    kept = [turn["text"] for turn in archived.transcript]
    numbers = counts(kept)
    if numbers != sorted(numbers) or set(numbers) != set(range(1, len(set(numbers)) + 1)):
        yield Failure(LOST, call.session_id, f"the agents counted {numbers}")
    if kept != told:
        what = DOUBLED if len(kept) > len(told) else LOST
        yield Failure(what, call.session_id, f"{len(told)} turns were told, {len(kept)} are kept")


def _turns(events: Iterable[Event | Seen]) -> list[str]:
    return [e.data["text"] for e in events if e.type == "transcript" and e.data["final"]]


def _of_counts(house: ChaosHouse, calls: Sequence[Call]) -> Iterable[Failure]:
    """The archive has one row for every call, and none of which nobody knows."""
    counts = Counter(call.session_id for call in calls)
    for session_id, count in counts.items():
        if count > 1:
            yield Failure(DOUBLED, session_id, "two callers got the same session")
    engine = open_database(house.settings.database_url)
    with Transaction(engine) as transaction:
        rows = transaction.scalar(select(func.count()).select_from(ArchivedSessionRow))
    engine.dispose()
    if rows != len(counts):
        yield Failure(DOUBLED, "", f"{len(counts)} sessions were started, {rows} are archived")


def _of_claims(logs: Path, known: set[str]) -> Iterable[Failure]:
    """No generation of a session was ever claimed by two processes."""
    owners: dict[tuple[str, str], set[str]] = {}
    for log in logs.glob("sessions-*.log"):
        for line in log.read_text(errors="replace").splitlines():
            claim, session = _CLAIM.search(line), _SESSION.search(line)
            if claim is not None and session is not None:
                owners.setdefault((session[1], claim[2]), set()).add(claim[1])
    for (session_id, generation), who in owners.items():
        if len(who) > 1:
            yield Failure(DOUBLED, session_id, f"generation {generation} had {len(who)} owners")
    for session_id in known - {session_id for session_id, _ in owners}:
        yield Failure(LOST, session_id, "no agent has said that it claimed it")
