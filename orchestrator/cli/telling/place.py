"""How does a command reach the endpoints and the deliveries?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestrator.cli.configuration import load_settings
from orchestrator.cli.stores import open_engine

if TYPE_CHECKING:
    from sessions.apikeys import ApiKeys
    from sessions.settings import Settings
    from sessions.webhooks.deliveries import Deliveries
    from sessions.webhooks.endpoints import Endpoint, Endpoints


@dataclass(frozen=True)
class WebhookHouse:
    """What the commands work with."""

    settings: Settings
    apikeys: ApiKeys
    endpoints: Endpoints
    deliveries: Deliveries


@contextmanager
def open_webhooks() -> Iterator[WebhookHouse]:
    """Open the database for a ``with`` block."""
    from sessions.apikeys import ApiKeys
    from sessions.webhooks.deliveries import Deliveries
    from sessions.webhooks.endpoints import Endpoints

    settings = load_settings()
    with open_engine(settings) as engine:
        deliveries = Deliveries(engine, settings)
        yield WebhookHouse(settings, ApiKeys(engine), Endpoints(engine), deliveries)


def find_endpoint(house: WebhookHouse, endpoint_id: str) -> Endpoint:
    """Return an endpoint, or say that there is none."""
    found = house.endpoints.find(endpoint_id)
    if found is None:
        raise no_endpoint(endpoint_id)
    return found


def no_endpoint(endpoint_id: str) -> click.ClickException:
    """Return what says that there is no such endpoint."""
    return click.ClickException(
        f"There is no endpoint {endpoint_id}; `switchboard webhooks list` shows them."
    )


def minute_of(milliseconds: int) -> str:
    """Return a moment as a table shows it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
