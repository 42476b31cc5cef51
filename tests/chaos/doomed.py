"""Who is cut off without a goodbye? A caller in a process of its own, which is killed.

``python -m tests.chaos.doomed SERVER_URL`` reads its token, joins, says "joined", and stays.
"""

from __future__ import annotations

import asyncio
import sys

from livekit import rtc


async def stay(url: str, token: str) -> None:
    room = rtc.Room()
    while True:
        try:
            await room.connect(url, token)
            break
        except rtc.ConnectError:
            await asyncio.sleep(0.3)
    print("joined", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(stay(sys.argv[1], sys.stdin.readline().strip()))
