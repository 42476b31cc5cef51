"""Is the database at the version this code needs, and how does it get there?"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def migrate(engine: Engine, to: str = "head") -> None:
    """Bring the schema up to date, or ``to`` a version; doing it twice changes nothing."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def is_current(engine: Engine) -> bool:
    """Tell whether the schema is the one that this version needs."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return set(current) == set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "sessions:migrations")
    config.set_main_option("path_separator", "os")
    return config
