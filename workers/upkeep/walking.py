"""How is more looked through than may be at once? A piece each time, from where the last ended."""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from redis import Redis

from sessions import keys
from workers.upkeep.batching import BATCH

_TTL_SECONDS = 24 * 3600


def walk_keys(redis: Redis, steps: int) -> Iterator[list[str]]:
    """Yield the names of keys, a few hundred at each of so many steps."""

    def step(cursor: int) -> tuple[int, list[str]]:
        return cast("tuple[int, list[str]]", redis.scan(cursor, count=BATCH))

    return _walk(redis, "keys", step, steps)


def walk_index(redis: Redis, index: str, steps: int, walk: str) -> Iterator[list[str]]:
    """Yield the members of a zset, a few hundred at each of so many steps of this ``walk``."""

    def step(cursor: int) -> tuple[int, list[str]]:
        reply = redis.zscan(index, cursor, count=BATCH)
        following, members = cast("tuple[int, list[tuple[str, float]]]", reply)
        return following, [member for member, _ in members]

    return _walk(redis, f"{walk}:{index}", step, steps)


def _walk(
    redis: Redis, name: str, step: Callable[[int], tuple[int, list[str]]], steps: int
) -> Iterator[list[str]]:
    cursor = int(cast("str | None", redis.hget(keys.WALKS, name)) or 0)
    for _ in range(steps):
        cursor, found = step(cursor)
        yield found
        if cursor == 0:
            break
    with redis.pipeline() as pipeline:
        pipeline.hset(keys.WALKS, name, str(cursor))
        pipeline.expire(keys.WALKS, _TTL_SECONDS)
        pipeline.execute()
