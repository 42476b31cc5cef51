"""A worker whose event loop fails as soon as a task runs that takes long."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state

from workers.failing import Failsafe

app = Celery("failing", broker=os.environ["POOL_BROKER"])
app.conf.update(worker_pool="workers.pool:TaskPool", worker_concurrency=1)


@app.task(name="take_long")
def take_long() -> None:
    time.sleep(300)


def fail_in_a_task() -> None:
    if state.active_requests:
        raise RuntimeError("The event loop fails.")


class Failing(bootsteps.StartStopStep):
    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        parent.hub.on_tick.add(fail_in_a_task)


app.steps["consumer"].add(Failing)
app.steps["worker"].add(Failsafe)
