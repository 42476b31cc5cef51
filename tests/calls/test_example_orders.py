"""The order desk of `examples/orders`: started by its one command, called, and asked by voice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sessions.settings import Settings
from tests.fixtures.house import is_ready
from tests.fixtures.inference import InferenceServer
from tests.fixtures.livekit import PORTS
from tests.support import loopback
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.ports import free_port, free_port_block
from tests.support.processes import ROOT, Child, running
from tests.support.settings import environment_of, settings_with
from tests.support.speech import Words, spoken, understood

PARTS = ["redis", "livekit", "web", "worker", "upkeep", "beat", "shop", "model"]
"""All that the command starts, but for the voices, which the other tests use too, and Flower."""


@pytest.fixture(autouse=True)
def an_empty_house() -> None:
    """The big house is not needed here."""


@dataclass(frozen=True)
class OrderDesk:
    """The example, running."""

    settings: Settings
    child: Child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def start(self, **body: Any) -> dict[str, Any]:
        """Start a session and wait until its agent is there."""
        path = f"{self.url}/orchestrator/session/start"
        headers = {"Prefer": "wait=15"}
        answer = loopback.post(path, json={"userName": "Ann", **body}, headers=headers, timeout=20)
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "ready"
        return answer.json()

    def show(self, session_id: str) -> dict[str, Any]:
        return loopback.get(f"{self.url}/orchestrator/session/{session_id}").json()

    def said(self, session_id: str, speaker: str) -> list[str]:
        """Return the sentences that the events tell of one side."""
        path = f"{self.url}/orchestrator/session/{session_id}/events"
        told = [e["data"] for e in loopback.get(path).json()["events"] if e["type"] == "transcript"]
        return [one["text"] for one in told if one["final"] and one["speaker"] == speaker]

    @contextmanager
    def shop_away(self) -> Iterator[None]:
        """Let the shop's API answer nobody for the length of a block."""
        of_the_house = psutil.Process(self.child.pid).children(recursive=True)
        [shop] = [p for p in of_the_house if any("shop_api" in part for part in p.cmdline())]
        shop.suspend()
        try:
            yield
        finally:
            shop.resume()


@pytest.fixture(scope="module")
def order_desk(
    inference: InferenceServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OrderDesk]:
    folder = tmp_path_factory.mktemp("orders")
    settings = settings_with(
        port=free_port(),
        redis_port=free_port(),
        livekit_port=free_port_block(PORTS),
        inference_url=inference.url,
        database_url=f"sqlite:///{folder}/switchboard.db",
        worker_concurrency=1,
    )
    environment = {
        **environment_of(settings),
        "SWITCHBOARD_REDIS_DIR": str(folder / "redis"),
        "ORDERS_API_PORT": str(free_port()),
        "SCRIPTED_MODEL_PORT": str(free_port()),
    }
    command: list[str | Path] = [ROOT / "examples/orders/run", *PARTS]
    with running(
        "orders",
        command,
        folder / "orders.log",
        lambda: is_ready(f"http://127.0.0.1:{settings.port}"),
        within=90,
        grace=30,
        environment=environment,
    ) as child:
        yield OrderDesk(settings, child)


async def ask(desk: OrderDesk, caller: Caller, question: str) -> Words:
    """Say a question and return what is answered, as it was heard."""
    voice = desk.settings.inference_url
    said = await caller.say(spoken(voice, question))
    heard = await caller.hears_answer_to(said)
    return await asyncio.to_thread(understood, voice, heard)


def test_example_when_started_then_its_agent_is_the_default(order_desk: OrderDesk) -> None:
    listed = loopback.get(f"{order_desk.url}/orchestrator/agents").json()["agents"]
    assert listed == [{"name": "assistant", "default": False}, {"name": "orders", "default": True}]


def test_example_when_the_caller_asks_then_hears_what_the_api_says_and_when_it_is_away(
    order_desk: OrderDesk,
) -> None:
    started = order_desk.start()
    session_id = started["sessionId"]

    async def call() -> None:
        async with calling(started, with_microphone=True) as caller:
            await caller.wait_for_quiet()
            assert "raincoat" in await ask(order_desk, caller, "What happened to order 42?")
            with order_desk.shop_away():
                away = await ask(order_desk, caller, "And what about order 17?")
                assert "cannot reach the orders" in away
            assert "delivered" in await ask(order_desk, caller, "What happened to order 85?")

    try:
        asyncio.run(call())
    finally:
        print("The caller was understood:", order_desk.said(session_id, "caller"))
    opening, *answers = order_desk.said(session_id, "agent")
    assert opening == "Hello Ann, this is the order desk. Which order is it about?"
    assert [answer.strip() for answer in answers] == [
        "Order 42, a yellow raincoat, is being packed and leaves this evening.",
        "I am sorry, I cannot reach the orders right now. Please try again in a moment.",
        "Order 85, two woollen blankets, was delivered on Friday.",
    ]
    assert order_desk.show(session_id)["config"]["agent"] == "orders"


def test_example_when_stopped_then_nothing_of_it_stays(order_desk: OrderDesk) -> None:
    parts = psutil.Process(order_desk.child.pid).children(recursive=True)
    assert len(parts) >= len(PARTS)
    began = time.monotonic()
    order_desk.child.stop(30)
    eventually(lambda: not any(map(psutil.Process.is_running, parts)), 10, "every part has gone")
    assert time.monotonic() - began < 30
