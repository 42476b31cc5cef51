"""How does the database get to the schema that this version needs?"""

from __future__ import annotations

import click

from orchestrator.cli.configuration import load_settings, without_password
from orchestrator.cli.stores import open_engine


@click.command
def migrate() -> None:
    """Bring the database to the schema of this version; says nothing when it is there."""
    from sessions import schema

    settings = load_settings()
    with open_engine(settings) as engine:
        if schema.is_current(engine):
            return
        schema.migrate(engine)
    where = without_password(settings.database_url)
    click.echo(f"The database {where} now has the schema of this version.")
