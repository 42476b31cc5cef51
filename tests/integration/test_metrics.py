"""What Prometheus is told: everything the house counts, from the first scrape on."""

from __future__ import annotations

import time

import httpx
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from orchestrator.app import create_app
from orchestrator.health.counted import COUNTERS, DISTRIBUTIONS
from sessions import keys
from sessions.figures import Figures
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.web import Web
from tests.support.eventually import eventually
from tests.support.http import start, started
from tests.support.sessions import Actor
from tests.support.sockets import Client

pytestmark = pytest.mark.usefixtures("alive_worker")


def scrape(client: FlaskClient | httpx.Client) -> dict[str, float]:
    """Return every sample by its name and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def test_metrics_when_nothing_has_happened_then_every_known_series_is_there_as_0(
    client: FlaskClient,
) -> None:
    found = scrape(client)
    for figures, suffix in ((COUNTERS, "_total"), (DISTRIBUTIONS, "_count")):
        for figure in figures.values():
            for values in figure.known:
                labels = sorted(zip(figure.labels, values, strict=True))
                assert found[f"{figure.metric}{suffix}{labels}"] == 0
    for kept in ("kept", "lost"):
        assert found[f"switchboard_http_errors_total[('session_id', '{kept}')]"] == 0


def test_metrics_when_a_session_goes_its_way_then_each_step_is_told(
    client: FlaskClient, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "transcript", {"latency_ms": 400})
    store.recover(session_id, "agent_died", unless_leased=False)
    actor.claim(session_id, 2)
    store.ready(session_id, 2)
    store.begin_ending(session_id, Reason.USER_LEFT)
    found = scrape(client)
    labels = [("channel", "voice"), ("result", "created")]
    assert found[f"switchboard_starts_total{labels}"] == 1
    assert found["switchboard_recoveries_total[('cause', 'agent_died')]"] == 1
    assert found["switchboard_takeover_seconds_count[('cause', 'agent_died')]"] == 1
    assert found["switchboard_turn_seconds_sum[]"] == 0.4
    assert found["switchboard_turn_seconds_bucket[('le', '0.3')]"] == 0
    assert found["switchboard_turn_seconds_bucket[('le', '0.5')]"] == 1
    assert found["switchboard_turn_seconds_bucket[('le', '+Inf')]"] == 1
    assert found["switchboard_start_span_seconds_count[('span', 'accepted_claimed')]"] == 1
    assert found["switchboard_sessions[('state', 'ending')]"] == 1


def test_metrics_when_somebody_waits_then_the_longest_wait_is_told(
    client: FlaskClient, redis: Redis, actor: Actor
) -> None:
    actor.queued()
    waiting = f"session_{time.time_ns() // 1_000_000 - 30_000}_k3f9a0z81qxe"
    redis.zadd(keys.QUEUE, {waiting: 2**52})
    assert 30 <= scrape(client)["switchboard_queue_oldest_seconds[]"] < 60


def test_metrics_when_a_start_comes_again_then_it_is_a_replay(client: FlaskClient) -> None:
    for _ in range(2):
        start(client, {"X-Session-ID": "same"}, channel="text")
    found = scrape(client)
    labels = "[('channel', 'text'), ('result', '{}')]"
    assert found[f"switchboard_starts_total{labels.format('replayed')}"] == 1
    assert found[f"switchboard_starts_total{labels.format('created')}"] == 1


def test_metrics_when_beat_and_reaper_work_then_it_shows(client: FlaskClient, redis: Redis) -> None:
    assert scrape(client)["switchboard_beat_up[]"] == 0
    redis.set(keys.BEAT_LOCK, "somebody")
    redis.set(keys.REAPED, 1_800_000_000_500)
    redis.zadd(keys.DEADLINES, {"session_1753590741399_qlgq6cfjw": 1})
    found = scrape(client)
    assert found["switchboard_beat_up[]"] == 1
    assert found["switchboard_last_reap_timestamp_seconds[]"] == 1_800_000_000.5
    assert found["switchboard_overdue_seconds[]"] > 1000


def test_metrics_when_webhooks_are_counted_elsewhere_then_they_are_told(
    client: FlaskClient, redis: Redis
) -> None:
    Figures(redis).count("webhooks:session.ended:delivered", 3)
    labels = [("result", "delivered"), ("type", "session.ended")]
    assert scrape(client)[f"switchboard_webhook_attempts_total{labels}"] == 3


def test_error_when_about_a_session_then_names_it_and_is_counted(client: FlaskClient) -> None:
    session_id = started(client, channel="text")
    refused = client.post("/listening/start", json={"session_id": session_id})
    assert refused.status_code >= 400
    assert refused.headers["X-Session-ID"] == session_id
    client.get("/orchestrator/session/session_1753590741399_qlgq6cfjw")
    found = scrape(client)
    assert found["switchboard_http_errors_total[('session_id', 'kept')]"] == 1
    assert found["switchboard_http_errors_total[('session_id', 'lost')]"] == 0


def test_error_when_the_store_is_away_then_the_lost_session_is_counted(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    client = create_app(away).test_client()
    assert client.get("/orchestrator/session/anything").status_code == 503
    found = scrape(client)
    assert found["switchboard_http_errors_total[('session_id', 'lost')]"] == 1
    assert found["switchboard_redis_up[]"] == 0


def test_metrics_when_sockets_come_and_go_then_those_that_are_open_count(
    web: Web, actor: Actor
) -> None:
    def open_sockets() -> float:
        with httpx.Client(base_url=web.url) as scraper:
            return scrape(scraper)["switchboard_sockets[]"]

    before = open_sockets()
    session_id = actor.queued(scope="development")
    clients = [Client(f"{web.ws_url}/{session_id}") for _ in range(2)]
    for client in clients:
        client.confirmed()
    assert open_sockets() == before + 2
    for client in clients:
        client.ws.close()
    eventually(lambda: open_sockets() == before, 10, "both have gone")
