"""What must an agent know of a caller who has come by WHIP? Their connection is negotiated once.

The voice of an agent that takes the call over is not sent on it, so they would hear nothing for
ever. Sent out of the room, they notice, and offer anew; their place in the call is kept meanwhile.
"""

from __future__ import annotations

import asyncio

import structlog
from livekit import rtc

from agents.voice.rooms import LiveKitErrors, remove_participant
from sessions.models import Session
from sessions.rooms import CALLER_IDENTITY, HEARS_NOTHING, VIA, WHIP
from sessions.settings import Settings

log = structlog.get_logger(__name__)

_SECONDS = 2.0


async def send_away_from_lost_agent(room: rtc.Room, session: Session, settings: Settings) -> bool:
    """Have a caller by WHIP who was there before the agent of ``session`` connect anew.

    Returns whether there is one who has to.
    """
    caller = room.remote_participants.get(CALLER_IDENTITY)
    if session.generation == 1 or caller is None or caller.attributes.get(VIA) != WHIP:
        return False
    gone = asyncio.Event()

    def on_left(participant: rtc.RemoteParticipant) -> None:
        if participant.identity == CALLER_IDENTITY:
            gone.set()

    room.on("participant_disconnected", on_left)
    try:
        async with asyncio.timeout(_SECONDS):
            await remove_participant(settings, session.id, CALLER_IDENTITY)
            await gone.wait()
        log.info("whip_caller_sent_away")
    except LiveKitErrors as error:
        log.warning("whip_caller_not_sent_away", error=f"{type(error).__name__}: {error}")
    finally:
        room.off("participant_disconnected", on_left)
    return True


def hears_nothing(room: rtc.Room) -> bool:
    """Tell whether the caller who is there has offered to send only."""
    caller = room.remote_participants.get(CALLER_IDENTITY)
    return caller is not None and HEARS_NOTHING in caller.attributes
