"""How is a session worker sent home, wherever it runs, without a call being dropped?"""

from __future__ import annotations

import time
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from orchestrator.cli.configuration import load_settings
from orchestrator.cli.stores import open_redis

if TYPE_CHECKING:
    from sessions.fleet import Fleet, WorkerRecord

_LOOK_SECONDS = 0.3
_HEARTBEATS = 5
"""After so many of its heartbeats a worker that has not begun never will."""


@click.command
@click.argument("worker")
@click.option("--no-wait", is_flag=True, help="Return as soon as it has been asked.")
def drain(worker: str, no_wait: bool) -> None:
    """Have a session worker hand its calls over, and leave.

    It takes no more calls. Each of its own goes to another worker as soon as one has a slot free
    and nobody speaks; after SWITCHBOARD_DRAIN_LIMIT_SECONDS the rest are cut, and go on when a
    worker is free. Whoever keeps workers running may start it again.
    """
    from sessions.fleet import Fleet

    settings = load_settings()
    with open_redis(settings) as redis:
        fleet = Fleet(redis, settings)
        record = _find(fleet, worker)
        fleet.ask_to_drain(record)
        if no_wait:
            click.echo(f"{worker} has been asked to drain: {_calls(record.busy)} left.")
            return
        _follow(fleet, record, _HEARTBEATS * settings.worker_heartbeat_seconds)


def _find(fleet: Fleet, name: str) -> WorkerRecord:
    alive = {record.name: record for record in fleet.alive()}
    if name in alive:
        return alive[name]
    near = get_close_matches(name, alive, cutoff=0.4) or list(alive)
    hint = f"Alive: {', '.join(near)}." if near else "None is alive."
    raise click.ClickException(f"There is no session worker called {name}. {hint}")


def _follow(fleet: Fleet, asked: WorkerRecord, patience: float) -> None:
    """Tell how far a worker has got, until it has gone."""
    told, began = "", time.monotonic()
    while (record := _same(fleet, asked)) is not None:
        if record.draining:
            line = f"{record.name} drains: {_calls(record.busy)} left. {record.waits_for}".rstrip()
            if line != told:
                click.echo(line)
                told = line
        elif time.monotonic() - began > patience:
            raise click.ClickException(
                f"{record.name} is alive and does not drain. It may run an older version: "
                "stop it by SIGTERM."
            )
        time.sleep(_LOOK_SECONDS)
    click.echo(f"{asked.name} has gone.")


def _same(fleet: Fleet, asked: WorkerRecord) -> WorkerRecord | None:
    """Return what the worker says now, unless it has gone; another may have its name by then."""
    alive = (record for record in fleet.alive() if record.name == asked.name)
    return next((r for r in alive if (r.pid, r.started) == (asked.pid, asked.started)), None)


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"
