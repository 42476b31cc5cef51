"""Questions over Kafka through the whole house: HTTP, broker, bridges, relay, sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from sessions.events import EventLog
from sessions.questions.tasks import TaskResponse
from sessions.settings import Settings, TaskTransport
from tests.fixtures.kafka import Broker
from tests.fixtures.web import ServeWeb, Web
from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.kafka import PATIENCE, Wire, question
from tests.support.ports import free_port
from tests.support.processes import ROOT, Child, running
from tests.support.settings import environment_of
from tests.support.sockets import Client, follow

SESSIONS = ("ann-1", "ben-2", "cleo-3")
LONG = 90.0
PROMPT = 3.0


@dataclass
class Asking:
    """A house that asks over Kafka, and nobody yet who answers."""

    web: Web
    folder: Path

    @property
    def settings(self) -> Settings:
        return self.web.settings

    @contextmanager
    def process(self, name: str, command: list[str], ready: str) -> Iterator[Child]:
        """Keep one more process running, ready when its log says ``ready``."""
        log = self.folder / f"{name}.log"
        environment = environment_of(self.settings)

        def is_ready() -> bool:
            return ready in log.read_text()

        with running(name, command, log, is_ready, within=60, environment=environment) as child:
            yield child

    def upkeep(self) -> Any:
        """Run the worker in which the relay lives."""
        worker = ["celery", "-A", "workers.app", "worker", "-Q", "upkeep,answers"]
        return self.process("upkeep", [*worker, "-P", "threads", "-c", "2"], "relay_started")

    def beat(self) -> Any:
        """Run beat, which has open questions sent again."""
        return self.process("beat", ["celery", "-A", "workers.app", "beat"], "maxinterval")

    def bridge(self, name: str) -> Any:
        """Run a bridge that answers with the question."""
        command = [sys.executable, "-m", "tests.support.bridging"]
        return self.process(name, command, "partitions_taken_over")

    def ask(self, session: str, message: str) -> httpx.Response:
        """Ask over HTTP."""
        body = {"session_id": session, "user_id": session, "message": message}
        return loopback.post(f"{self.web.url}/chat", json=body, timeout=10)


@pytest.fixture
def asking(serve_web: ServeWeb, wire: Wire, redis: Redis, tmp_path: Path) -> Iterator[Asking]:
    """A web front whose questions go to Kafka; there is no model server, so all are general."""
    with serve_web(
        task_transport=TaskTransport.KAFKA,
        kafka_bootstrap_servers=wire.servers,
        kafka_prefix=wire.prefix,
        kafka_partitions=3,
        inference_url=f"http://127.0.0.1:{free_port()}/v1",
        limit_questions_per_minute=0,
        answer_timeout_seconds=LONG,
    ) as web:
        yield Asking(web, tmp_path)


def answers(client: Client, count: int) -> list[str]:
    """Return the next ``count`` answers on a socket."""
    found: list[str] = []
    while len(found) < count:
        message = client.receive()
        if message["type"] == "agent_response":
            found.append(message["data"]["response"])
    return found


@pytest.mark.timeout(180)
def test_200_questions_when_a_bridge_and_the_broker_are_killed_then_each_is_answered_once(
    kafka: Broker, wire: Wire, asking: Asking, redis: Redis
) -> None:
    asked: dict[str, list[str]] = {name: [] for name in SESSIONS}
    ids: dict[str, str] = {}

    def ask(first: int, last: int) -> None:
        for number in range(first, last):
            name = SESSIONS[number % len(SESSIONS)]
            response = asking.ask(name, f"Question {number} of {name}?")
            assert response.status_code == 202, response.text
            # Whoever asks is not kept waiting, whatever has become of the broker.
            assert response.elapsed.total_seconds() < PROMPT
            ids[name] = response.json()["session_id"]
            asked[name].append(f"You asked: Question {number} of {name}?")

    with ExitStack() as running_parts:
        upkeep = running_parts.enter_context(asking.upkeep())
        running_parts.enter_context(asking.beat())
        running_parts.enter_context(asking.bridge("one"))
        two = running_parts.enter_context(asking.bridge("two"))
        ask(0, 3)
        clients = {
            name: running_parts.enter_context(follow(asking.web.ws_url, ids[name]))
            for name in SESSIONS
        }
        for client in clients.values():
            client.ws.settimeout(LONG)
        ask(3, 70)
        two.process.kill()
        ask(70, 100)
        kafka.kill()
        ask(100, 130)
        health = loopback.get(f"{asking.web.url}/health", timeout=10)
        assert (health.status_code, health.elapsed.total_seconds() < PROMPT) == (200, True)
        kafka.on()
        ask(130, 200)
        with ThreadPoolExecutor() as threads:
            heard = dict(
                zip(
                    SESSIONS,
                    threads.map(lambda name: answers(clients[name], len(asked[name])), SESSIONS),
                    strict=True,
                )
            )
        assert {name: sorted(found) for name, found in heard.items()} == {
            name: sorted(wanted) for name, wanted in asked.items()
        }
        # Answers that came twice have had their time to be told twice.
        eventually(lambda: relay_is_done(wire), PATIENCE, "every answer is committed")
        upkeep.process.send_signal(signal.SIGTERM)
        assert upkeep.process.wait(PATIENCE) == 0
        assert "relay_ended" in upkeep.log.read_text()
        assert wire.members("switchboard-relay") == 0
    for name, wanted in asked.items():
        events = EventLog(redis).read(ids[name])
        told = [event.data["response"] for event in events if event.type == "agent_response"]
        assert sorted(told) == sorted(wanted)


def relay_is_done(wire: Wire) -> bool:
    """Tell whether there is no answer that the relay has not dealt with."""
    return wire.committed("switchboard-relay", "task_responses") == wire.end("task_responses")


def test_bridge_command_when_there_is_no_redis_then_answers_and_ends_well_when_told_to(
    wire: Wire, kafka_settings: Settings, tmp_path: Path
) -> None:
    settings = kafka_settings.model_copy(
        update={
            "redis_url": f"redis://127.0.0.1:{free_port()}/0",
            "inference_url": f"http://127.0.0.1:{free_port()}/v1",
        }
    )
    log = tmp_path / "bridge.log"
    with running(
        "bridge",
        ["switchboard", "bridge"],
        log,
        lambda: "partitions_taken_over" in log.read_text(),
        within=60,
        environment=environment_of(settings),
    ) as child:
        request = question()
        wire.ask(request)
        [message] = wire.read("task_responses", 1)
        assert is_healthy(settings)
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(PATIENCE) == 0
    response = TaskResponse.model_validate_json(message.value() or b"")
    assert response.correlation_id == request.correlation_id
    assert response.result.session_id == request.payload.session_id
    assert "bridge_ended" in log.read_text()
    assert wire.members("switchboard-bridge") == 0
    assert not is_healthy(settings)
    assert wire.committed("switchboard-bridge", "task_requests.general_info") == 1


def is_healthy(settings: Settings) -> bool:
    """Tell what the health check of the bridge's container says."""
    command = [sys.executable, "deploy/healthcheck.py", "bridge"]
    environment = {**os.environ, **environment_of(settings), "PYTHONPATH": str(ROOT)}
    check = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE
    )
    return check.returncode == 0
