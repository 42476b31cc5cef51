"""How does a worker let go of a Redis that has gone?

Kombu's channel says goodbye first, which fails, and then keeps its sockets for ever; so does every
other channel of that connection, for the failure ends the closing of them all.
"""

from __future__ import annotations

from kombu.transport import redis as kombu_redis
from redis.exceptions import RedisError


class Channel(kombu_redis.Channel):
    """Kombu's channel, which closes even if nobody is there to be told."""

    def close(self) -> None:
        """Close it."""
        try:
            super().close()
        except (RedisError, OSError):
            self.closed = True
            # What is in hand is sent again by the reaper; nobody is there to take it back.
            self.do_restore = False
            self.qos.restore_unacked_once()
            self.pool.disconnect()


class Transport(kombu_redis.Transport):
    """Kombu's transport with our channel."""

    Channel = Channel
