"""The contender of LiveKit's own: an ``AgentServer`` with three idle processes.

A job named ``join`` connects and publishes, no more. One that ``converse``s is ``bench.stock``. Any
other job is a call with the same parts as ours: voice activity detection, the same speech server,
the same opening line.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess, cli, inference
from livekit.agents.voice.turn import TurnHandlingOptions
from livekit.plugins import openai

from bench.contender import AGENT_NAME, CONVERSE, JOIN


def prepare(process: JobProcess) -> None:
    """Make an idle process ready, as our children are."""
    rtc.AudioSource(48_000, 1)
    process.userdata["vad"] = inference.VAD()


server = AgentServer(
    num_idle_processes=3,
    host="127.0.0.1",
    port=0,
    setup_fnc=prepare,
    # While others use the processor it would turn jobs away, and LiveKit not even offer them.
    load_fnc=lambda: 0.0,
)


@server.rtc_session(agent_name=AGENT_NAME)
async def serve(job: JobContext) -> None:
    """Take one job."""
    if job.job.metadata == JOIN:
        await join(job)
        return
    order = json.loads(job.job.metadata)
    await (converse if order.pop(CONVERSE, False) else call)(job, **order)


async def join(job: JobContext) -> None:
    """Connect, publish and leave."""
    await job.connect()
    track = rtc.LocalAudioTrack.create_audio_track("voice", rtc.AudioSource(24_000, 1))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await job.room.local_participant.publish_track(track, options)
    await asyncio.sleep(0.3)
    job.shutdown()


def note_pid(file: str) -> None:
    """Let the benchmark know which process this is."""
    Path(file).write_text(str(os.getpid()), encoding="ascii")


async def call(job: JobContext, tts_url: str, voice: str, line: str, pid_file: str) -> None:
    """Say the opening line to a caller, and stay."""
    note_pid(pid_file)
    session: AgentSession[None] = AgentSession(
        vad=job.proc.userdata["vad"],
        tts=openai.TTS(base_url=tts_url, api_key="none", voice=voice, response_format="pcm"),
        turn_handling=TurnHandlingOptions(turn_detection="vad"),
        user_away_timeout=None,
        aec_warmup_duration=None,
    )
    await job.connect()
    await session.start(Agent(instructions="Be brief."), room=job.room)
    await job.wait_for_participant(identity="caller")
    await session.say(line)


async def converse(job: JobContext, voice: str, line: str) -> None:
    """Say the opening line to a caller, and answer what they ask."""
    # Only here: an idle process is to be no larger than it needs to be for the other jobs.
    from bench.stock import stock_session

    session = stock_session(job.proc.userdata["vad"], voice)
    await job.connect()
    await session.start(Agent(instructions="Be brief."), room=job.room)
    await job.wait_for_participant(identity="caller")
    await session.say(line)


if __name__ == "__main__":
    cli.run_app(server)
