"""A real upkeep worker delivers webhooks beside its other work, and what a killed one left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery

from sessions import keys
from sessions.settings import Settings
from sessions.states import Reason
from sessions.webhooks.delivery import Status, Which
from tests.fixtures.redis import MakeSettings, RedisServer
from tests.support.eventually import eventually
from tests.support.processes import Child, running
from tests.support.receiver import Receiver, receiving
from tests.support.sessions import SCOPE, Actor
from tests.support.settings import environment_of
from workers.app import FINISH_SESSION
from workers.context import Context

DATABASE = 5


@pytest.fixture
def settings(make_settings: MakeSettings, redis_server: RedisServer) -> Settings:
    return make_settings(
        redis_url=redis_server.database(DATABASE),
        webhook_private_addresses=True,
        webhook_timeout_seconds=1.5,
        webhook_first_retry_seconds=0.5,
    )


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    parts = Context.of(settings)
    parts.redis.flushdb()
    yield parts
    parts.redis.flushdb()
    parts.redis.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@contextmanager
def upkeep(settings: Settings, folder: Path, name: str) -> Iterator[Child]:
    """Run an upkeep worker."""
    command = ["celery", "-A", "workers.app", "worker", "-Q", "upkeep", "-P", "threads", "-c", "2"]
    log = folder / f"{name}.log"
    with running(
        name,
        [*command, "-n", f"{name}@test"],
        log,
        lambda: f"{name}@test ready" in log.read_text(),
        within=60,
        environment=environment_of(settings),
    ) as child:
        yield child


def test_worker_when_killed_while_an_endpoint_hangs_then_sessions_end_and_another_delivers(
    context: Context, settings: Settings, receiver: Receiver, tmp_path: Path
) -> None:
    context.endpoints.add(SCOPE, receiver.url)
    receiver.answer = receiver.hang
    session_id = Actor(context.store).text(webhooks=True)
    with upkeep(settings, tmp_path, "first") as child:
        eventually(lambda: receiver.messages, 10, "the endpoint hangs with the first message")
        context.store.begin_ending(session_id, Reason.ENDED_BY_API)
        with Celery(broker=settings.redis_url) as celery:
            celery.send_task(FINISH_SESSION, args=[session_id], queue="upkeep")
        eventually(
            lambda: context.archive.load(session_id), 5, "the session has ended all the same"
        )
        eventually(lambda: len(set(receiver.ids)) == 2, 10, "it hangs with the second as well")
        os.kill(child.pid, signal.SIGKILL)
        child.process.wait()
    assert {one.status for one in context.deliveries.list(Which(), 9)} == {Status.PENDING}
    before = set(receiver.ids)
    receiver.answer = Receiver().answer

    def delivered() -> bool:
        found = context.deliveries.list(Which(), 9)
        return [one.status for one in found] == [Status.DELIVERED] * 2

    with upkeep(settings, tmp_path, "second"):
        eventually(delivered, 20, "both are delivered")
    assert set(receiver.ids) == before
    assert context.redis.xlen(keys.OUTBOX) == 0


def test_worker_when_it_is_told_to_stop_then_ends_soon_although_an_endpoint_hangs(
    context: Context, settings: Settings, receiver: Receiver, tmp_path: Path
) -> None:
    context.endpoints.add(SCOPE, receiver.url)
    receiver.answer = receiver.hang
    Actor(context.store).text(webhooks=True)
    with upkeep(settings, tmp_path, "only") as child:
        eventually(lambda: receiver.messages, 10, "the endpoint hangs")
        assert child.stop(grace=15) == 0
