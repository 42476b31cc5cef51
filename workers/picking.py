"""A process is free: which waiting session does it take?

A message only says that somebody waits. Whoever waits first is found here, in the parent, before
the message becomes a task: so a message that is lost, doubled or late costs nobody the turn, one
about nothing costs no warm process, and the task bears the name of the session that it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import structlog
from celery.worker.strategy import default
from redis.exceptions import RedisError

from sessions.states import State
from workers.context import Context, get_context
from workers.draining import is_draining

Nudge = tuple[str, int]

_FIRST_GENERATION = 1
_RECOVERING_LOOKED_AT = 100

log = structlog.get_logger(__name__)


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Return what Celery calls with each message that asks for an agent."""
    take = default(task, app, consumer, **options)

    def pick_and_take(
        message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any
    ) -> Any:
        try:
            named = _read(message)
        except (TypeError, ValueError):
            return take(message, body, ack, reject, callbacks, **more)
        if is_draining():
            # It had been fetched when this worker was told to stop.
            log.info("message_given_back", session_id=named[0], generation=named[1])
            return reject(log, consumer.connection_errors, requeue=True)
        try:
            picked = pick(get_context(), *named)
        except RedisError as error:
            # The claim will tell, if Redis is back by then.
            log.warning("nobody_picked", error=str(error))
            picked = named
        if picked is None:
            log.info("nobody_waits", session_id=named[0], generation=named[1])
            return ack(log, consumer.connection_errors)
        _write(message, picked)
        return take(message, body, ack, reject, callbacks, **more)

    return pick_and_take


def pick(context: Context, session_id: str, generation: int) -> Nudge | None:
    """Return who is served next, the session named by the message or another; ``None``: nobody.

    Calls that have lost their agent come before the whole queue, this one before the others.
    """
    found = context.directory.in_state(State.RECOVERING, _RECOVERING_LOOKED_AT)
    if generation > _FIRST_GENERATION:
        found = [session_id, *found]
    lost = [
        f"{one.id}:{one.generation}"
        for one in context.directory.load_many(found)
        if one and one.state is State.RECOVERING and one.owned_generation < one.generation
    ]
    picked = context.store.pick(lost)
    if picked is None:
        return _handed_over(context, session_id, generation)
    waiting_id, _, next_generation = picked.partition(":")
    return waiting_id, int(next_generation or _FIRST_GENERATION)


def _handed_over(context: Context, session_id: str, generation: int) -> Nudge | None:
    """Return the call named if its agent is to be replaced: where nobody waits, there is time."""
    [session] = context.directory.load_many([session_id])
    awaited = session is not None and session.is_awaited_by(generation)
    return (session_id, generation) if awaited else None


def _read(message: Any) -> Nudge:
    args, _, _ = message.payload
    session_id, generation = args
    return str(session_id), int(generation)


def _write(message: Any, picked: Nudge) -> None:
    args, kwargs, embed = message.payload
    # The parent goes by what has been decoded, the child by the body.
    args[:] = picked
    message.body = json.dumps([args, kwargs, embed])
    message.headers["argsrepr"] = repr(picked)
