"""One call that is watched from all sides: what do its logs and its trace tell, and what not?

In a house of its own: production mode, the most talkative log level, and a collector of spans.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sessions.apikeys import ApiKeys
from sessions.connections import connect
from sessions.database import open_database
from sessions.questions.attendance import Attendance
from tests.fixtures.house import House, is_registered, session_worker
from tests.fixtures.inference import InferenceServer
from tests.fixtures.livekit import PORTS, answers_ok
from tests.fixtures.redis import RedisServer
from tests.support import loopback
from tests.support.caller import calling
from tests.support.collector import Collector, collecting
from tests.support.eventually import eventually
from tests.support.ports import free_port, free_port_block
from tests.support.processes import ROOT, running
from tests.support.settings import settings_with
from tests.support.speech import spoken

SECRET = "a secret of this test that is long enough"
PROMPT = "You are a pelican and your name is Zebedee."
OPENING = "Hello, this is the walrus office."
QUESTION = "When is the marmalade museum open on Sundays?"
TRACE = "0af7651916cd43dd8448eb211c80319c"
CORRELATION = "corr-observed"
WORKER = "sessions@observed"

pytestmark = pytest.mark.timeout(300)

UNSEEN = {"claim_refused"}
"""Lines about a session of which nothing has been read yet, or is there any more."""


@dataclass(frozen=True)
class Observed:
    """What one call has left behind."""

    session_id: str
    unspoken: list[str]
    """What must stand in no log and no span."""
    logs: dict[str, str]
    collector: Collector

    def lines(self, part: str) -> list[dict[str, Any]]:
        """Return the log lines of one part of the house."""
        return [json.loads(line) for line in self.logs[part].splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def observed(
    redis_server: RedisServer,
    inference: InferenceServer,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("observed")
    shutil.copyfile(migrated_database, folder / "switchboard.db")
    media = free_port_block(PORTS)
    with collecting() as collector, ExitStack() as parts:
        settings = settings_with(
            mode="production",
            log_level="DEBUG",
            otlp_endpoint=collector.url,
            port=free_port(),
            redis_url=redis_server.database(5),
            database_url=f"sqlite:///{folder}/switchboard.db",
            livekit_url=f"ws://127.0.0.1:{media}",
            livekit_api_secret=SECRET,
            inference_url=inference.url,
            worker_concurrency=2,
            worker_heartbeat_seconds=0.5,
            lease_seconds=4,
            lease_renew_seconds=1,
            ending_grace_seconds=4,
        )
        _, key = ApiKeys(open_database(settings.database_url)).create("test")
        house = House(settings, folder, connect(settings))
        parts.callback(house.redis.close)
        parts.enter_context(
            running(
                "livekit",
                [ROOT / "deploy/dev/livekit"],
                folder / "livekit.log",
                lambda: answers_ok(media),
                environment={
                    "SWITCHBOARD_LIVEKIT_PORT": str(media),
                    "SWITCHBOARD_LIVEKIT_API_SECRET": SECRET,
                },
            )
        )
        upkeep = [*_celery("upkeep,answers", "upkeep@observed"), "-P", "threads", "-c", "2"]
        web = ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", "orchestrator.app:create_app()"]
        commands = {"worker": session_worker(WORKER), "upkeep": upkeep, "web": web}
        for name, command in commands.items():
            child = parts.enter_context(house.run(name, command, lambda: True))
            house.children[name] = child
        eventually(lambda: is_registered(house.redis, WORKER), 60, "the worker has reported")
        eventually(Attendance(house.redis, settings).count, 60, "somebody answers questions")
        eventually(lambda: loopback.is_well(f"{house.url}/health"), 60, "the web front answers")
        session_id, token = _call(house, key)
        eventually(lambda: collector.named("finish"), 10, "the end has been traced")
        eventually(lambda: collector.named("call"), 10, "the call has been traced")
        parts.close()
        logs = {name: (folder / f"{name}.log").read_text() for name in commands}
        unspoken = [key, token, SECRET, PROMPT, OPENING, QUESTION]
        yield Observed(session_id, unspoken, logs, collector)


def _celery(queues: str, name: str) -> list[str]:
    return ["celery", "-A", "workers.app", "worker", "-Q", queues, "-n", name]


def _call(house: House, key: str) -> tuple[str, str]:
    """Have one call with a question spoken, one written, and an agent lost in the middle."""
    with httpx.Client(base_url=house.url, timeout=20) as web:
        bearer = {"Authorization": f"Bearer {key}"}
        traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Correlation-ID": CORRELATION}
        body = {"userName": "Ann", "systemPrompt": PROMPT, "openingLine": OPENING}
        answer = web.post("/orchestrator/session/start", json=body, headers={**bearer, **traced})
        assert answer.status_code == 201, answer.text
        started = answer.json()
        session_id = str(started["sessionId"])
        asyncio.run(_talk(house, started))
        # No handshake, so it is refused; the query is a browser's.
        query = {"access_token": started["token"]}
        assert web.get(f"/ws/{session_id}", params=query).status_code == 400
        asked = {"user_id": "Ann", "session_id": session_id, "message": QUESTION}
        said = web.post("/chat", json=asked, headers={**bearer, "Prefer": "wait=10"})
        assert said.status_code == 200, said.text
        web.post("/chat", json={**asked, "message": QUESTION * 500}, headers=bearer)
        web.post("/orchestrator/session/end", json={"sessionId": session_id}, headers=bearer)

        def ended() -> bool:
            shown = web.get(f"/orchestrator/session/{session_id}", headers=bearer).json()
            return shown["state"] == "ended"

        eventually(ended, 20, "the session has ended", step=0.1)
    return session_id, str(started["token"])


async def _talk(house: House, started: dict[str, Any]) -> None:
    question = await asyncio.to_thread(spoken, house.settings.inference_url, QUESTION, "Craig")
    async with calling(started, with_microphone=True) as caller:
        await caller.hears_silence_after(await caller.hears_after(0.0), pause=0.8)
        said = await caller.say(question)
        await caller.hears_answer_to(said)
        session_id = str(started["sessionId"])
        os.kill(house.agent_pid(session_id), signal.SIGKILL)

        def taken_over() -> bool:
            session = house.directory.load(session_id)
            return session is not None and (session.generation, session.state) == (2, "ready")

        await asyncio.to_thread(eventually, taken_over, 20, "another agent has taken over")


@pytest.mark.parametrize("part", ["web", "worker", "upkeep"])
def test_lines_when_about_a_session_then_have_all_three_fields(
    observed: Observed, part: str
) -> None:
    about = [line for line in observed.lines(part) if observed.session_id in json.dumps(line)]
    assert about
    named = {"session_id": observed.session_id}
    for line in about:
        if line["event"] in UNSEEN or line.get("status") == 400:
            continue
        assert {**line, **named} == line, line
        assert line.get("correlation_id"), line
        assert line.get("generation") in {1, 2}, line


def test_lines_when_a_start_brings_a_correlation_id_then_it_reaches_agent_and_upkeep(
    observed: Observed,
) -> None:
    def of(part: str) -> set[str]:
        mine = [one for one in observed.lines(part) if one.get("correlation_id") == CORRELATION]
        return {one["event"] for one in mine}

    assert "request" in of("web")
    assert "claimed" in of("worker")
    assert "session_ended" in of("upkeep")


@pytest.mark.parametrize("part", ["web", "worker", "upkeep"])
def test_logs_when_everything_is_logged_then_hold_no_secret_and_nothing_said(
    observed: Observed, part: str
) -> None:
    assert {line["level"] for line in observed.lines("worker")} >= {"debug", "info", "warning"}
    text = observed.logs[part].lower()
    words = [*observed.unspoken, "zebedee", "walrus", "marmalade"]
    assert [word for word in words if word.lower() in text] == []


def test_trace_when_a_call_is_over_then_is_one_from_the_request_to_the_last_agent(
    observed: Observed,
) -> None:
    spans = [one for one in observed.collector.spans if one.trace == TRACE]
    services = {one.service for one in spans}
    assert services == {f"switchboard-{part}" for part in ("web", "agent", "upkeep")}
    names = {one.name for one in spans}
    ours = {"POST /orchestrator/session/start", "queue", "brief", "join", "publish", "first_audio"}
    assert ours | {"takeover", "call", "finish"} <= names
    livekit = {"agent_session", "user_turn", "agent_turn", "llm_node", "tts_node"}
    assert livekit <= names
    (start,) = (one for one in spans if one.name == "POST /orchestrator/session/start")
    (call,) = (one for one in spans if one.name == "call")
    # Whoever ends a call asks for it, and so may the reaper.
    *_, finish = (one for one in spans if one.name == "finish")
    assert start.parent == "b7ad6b7169203331"
    assert call.parent == finish.parent == start.id
    assert start.began < call.began < call.ended < finish.ended


def test_trace_when_sent_then_holds_nothing_that_was_said(observed: Observed) -> None:
    sent = "".join(one.text for one in observed.collector.spans).lower()
    assert "session_id" in sent
    words = [*observed.unspoken, "zebedee", "walrus", "marmalade"]
    assert [word for word in words if word.lower() in sent] == []
