"""A Celery app with one short task, to try a process pool with."""

from __future__ import annotations

import os
import time

from celery import Celery
from redis import Redis

URL = os.environ["POOL_BROKER"]
PICKED_UP = "picked-up"

app = Celery("pool_app", broker=URL)
app.conf.update(
    worker_pool=os.environ["POOL_CLASS"],
    worker_concurrency=3,
    worker_max_tasks_per_child=1,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    task_acks_late=False,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="serve")
def serve(sent: float) -> None:
    """Note how long the message took to be picked up, in seconds, and by which process."""
    Redis.from_url(URL).rpush(PICKED_UP, f"{time.time() - sent:.4f} {os.getpid()}")
