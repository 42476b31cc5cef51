"""Who still waits beside a free slot, and what are those told who wait for one?"""

from __future__ import annotations

import random

from sessions.ids import made_at
from sessions.outlook import Outlook, Outlooks
from workers.app import nudge
from workers.context import Context

_FIRST_GENERATION = 1
_TOLD_EACH_TIME = 100
"""So many of the first, and as many somewhere behind: a long queue costs no more than a short."""


def look_after_queue(context: Context) -> None:
    """Send again for those whom a free slot waits for, and tell the others their place."""
    length = context.directory.queue_length()
    if length == 0:
        return
    outlook = Outlooks(context.redis, context.fleet).now()
    if outlook.free:
        _send_again(context, outlook.free)
    if length > outlook.free:
        _tell_places(context, outlook, length)


def _send_again(context: Context, free: int) -> None:
    """Send as many messages as there are free slots; it does not matter whom they name."""
    old = context.store.now() - context.settings.renudge_seconds * 1000
    for session_id in context.directory.queue(free):
        if made_at(session_id) < old:
            nudge(session_id, _FIRST_GENERATION)


def _tell_places(context: Context, outlook: Outlook, length: int) -> None:
    told = context.directory.queue(_TOLD_EACH_TIME, outlook.free)
    behind = outlook.free + _TOLD_EACH_TIME
    if length > behind:
        rounds = -(-(length - behind) // _TOLD_EACH_TIME)
        skipped = behind + random.randrange(rounds) * _TOLD_EACH_TIME
        told += context.directory.queue(_TOLD_EACH_TIME, skipped)
    for session_id in told:
        context.store.tell_place(session_id, outlook.free, outlook.pace)
