"""Which session workers are alive, and how many calls can they take?"""

from __future__ import annotations

from dataclasses import asdict

import click

from orchestrator.cli.configuration import load_settings
from orchestrator.cli.output import Cell, ago, json_option, print_json, print_table
from orchestrator.cli.stores import open_redis


@click.command
@json_option
def workers(as_json: bool) -> None:
    """List the session workers that are alive."""
    from sessions.clock import RedisClock
    from sessions.fleet import Fleet

    settings = load_settings()
    with open_redis(settings) as redis:
        now = RedisClock(redis).now()
        alive = Fleet(redis, settings).alive()
    if as_json:
        records = [
            {**asdict(one), "free": one.free, "heartbeatAgeMs": now - one.heartbeat}
            for one in alive
        ]
        print_json({"workers": records})
        return
    if not alive:
        click.echo("No session worker is alive. `make run` starts one, with all the rest.")
        return
    headings = ("worker", "slots", "busy", "free", "heartbeat", "version", "host", "pid")
    rows: list[list[Cell]] = [
        [
            one.name,
            str(one.slots),
            str(one.busy),
            ("draining", "yellow") if one.draining else _free(one.free),
            f"{ago(now - one.heartbeat)} ago",
            one.version,
            one.host,
            str(one.pid),
        ]
        for one in alive
    ]
    print_table(headings, rows)
    for one in alive:
        if one.waits_for:
            left = ago(max(0, one.drain_ends - now))
            click.echo(f"{one.name}: {one.waits_for} It waits for {left} more.")


def _free(slots: int) -> Cell:
    return str(slots), "green" if slots else "red"
