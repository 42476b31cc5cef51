"""How much memory does one more call cost, while it goes on, and how much do the models?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import psutil

from bench.asking import ask, speeches
from bench.contender import Contender, agent_server
from bench.house import end_call, settled
from bench.measuring import Goal, Row, median
from bench.questions import QUESTIONS
from bench.rooms import token
from sessions.voices import load_voices
from tests.fixtures.house import House
from tests.support.caller import calling

CALLS = 3
_ASKED = QUESTIONS[:4]
HOW = (
    f"{CALLS} calls each, taking turns: a caller joins and hears the same opening line in the same "
    "voice from our agent, and from an `AgentServer` job with the same `AgentSession` (VAD, the "
    "OpenAI plugin's TTS). One second after the line the process's USS is read, that is the memory "
    "which would be free again if it went; and once more in a call of ours in which the caller has "
    f"had {len(_ASKED)} questions answered. The model server's processes are added up (RSS) when "
    "it has spoken in those calls, and has heard and embedded as well."
)
MISSED = (
    "most of what a conversation adds comes with its first question: the C library's heap of the "
    "thread that looks it up, and pages of the parent that are written to for the first time. One "
    "heap in place of two made no difference. Looking questions up in the worker's parent, for all "
    "its calls, would take both out of the call's process."
)

_LINE = "Hello Ann, thank you for calling. How can I help you today?"


def measure(house: House) -> list[Row]:
    """Measure both, taking turns."""
    return [*asyncio.run(_measure(house)), asyncio.run(_conversation(house)), _model_server(house)]


async def _measure(house: House) -> list[Row]:
    ours: list[float] = []
    theirs: list[float] = []
    async with agent_server(house) as contender:
        await settled(contender.pid)
        for n in range(CALLS):
            ours.append(await _our_call(house))
            theirs.append(await _their_call(house, contender, n))
    goal = Goal(at_most=60, less_than_contender=True)
    return [
        Row("USS of a process in a call", "MB", median(ours), "AgentServer", median(theirs), goal)
    ]


async def _conversation(house: House) -> Row:
    questions = await speeches(house, _ASKED, "Craig")
    call = await asyncio.to_thread(house.start, openingLine=_LINE, voiceId="Ashley")
    async with calling(call, with_microphone=True) as caller:
        await caller.wait_for_quiet()
        await ask(caller, questions)
        used = _megabytes(house.agent_pid(call["sessionId"]))
    await end_call(house, call["sessionId"])
    return Row("USS of a process in a call, after questions", "MB", used, goal=Goal(at_most=60))


async def _our_call(house: House) -> float:
    call = await asyncio.to_thread(house.start, openingLine=_LINE, voiceId="Ashley")
    async with calling(call) as caller:
        await caller.wait_for_quiet()
        used = _megabytes(house.agent_pid(call["sessionId"]))
    await end_call(house, call["sessionId"])
    return used


async def _their_call(house: House, contender: Contender, n: int) -> float:
    settings, room = house.settings, f"memory-{n}"
    pid_file = house.folder / f"{room}.pid"
    order = {
        "tts_url": settings.inference_url,
        "voice": load_voices(settings.voices_file).find("Ashley").id_for(settings.tts_provider),
        "line": _LINE,
        "pid_file": str(pid_file),
    }
    await contender.dispatch(room, json.dumps(order))
    call = {"serverUrl": settings.livekit_url, "token": token(settings, room, "caller")}
    async with calling(call) as caller:
        await caller.wait_for_quiet()
        used = _megabytes(_pid_in(pid_file))
    await asyncio.sleep(0.5)
    await settled(contender.pid)
    return used


def _model_server(house: House) -> Row:
    with httpx.Client(base_url=house.settings.inference_url, timeout=60) as client:
        spoken = client.post(
            "audio/speech", json={"model": "tts-1", "voice": "Ashley", "input": _LINE}
        )
        client.post(
            "audio/transcriptions",
            data={"model": "whisper-1"},
            files={"file": ("line.wav", spoken.content)},
        ).raise_for_status()
        client.post("embeddings", json={"model": "minilm", "input": _LINE}).raise_for_status()
    server = psutil.Process(house.children["inference"].pid)
    used = sum(process.memory_info().rss for process in (server, *server.children(recursive=True)))
    return Row("RSS of the model server", "MB", used / 1e6, goal=Goal(at_most=700))


def _pid_in(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))


def _megabytes(pid: int) -> float:
    return psutil.Process(pid).memory_full_info().uss / 1e6
