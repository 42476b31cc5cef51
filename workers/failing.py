"""What becomes of a worker whose event loop has failed?

Celery would wait for its calls to end, of which nobody takes care any more, and may wait for ever
without taking another. Here it ends at once, as if it had been killed: its children go with it,
their calls are taken over elsewhere, and whoever started it starts another.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import bootsteps
from celery.platforms import EX_FAILURE


class Failsafe(bootsteps.StartStopStep):
    """A step of the worker that is stopped before its pool is."""

    requires = ("celery.worker.components:Pool",)

    def stop(self, parent: Any) -> None:
        """End the process if it stops because of an error."""
        if parent.exitcode == EX_FAILURE:
            logging.shutdown()
            os._exit(EX_FAILURE)
