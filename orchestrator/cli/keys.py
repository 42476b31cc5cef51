"""Who may start sessions: making API keys, listing them and taking them back."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.configuration import load_settings
from orchestrator.cli.output import Cell, json_option, print_facts, print_json, print_table
from orchestrator.cli.stores import open_engine

if TYPE_CHECKING:
    from sessions.apikeys import ApiKey, ApiKeys

_limit = click.IntRange(min=0)


@click.group
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command
@click.argument("name")
@click.option("--admin", is_flag=True, help="The key sees and ends everybody's sessions.")
@click.option("--live", type=_limit, default=0, help="Live sessions at once; 0 takes the house's.")
@click.option("--live-per-user", type=_limit, default=0, help="The same for each of its users.")
@click.option("--starts-per-minute", type=_limit, default=0, help="Sessions started in a minute.")
@click.option(
    "--priority",
    type=click.IntRange(0, 9),
    help="The greatest priority that its sessions may wait with.  [default: the house's]",
)
@json_option
def create(
    name: str,
    admin: bool,
    live: int,
    live_per_user: int,
    starts_per_minute: int,
    priority: int | None,
    as_json: bool,
) -> None:
    """Make a key called NAME and print its secret, this once."""
    from sessions.limits import Limits

    if not name.strip() or len(name) > 128:
        raise click.UsageError("NAME must have 1 to 128 characters.")
    limits = Limits(live, live_per_user, starts_per_minute, priority)
    with _api_keys() as api_keys:
        key, secret = api_keys.create(name.strip(), admin=admin, limits=limits)
    if as_json:
        print_json({**_document(key), "secret": secret})
        return
    print_facts("Key", [("id", key.id), ("name", key.name), ("secret", secret)])
    click.echo("Keep the secret now: it is not shown again. Send it as `Authorization: Bearer`.")


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all keys, without their secrets."""
    with _api_keys() as api_keys:
        found = api_keys.list()
    if as_json:
        print_json({"keys": [_document(key) for key in found]})
        return
    if not found:
        click.echo("There are no keys. `switchboard keys create NAME` makes one.")
        return
    headings = (
        "id",
        "name",
        "admin",
        "live",
        "per user",
        "a minute",
        "priority",
        "made",
        "revoked",
    )
    print_table(headings, map(_row, found))


@keys.command
@click.argument("key_id", metavar="ID")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke a key for good. Its sessions go on; it starts and sees none from now on."""
    with _api_keys() as api_keys:
        revoked = api_keys.revoke(key_id)
        active = [] if revoked else [key.id for key in api_keys.list() if key.revoked_at is None]
    if not revoked:
        close = difflib.get_close_matches(key_id, active, n=1)
        hint = f" (did you mean {close[0]}?)" if close else "; `switchboard keys list` shows them"
        raise click.ClickException(f"There is no key {key_id} to revoke{hint}.")
    if as_json:
        print_json({"id": key_id, "revoked": True})
        return
    click.echo(f"{key_id} is revoked.")


@contextmanager
def _api_keys() -> Iterator[ApiKeys]:
    from sessions.apikeys import ApiKeys

    with open_engine(load_settings()) as engine:
        yield ApiKeys(engine)


def _document(key: ApiKey) -> dict[str, Any]:
    return asdict(key)


def _row(key: ApiKey) -> list[Cell]:
    gone = "dim" if key.revoked_at else ""
    limits = (key.limits.live, key.limits.live_per_user, key.limits.starts_per_minute)
    texts = [
        key.id,
        key.name,
        "yes" if key.admin else "",
        *(str(limit) if limit else "-" for limit in limits),
        "-" if key.limits.priority is None else str(key.limits.priority),
        _day(key.created_at),
        _day(key.revoked_at) if key.revoked_at else "",
    ]
    return [(text, gone) for text in texts]


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
