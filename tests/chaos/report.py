"""How did a run go, fault by fault?"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from sessions.events import position_of
from tests.chaos.calls import Call
from tests.chaos.faults import Fault
from tests.chaos.plan import Kind
from tests.chaos.proofs import DOUBLED, LEFT, LOST, Failure
from tests.chaos.witness import Seen
from tests.support.processes import ROOT

BEGIN, END = "<!-- chaos:begin -->", "<!-- chaos:end -->"

_EFFECT_SECONDS = 45.0
"""A takeover this long after a fault has another cause."""

_HANDOVER = "handover"

_HEAD = (
    "| what went wrong | times | calls hit | takeovers | heard again: p50 / p95 / max "
    "| lost | doubled | left over |"
)
_LEGEND = (
    "A call is counted as hit where the fault was done to its agent, worker or media server. "
    "*Heard again* is from the fault to the first sound of the next agent at the caller; for a "
    "worker that is replaced, how long no agent was in the room."
)


@dataclass
class Row:
    """What one kind of fault did."""

    times: int = 0
    hit: int = 0
    takeovers: int = 0
    seconds: list[float] = field(default_factory=list[float])
    failures: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Run:
    """All that is known of a run that is over."""

    seed: int
    calls: Sequence[Call]
    faults: Sequence[Fault]
    failures: Sequence[Failure]
    seconds: float
    unexplained: int = 0


def rows_of(run: Run) -> tuple[dict[Kind, Row], Row]:
    """Return a row for each kind of fault, and one for what no fault explains."""
    rows = {kind: Row() for kind in Kind}
    none = Row()
    by_id = {call.session_id: call for call in run.calls if call.session_id}
    for fault in run.faults:
        rows[fault.kind].times += 1
        rows[fault.kind].hit += len(fault.hit)
    for call in by_id.values():
        for event in call.witness.of_type("agent_recovering") if call.witness else ():
            fault = _cause(run.faults, call, _moment(event))
            row = none if fault is None else rows[fault.kind]
            row.takeovers += 1
            if fault is not None and (took := _seconds(call, event, fault)) is not None:
                row.seconds.append(took)
    for failure in run.failures:
        call = by_id.get(failure.session_id)
        last = call.witness.seen[-1] if call and call.witness and call.witness.seen else None
        fault = _cause(run.faults, call, _moment(last)) if call and last else None
        row = none if fault is None else rows[fault.kind]
        row.failures[failure.what] = row.failures.get(failure.what, 0) + 1
    return rows, none


def table(run: Run) -> str:
    """Return the report of a run in Markdown."""
    rows, none = rows_of(run)
    lines = [
        _HEAD,
        "|---|---|---|---|---|---|---|---|",
        *(_line(str(kind.value), row) for kind, row in rows.items()),
    ]
    if none.takeovers or none.failures:
        lines.append(_line("nothing that is known", none))
    total = {what: sum(f.what == what for f in run.failures) for what in (LOST, DOUBLED, LEFT)}
    times, hit = sum(r.times for r in rows.values()), sum(r.hit for r in rows.values())
    takeovers = none.takeovers + sum(r.takeovers for r in rows.values())
    sums = " | ".join(f"**{total[what]}**" for what in (LOST, DOUBLED, LEFT))
    lines.append(f"| **{len(run.calls)} calls** | {times} | {hit} | {takeovers} | | {sums} |")
    return "\n".join(lines)


def document(run: Run) -> str:
    """Return the table and how it came about."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} processors ({platform.machine()}), {memory:.0f} GB"
    talks = sum(call.witness.resumes for call in run.calls if call.witness)
    full = sum(call.plan.full for call in run.calls)
    how = (
        f"`make chaos CALLS={len(run.calls)} SEED={run.seed}`, {datetime.now(UTC):%Y-%m-%d}, "
        f"commit {_commit()}, {machine}, {run.seconds / 60:.0f} minutes. {full} of the calls asked "
        f"something aloud until they were answered; sockets were resumed {talks} times."
    )
    return "\n\n".join([how, table(run), _LEGEND])


def save(run: Run, path: Path) -> None:
    """Write the report between the marks of a document, or after its end if it has none."""
    text = path.read_text(encoding="utf-8") if path.exists() else "# Reliability\n"
    head, found, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2] if found else ""
    part = f"{BEGIN}\n\n{document(run)}\n\n{END}"
    path.write_text(f"{head if found else head + chr(10)}{part}{tail or chr(10)}", encoding="utf-8")


def _cause(faults: Iterable[Fault], call: Call, moment: float) -> Fault | None:
    """Return the fault that explains what happened to a call at a moment: rather its own."""
    recent = [f for f in faults if -0.2 <= moment - f.at <= _EFFECT_SECONDS]
    own = [fault for fault in recent if call.session_id in fault.hit]
    if own:
        return next((fault for fault in reversed(own) if fault.disturbs), own[-1])
    if call.cut_at is not None and moment > call.cut_at:
        return Fault(Kind.CALLER_CUT, call.cut_at, frozenset({call.session_id}))
    return next((fault for fault in reversed(recent) if fault.house_wide), None)


def _seconds(call: Call, event: Seen, fault: Fault) -> float | None:
    """Return how long the caller did without an agent, if they stayed to hear the next one."""
    if event.data.get("cause") == _HANDOVER or fault.kind is Kind.DEPLOY:
        voice = call.ears.voice_after(_moment(event))
        return None if voice is None else call.ears.silence_before(voice)
    heard = call.ears.heard_after(fault.at)
    return None if heard is None else heard - fault.at


def _moment(event: Seen) -> float:
    return position_of(event.id)[0] / 1000


def _line(name: str, row: Row) -> str:
    times = f"{row.times} | {row.hit or ''} | {row.takeovers or ''}"
    took = ""
    if row.seconds:
        quantiles = (_quantile(row.seconds, q) for q in (0.5, 0.95, 1.0))
        took = " / ".join(f"{seconds:.1f}" for seconds in quantiles) + " s"
    counts = " | ".join(str(row.failures.get(what, 0)) for what in (LOST, DOUBLED, LEFT))
    return f"| {name} | {times} | {took} | {counts} |"


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
