"""`switchboard bridge`: the answering side of Kafka, on this machine or on any other."""

from __future__ import annotations

import signal
from threading import Event
from typing import Any

import click


@click.command()
def bridge() -> None:
    """Answer questions that come over Kafka, until SIGTERM or Ctrl-C.

    It needs Kafka, the database and a server that makes embeddings; Redis it does not need, so it
    can run on another machine. Several share the work.
    """
    from sessions.logs import configure_logging
    from sessions.settings import get_settings
    from workers.answering import answer_request, prepare_answering
    from workers.kafka.bridge import Bridge

    settings = get_settings()
    prepare_answering()
    configure_logging(settings)
    Bridge(settings, answer_request).run(until_told_to_end())


def until_told_to_end() -> Event:
    """Return what is set by SIGTERM or Ctrl-C."""
    stop = Event()

    def end(number: int, _frame: Any) -> None:
        stop.set()
        # Whoever asks twice is not kept waiting.
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop
