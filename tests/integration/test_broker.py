"""What becomes of a worker whose broker goes just as it holds a message?"""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu import Queue
from psutil import Process

from tests.support.own_redis import OwnRedis
from workers.app import app


@pytest.fixture
def broker(tmp_path: Path) -> OwnRedis:
    """A Redis that goes away."""
    return OwnRedis(tmp_path)


def test_connection_when_redis_goes_with_a_message_in_hand_then_it_is_let_go_whole(
    broker: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queue("sessions", routing_key="sessions")
    with broker.up():
        connection = app.connection(broker.url)
        with connection.Producer() as producer:
            producer.publish({}, routing_key="sessions", declare=[queue])
        taken: list[object] = []
        connection.Consumer(queue, callbacks=[lambda *message: taken.append(message)]).consume()
        # A worker has channels for its remote control, too.
        connection.Consumer(Queue("control"), channel=connection.channel()).consume()
        connection.drain_events(timeout=5)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
    assert len(taken) == 1
    # As Celery's consumer lets go of a connection that has failed.
    connection.collect()
    connection.close()
    left = [one for one in Process().net_connections("tcp") if one.raddr]
    assert not caplog.records
    assert broker.port not in [one.raddr.port for one in left]
