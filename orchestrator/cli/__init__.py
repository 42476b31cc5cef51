"""The command line: calling, looking, ending, and asking whether all is well.

Every module imports what is slow inside its commands, so that `--help` is there at once.
"""

from __future__ import annotations

import click

from orchestrator.cli.call import call
from orchestrator.cli.chat import chat
from orchestrator.cli.commands import Commands
from orchestrator.cli.database import migrate
from orchestrator.cli.doctor import doctor
from orchestrator.cli.drain import drain
from orchestrator.cli.export import export
from orchestrator.cli.keys import keys
from orchestrator.cli.queue import queue
from orchestrator.cli.sessions import end, sessions, show
from orchestrator.cli.settings import settings
from orchestrator.cli.webhooks import webhooks
from orchestrator.cli.workers import workers

__all__ = ["main"]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="switchboard-voice", prog_name="switchboard")
def main() -> None:
    """Switchboard runs real-time voice agents.

    Start with `switchboard doctor`, then make a first call: `switchboard call --save call.wav`.
    """


for _command in (
    *(call, chat, sessions, show, end, queue, workers, drain, keys, webhooks),
    *(export, migrate, settings, doctor),
):
    main.add_command(_command)
