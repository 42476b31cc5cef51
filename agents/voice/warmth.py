"""What can be made ready before anybody calls, so that a start only connects?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from livekit import rtc
from livekit.agents import inference, vad


@dataclass(frozen=True)
class Warm:
    """Parts of an agent that do not depend on the call."""

    vad: vad.VAD


@cache
def warm() -> Warm:
    """Make this process ready for a call.

    Starts LiveKit's FFI, which does not survive a fork: never call this in a process that forks.
    """
    rtc.AudioSource(sample_rate=48_000, num_channels=1)
    return Warm(vad=inference.VAD())
