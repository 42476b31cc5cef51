"""What was to be delivered by webhook, did it arrive, and once more, please."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from orchestrator.cli.output import Cell, json_option, print_json, print_table
from orchestrator.cli.telling.place import find_endpoint, minute_of, open_webhooks

if TYPE_CHECKING:
    from sessions.webhooks.delivery import Delivery

_STATUS_STYLES = {"pending": "yellow", "delivered": "green", "failed": "red"}


@click.command
@click.argument("endpoint_id", metavar="ENDPOINT")
def test(endpoint_id: str) -> None:
    """Send an endpoint a message of the type `webhook.test`."""
    from sessions.webhooks.delivery import NewDelivery, new_test_id
    from sessions.webhooks.events import TEST, test_body

    with open_webhooks() as house:
        find_endpoint(house, endpoint_id)
        body = test_body(house.deliveries.now(), endpoint_id)
        message = NewDelivery(new_test_id(), endpoint_id, "", "", TEST, body)
        house.deliveries.write([message])
    click.echo(
        f"{message.id} is to be sent. `switchboard webhooks deliveries --endpoint {endpoint_id}` "
        "shows what came of it."
    )


@click.command
@click.option("--endpoint", "endpoint_id", help="Only what went to this endpoint.")
@click.option("--session", "session_id", help="Only what is about this session.")
@click.option("--status", type=click.Choice(["pending", "delivered", "failed"]))
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def deliveries(
    endpoint_id: str | None, session_id: str | None, status: str | None, limit: int, as_json: bool
) -> None:
    """List what was to be delivered, the newest first."""
    from sessions.webhooks.delivery import Status, Which

    with open_webhooks() as house:
        which = Which(None, endpoint_id, session_id, Status(status) if status else None)
        found = house.deliveries.list(which, limit)
    if as_json:
        print_json({"deliveries": [asdict(one) for one in found]})
        return
    if not found:
        click.echo("There are no such deliveries.")
        return
    headings = ("id", "type", "session", "endpoint", "status", "attempts", "last answer", "made")
    print_table(headings, map(_delivery_row, found))


@click.command
@click.argument("delivery_id", metavar="ID", required=False)
@click.option("--failed", is_flag=True, help="All that have failed, in place of one ID.")
@click.option("--endpoint", "endpoint_id", help="With --failed: only those of this endpoint.")
def replay(delivery_id: str | None, failed: bool, endpoint_id: str | None) -> None:
    """Send a delivery once more, under the same `webhook-id`."""
    from sessions.webhooks.delivery import Status, Which

    if (delivery_id is None) is not failed:
        raise click.UsageError("Name one ID, or say --failed.")
    if endpoint_id and not failed:
        raise click.UsageError("--endpoint goes with --failed.")
    which = Which(delivery_id, endpoint_id, status=Status.FAILED if failed else None)
    with open_webhooks() as house:
        count = house.deliveries.replay(which)
    if delivery_id is not None and not count:
        raise click.ClickException(
            f"There is no delivery {delivery_id} that is over; `switchboard webhooks deliveries` "
            "shows them."
        )
    click.echo(f"{count} {'is' if count == 1 else 'are'} to be sent again.")


def _delivery_row(one: Delivery) -> list[Cell]:
    answer = one.last_error or (str(one.last_status) if one.last_status else "")
    return [
        one.id,
        one.type,
        one.session_id,
        one.endpoint_id,
        (one.status, _STATUS_STYLES[one.status]),
        str(one.attempts),
        answer,
        minute_of(one.created_at),
    ]
