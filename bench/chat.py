"""How long does somebody who writes wait for the answer on their socket, over each transport?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import httpx

from bench.house import CELERY, WEB, settled
from bench.measuring import Goal, Row, percentile
from bench.questions import QUESTIONS as SAMPLE
from sessions.settings import TaskTransport
from tests.fixtures.house import House
from tests.fixtures.kafka import Broker, jars
from tests.support.ports import free_port
from tests.support.sockets import Client, ClosedError

SESSIONS = 10
QUESTIONS = 400
A_SECOND = 20
HOW = (
    f"{QUESTIONS} questions, no two the same, {A_SECOND} a second, from {SESSIONS} sessions in "
    "writing with a socket each; from just before `POST /chat` to the `agent_response` there. "
    "Intent and passages are found by the house's own embeddings."
)


@dataclass
class Writer:
    """One session with its socket: when was a question asked, and when was it answered?"""

    reference: str
    url: str
    client: Client
    asked: dict[str, float] = field(default_factory=dict[str, float])
    answered: dict[str, float] = field(default_factory=dict[str, float])

    def write(self, http: httpx.Client, message: str) -> None:
        """Ask over HTTP."""
        begun = time.perf_counter()
        body = {"user_id": self.reference, "session_id": self.reference, "message": message}
        answer = http.post(f"{self.url}/chat", json=body)
        answer.raise_for_status()
        self.asked[answer.json()["correlation_id"]] = begun

    def listen(self) -> None:
        """Note when each answer comes, until the socket is cut."""
        try:
            while True:
                event = self.client.receive()
                if event["type"] == "agent_response":
                    self.answered[event["data"]["correlation_id"]] = time.perf_counter()
        except (ClosedError, OSError):
            return

    def waits(self) -> list[float]:
        """Return how many milliseconds each question waited.

        Raises:
            KeyError: one of them has no answer.
        """
        return [(self.answered[id_] - begun) * 1000 for id_, begun in self.asked.items()]


def ask_many(url: str, ws_url: str, questions: Sequence[str], a_second: float) -> list[float]:
    """Ask the questions from several sessions, so many a second; return the waits, in ms."""
    with ExitStack() as stack:
        names = [f"writer-{n}" for n in range(SESSIONS)]
        writers = [Writer(name, url, Client(f"{ws_url}/{name}")) for name in names]
        for writer in writers:
            stack.callback(writer.client.cut)
            threading.Thread(target=writer.listen, daemon=True).start()
        http = stack.enter_context(httpx.Client(timeout=20))
        threads = stack.enter_context(ThreadPoolExecutor(32))
        for writer in writers:
            writer.write(http, "Hello")
        time.sleep(1)
        for writer in writers:
            writer.asked.clear()
        begun = time.perf_counter()
        under_way: list[Future[None]] = []
        for n, (writer, question) in enumerate(zip(cycle(writers), questions, strict=False)):
            time.sleep(max(0.0, begun + n / a_second - time.perf_counter()))
            under_way.append(threads.submit(writer.write, http, question))
        for one in under_way:
            one.result()
        deadline = time.perf_counter() + 20
        while time.perf_counter() < deadline and any(w.asked.keys() - w.answered for w in writers):
            time.sleep(0.05)
        return [wait for writer in writers for wait in writer.waits()]


def measure(house: House) -> list[Row]:
    """Measure the house as it is, and once more with a broker in between where there is one."""
    asyncio.run(settled(house.children["worker"].pid, within=60))
    rows = _rows("Celery", ask_many(house.url, house.ws_url, _questions(), A_SECOND))
    if not list(jars().glob("kafka-clients-*.jar")):
        return rows
    with _over_kafka(house) as port:
        url = f"127.0.0.1:{port}"
        waits = ask_many(f"http://{url}", f"ws://{url}/ws", _questions(), A_SECOND)
    return [*rows, *_rows("Kafka", waits)]


def _rows(transport: str, waits: list[float]) -> list[Row]:
    name = f"chat over {transport}"
    return [
        Row(f"{name}, p50", "ms", percentile(waits, 50), goal=Goal(at_most=40)),
        Row(f"{name}, p99", "ms", percentile(waits, 99), goal=Goal(at_most=150)),
    ]


def _questions() -> list[str]:
    different = (f"{q} (no. {n})" for n, q in enumerate(cycle(SAMPLE)))
    return list(islice(different, QUESTIONS))


def _says(log: Path, sign: str) -> bool:
    return sign in log.read_text(encoding="utf-8")


@contextmanager
def _over_kafka(house: House) -> Iterator[int]:
    """Run a broker, a bridge, and a web front and a relay that use them; yield the front's port."""
    port = free_port()
    with ExitStack() as stack:
        broker = Broker(house.folder)
        stack.callback(broker.kill)
        broker.on()
        changed = {
            "port": port,
            "redis_url": f"{house.settings.redis_url.rpartition('/')[0]}/5",
            "task_transport": TaskTransport.KAFKA,
            "kafka_bootstrap_servers": broker.servers,
        }
        upkeep = [*CELERY, "worker", "-Q", "upkeep,answers", "-P", "threads", "-n", "upkeep@k"]
        for name, command, sign in (
            ("kafka-relay", upkeep, "relay_started"),
            ("kafka-bridge", ["switchboard", "bridge"], "partitions_taken_over"),
            ("kafka-web", WEB, "Listening at"),
        ):
            log = house.folder / f"{name}.log"
            stack.enter_context(house.run(name, command, partial(_says, log, sign), **changed))
        yield port
