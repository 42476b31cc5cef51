"""What becomes of a worker whose broker goes just as it holds a message?"""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu import Connection, Queue

import celeryconfig
from tests.support.own_redis import OwnRedis


@pytest.fixture
def broker(tmp_path: Path) -> OwnRedis:
    """A Redis that goes away."""
    return OwnRedis(tmp_path)


def test_connection_when_redis_goes_with_a_message_in_hand_then_is_let_go_without_an_error(
    broker: OwnRedis,
) -> None:
    queue = Queue("sessions", routing_key="sessions")
    with broker.up():
        connection = Connection(broker.url, transport_options=celeryconfig.broker_transport_options)
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
