"""Celery's settings: which queues there are, who may lose a message, and what beat does when."""

from __future__ import annotations

from sessions import keys
from sessions.settings import get_settings

_settings = get_settings()

broker_url = _settings.redis_url
broker_connection_retry_on_startup = True
# A Redis that fails over answers with errors; a worker that ended then would end its calls.
broker_channel_error_retry = True
_redis_options = {
    "socket_connect_timeout": _settings.redis_timeout_seconds,
    "socket_timeout": 5,
    "socket_keepalive": True,
}
# What is in hand when Redis goes is sent again by the reaper; handing it back ends the worker.
broker_transport_options = {**_redis_options, "ack_emulation": False}
result_backend = None
task_ignore_result = True
result_expires = None
task_serializer = "json"
accept_content = ["json"]
timezone = "UTC"

imports = (
    "workers.sessions",
    "workers.upkeep.tasks",
    "workers.answers",
    "workers.signals",
    "workers.kafka.signals",
    "workers.webhooks.signals",
)
task_routes = {
    "workers.sessions.*": {"queue": "sessions"},
    "workers.upkeep.*": {"queue": "upkeep"},
    "workers.answers.*": {"queue": "answers"},
}

# A nudge is never given twice by the broker: what a crash loses, the reaper finds.
task_acks_late = False
worker_prefetch_multiplier = 1
worker_disable_prefetch = True

# Every call gets a process of its own, forked from a parent that has imported everything.
worker_pool = "workers.pool:TaskPool"
worker_concurrency = _settings.worker_concurrency
worker_max_tasks_per_child = 1
# A child that prepares its providers under load may take longer than the default of 4 s.
worker_proc_alive_timeout = 30.0

worker_hijack_root_logger = False
worker_redirect_stdouts = False
worker_send_task_events = True
task_send_sent_event = False

beat_scheduler = "workers.beat:Scheduler"
beat_max_loop_interval = 2
redbeat_redis_url = _settings.redis_url
redbeat_redis_options = _redis_options
redbeat_key_prefix = "redbeat:"
redbeat_lock_key = keys.BEAT_LOCK
# A beat that is killed leaves its lock behind: nobody is reaped until it has gone.
redbeat_lock_timeout = 8


def _every(seconds: float) -> dict[str, object]:
    """Return when a job is due; one that nobody took in time is not made up for."""
    return {"schedule": seconds, "options": {"expires": seconds}}


beat_schedule = {
    "reap": {"task": "workers.upkeep.tasks.reap", **_every(2.0)},
    "reconcile": {"task": "workers.upkeep.tasks.reconcile", **_every(30.0)},
    "sweep": {"task": "workers.upkeep.tasks.sweep", **_every(600.0)},
}
