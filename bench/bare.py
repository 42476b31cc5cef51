"""The least that can be done: connect to a room and publish a track, with nothing around it.

``again`` does it over and over in one process; ``fresh`` forks a process for each, which has
imported LiveKit but never used it. Reads lines of JSON, answers with the moment it began.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from livekit import rtc

_STAY_SECONDS = 0.3


async def join(url: str, token: str, stay: float = _STAY_SECONDS) -> None:
    """Join, publish, tell when that began, stay for a moment and leave."""
    room = rtc.Room()
    started = time.monotonic()
    await room.connect(url, token)
    source = rtc.AudioSource(24_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    print(started, flush=True)
    await asyncio.sleep(stay)
    await room.disconnect()


async def again() -> None:
    """Serve every line in this process."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        await join(**json.loads(line))


def fresh() -> None:
    """Serve every line in a process of its own."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            asyncio.run(join(**json.loads(line)))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    if sys.argv[1] == "fresh":
        fresh()
    else:
        asyncio.run(again())
