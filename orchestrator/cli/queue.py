"""Who waits for an agent, and for how long still?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from orchestrator.cli.api import Api, with_api
from orchestrator.cli.output import Cell, ago, json_option, print_json, print_table


@click.command
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@json_option
@with_api
def queue(api: Api, limit: int, as_json: bool) -> None:
    """List the sessions that wait for an agent, the next one first.

    `switchboard end SESSION` takes one out.
    """
    answer = api.get("/orchestrator/queue", limit=limit)
    if as_json:
        print_json(answer)
        return
    waiting = answer["waiting"]
    if not waiting:
        click.echo("Nobody waits.")
        return
    now = time.time_ns() // 1_000_000
    headings = ("session", "place", "user", "priority", "waiting", "still", "gives up in")
    print_table(headings, (_row(one, now) for one in waiting))
    if answer["length"] > len(waiting):
        click.echo(f"{answer['length']} wait in all.")


def _row(one: Mapping[str, Any], now: int) -> list[Cell]:
    estimate = one["estimatedWaitMs"]
    return [
        one["sessionId"],
        str(one["position"]),
        one["userName"],
        str(one["priority"]),
        ago(now - one["since"]),
        "unknown" if estimate is None else ago(estimate),
        ago(one["expiresAt"] - now),
    ]
