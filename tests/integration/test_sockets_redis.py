"""What sockets notice of a Redis that goes and comes back: that nothing is missing."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from sessions.connections import connect
from sessions.events import EventLog
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support.eventually import eventually
from tests.support.own_redis import OwnRedis
from tests.support.sessions import Actor
from tests.support.sockets import Client, follow


def test_lost_connections_to_redis_lose_no_event(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_ids = [actor.text(user=f"user {n}") for n in range(5)]
    with ThreadPoolExecutor() as threads:
        clients = [Client(f"{web.ws_url}/{session_id}") for session_id in session_ids]
        reading = [threads.submit(client.take, 1 + 1 + 200) for client in clients]
        chance = random.Random(7)
        for n in range(200):
            for session_id in session_ids:
                store.emit(session_id, "transcript", {"n": n})
            if chance.random() < 0.1:
                store.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        for session_id, read, client in zip(session_ids, reading, clients, strict=True):
            logged = [event.to_json() for event in event_log.read(session_id)]
            assert read.result()[1:] == logged
            client.cut()


def test_nobody_follows_nobody_listens(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text()
    channel = f"session:{session_id}:events"
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        eventually(lambda: store.redis.pubsub_numsub(channel)[0][1] == 1)
    # The hub looks after its subscriptions whenever it wakes, at the latest after its patience.
    eventually(lambda: store.redis.pubsub_numsub(channel)[0][1] == 0, within=20)


def test_a_restart_of_redis_closes_no_socket(serve_web: ServeWeb, own_redis: OwnRedis) -> None:
    with serve_web(redis_url=own_redis.url) as web:
        redis = connect(web.settings)
        store = SessionStore(redis, web.settings)
        with own_redis.up():
            session_id = Actor(store).text()
            client = Client(f"{web.ws_url}/{session_id}")
            client.until("session_state")
            before = store.emit(session_id, "transcript", {"n": 0})
            assert client.receive()["id"] == before
        assert client.ask({"type": "ping"}) == {"type": "pong"}
        with own_redis.up():
            ids = [store.emit(session_id, "transcript", {"n": n}) for n in range(1, 20)]
            assert [message["id"] for message in client.take(19)] == ids
        client.cut()
        redis.close()
