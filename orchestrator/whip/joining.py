"""Does somebody else wait for the session that an offer has started?

A caller whose connection breaks offers again under the same name, often before anybody sees that
the first connection is gone. Then the session is not over with the first offer.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import OutOfMemoryError, RedisError

from orchestrator.services import Services
from sessions.keys import offers_joining

_LONGER_SECONDS = 60
"""What a process that dies leaves goes by itself, so much later than any offer could wait."""


@contextmanager
def joining(house: Services, session_id: str) -> Iterator[None]:
    """Let it be seen that an offer waits to join a session it has not started."""
    name, who = offers_joining(session_id), secrets.token_hex(8)
    # A full Redis keeps nobody from joining.
    with suppress(OutOfMemoryError), house.redis.pipeline(transaction=True) as pipeline:
        pipeline.sadd(name, who)
        pipeline.expire(name, round(house.settings.whip_timeout_seconds) + _LONGER_SECONDS)
        pipeline.execute()
    try:
        yield
    finally:
        with suppress(RedisError):
            house.redis.srem(name, who)


def is_joined(house: Services, session_id: str) -> bool:
    """Tell whether such an offer waits."""
    return bool(house.redis.exists(offers_joining(session_id)))
