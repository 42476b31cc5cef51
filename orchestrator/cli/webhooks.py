"""Who is told of sessions over HTTP, and did they take it? Endpoints and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from orchestrator.cli.output import Cell, json_option, print_facts, print_json, print_table
from orchestrator.cli.telling.deliveries import deliveries, replay, test
from orchestrator.cli.telling.place import (
    WebhookHouse,
    find_endpoint,
    minute_of,
    no_endpoint,
    open_webhooks,
)

if TYPE_CHECKING:
    from sessions.webhooks.endpoints import Endpoint

_EVENTS = ("session.ready", "session.ended", "session.handoff_requested")
_KEEP = "Keep the secret now: it is not shown again. It says that a message is from here."


@click.group
def webhooks() -> None:
    """Tell servers of your own when sessions are ready, end, or ask for a human being."""


@webhooks.command
@click.argument("key")
@click.argument("url")
@click.option(
    "--events",
    multiple=True,
    type=click.Choice(_EVENTS),
    help="Only this event; several times for several. Without it: all.",
)
@json_option
def add(key: str, url: str, events: Sequence[str], as_json: bool) -> None:
    """Tell URL of the sessions of KEY: the id of an API key, or `development`."""
    from sessions.webhooks.addresses import check_url, port_of, resolve
    from sessions.webhooks.events import WebhookEvent

    with open_webhooks() as house:
        _check_scope(house, key)
        settings = house.settings
        private = settings.webhook_private_addresses
        https_only = settings.mode == "production" and not private
        parsed = check_url(url, https_only=https_only)
        resolve(parsed.host, port_of(parsed), private=private)
        endpoint, secret = house.endpoints.add(key, url, [WebhookEvent(one) for one in events])
    if as_json:
        print_json({**asdict(endpoint), "secret": secret})
        return
    facts = [("id", endpoint.id), ("url", url), ("events", ", ".join(events) or "all")]
    print_facts("Endpoint", [*facts, ("secret", secret)])
    click.echo(_KEEP)


@webhooks.command("list")
@click.option("--key", help="Only the endpoints of this API key, or of `development`.")
@json_option
def list_(key: str | None, as_json: bool) -> None:
    """List the endpoints, without their secrets."""
    with open_webhooks() as house:
        found = house.endpoints.list(key)
    if as_json:
        print_json({"endpoints": [asdict(one) for one in found]})
        return
    if not found:
        click.echo("There are no endpoints. `switchboard webhooks add KEY URL` makes one.")
        return
    print_table(("id", "key", "url", "events", "made", "state"), map(_endpoint_row, found))


@webhooks.command
@click.argument("endpoint_id", metavar="ENDPOINT")
def remove(endpoint_id: str) -> None:
    """Tell an endpoint nothing more, and forget what it was told."""
    with open_webhooks() as house:
        if not house.endpoints.remove(endpoint_id):
            raise no_endpoint(endpoint_id)
    click.echo(f"{endpoint_id} is gone, and its deliveries with it.")


@webhooks.command
@click.argument("endpoint_id", metavar="ENDPOINT")
@json_option
def rotate(endpoint_id: str, as_json: bool) -> None:
    """Give an endpoint another secret. For a day messages are signed with both."""
    with open_webhooks() as house:
        secret = house.endpoints.rotate(endpoint_id)
    if secret is None:
        raise no_endpoint(endpoint_id)
    if as_json:
        print_json({"id": endpoint_id, "secret": secret})
        return
    print_facts("Endpoint", [("id", endpoint_id), ("secret", secret)])
    click.echo(_KEEP)


@webhooks.command
@click.argument("endpoint_id", metavar="ENDPOINT")
def enable(endpoint_id: str) -> None:
    """Tell an endpoint again that was switched off because it answered 410."""
    with open_webhooks() as house:
        find_endpoint(house, endpoint_id)
        changed = house.endpoints.switch(endpoint_id, on=True)
    click.echo(f"{endpoint_id} is {'on again' if changed else 'on already'}.")


def _check_scope(house: WebhookHouse, scope: str) -> None:
    from orchestrator.access.principal import DEVELOPMENT_SCOPE

    active = [key.id for key in house.apikeys.list() if key.revoked_at is None]
    if scope not in {DEVELOPMENT_SCOPE, *active}:
        raise click.ClickException(
            f"There is no key {scope}; `switchboard keys list` shows them, and "
            f"`{DEVELOPMENT_SCOPE}` stands for sessions that were started without one."
        )


def _endpoint_row(one: Endpoint) -> list[Cell]:
    state: Cell = ("on", "green")
    if one.off_at is not None:
        state = ("off", "red")
    elif one.failures:
        state = (f"{one.failures} failed in a row", "yellow")
    events = ", ".join(one.events) or "all"
    return [one.id, one.scope, one.url, events, minute_of(one.created_at), state]


for _command in (test, deliveries, replay):
    webhooks.add_command(_command)
