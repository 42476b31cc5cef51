"""Which commands are there? Those of the front, and those that other packages register.

A package offers a command as an entry point of the group ``switchboard.commands``. So do our own
floors that the front must not import, and what they raise is told as well as the front's own.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

from sessions.errors import SwitchboardError

GROUP = "switchboard.commands"


class Commands(click.Group):
    """A group that finds commands among the entry points too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the alphabet."""
        return sorted({*super().list_commands(ctx), *_registered()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called ``cmd_name``, if there is one."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _registered():
            return own
        return _registered()[cmd_name].load()

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and tell what it raises on purpose as one sentence."""
        from pydantic import ValidationError

        try:
            return super().invoke(ctx)
        except SwitchboardError as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            if error.title != "Settings":
                raise
            from sessions.settings import explain

            raise click.ClickException(explain(error)) from None


def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
