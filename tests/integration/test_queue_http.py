"""The queue and the limits as callers meet them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from redis import Redis

from orchestrator.app import create_app
from orchestrator.cli import main
from sessions import keys
from sessions.directory import Directory
from sessions.events import EventLog
from sessions.fleet import Fleet, WorkerRecord
from sessions.limits import Limits
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.fixtures.http import MakeKey
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import ServeWeb, Web
from tests.support import loopback
from tests.support.http import START, bearer, end, problem, start, started
from tests.support.sessions import Actor

QUEUE = "/orchestrator/queue"
SLOT_TIMES = (50_000, 60_000, 70_000)


@pytest.fixture
def all_busy(redis: Redis, settings: Settings, store: SessionStore) -> None:
    """One worker with three slots, all taken; the last calls held theirs for a minute."""
    record = WorkerRecord("sessions@test", "test", 1, "boot", "0", 3, 3, store.now())
    Fleet(redis, settings).report(record)
    redis.rpush(keys.SLOT_TIMES, *SLOT_TIMES)


def waiting(client: FlaskClient, headers: dict[str, str] | None = None) -> list[tuple[str, int]]:
    """Return who is listed as waiting, and in which place."""
    answer = client.get(QUEUE, headers=headers).get_json()
    return [(one["sessionId"], one["position"]) for one in answer["waiting"]]


@pytest.mark.usefixtures("all_busy")
def test_start_when_all_slots_are_busy_then_tells_place_and_wait_in_every_way(
    client: FlaskClient, event_log: EventLog
) -> None:
    started(client)
    answer = start(client, priority=0, queueTimeoutSeconds=90).get_json()
    place = answer["queue"]
    assert (place["position"], place["estimatedWaitMs"], place["priority"]) == (2, 40_000, 0)
    assert place["expiresAt"] - place["since"] == 90_000
    shown = client.get(f"/orchestrator/session/{answer['sessionId']}").get_json()
    assert shown["queue"] == place
    [event] = [e for e in event_log.read(answer["sessionId"]) if e.type == "queue_position"]
    assert (event.data["position"], event.data["estimated_wait_ms"]) == (2, 40_000)


@pytest.mark.usefixtures("alive_worker")
def test_start_when_a_slot_is_free_then_nothing_is_to_be_waited_for(
    client: FlaskClient, event_log: EventLog
) -> None:
    answer = start(client).get_json()
    assert (answer["queue"]["position"], answer["queue"]["estimatedWaitMs"]) == (1, 0)
    assert [e.type for e in event_log.read(answer["sessionId"])] == ["session_state"]
    assert start(client, channel="text").get_json()["queue"] is None


@pytest.mark.usefixtures("all_busy")
def test_queue_when_a_session_is_cancelled_then_it_is_out_at_once_and_others_move_up(
    client: FlaskClient, directory: Directory
) -> None:
    first, second, urgent = started(client), started(client), started(client, priority=2)
    assert waiting(client) == [(urgent, 1), (first, 2), (second, 3)]
    assert end(client, first).get_json()["reason"] == "ended_by_api"
    assert waiting(client) == [(urgent, 1), (second, 2)]
    assert directory.queue() == [urgent, second]
    assert client.get(f"/orchestrator/session/{first}").get_json()["queue"] is None


def test_queue_when_asked_by_a_key_then_lists_its_own_in_the_places_of_all(
    guarded: FlaskClient, make_key: MakeKey, actor: Actor
) -> None:
    ann, bob = bearer(make_key("ann")), bearer(make_key("bob"))
    admin = bearer(make_key("admin", admin=True))
    one, two, three = (
        started(guarded, ann),
        started(guarded, bob),
        start(guarded, ann, userName="Al").get_json()["sessionId"],
    )
    assert waiting(guarded, ann) == [(one, 1), (three, 3)]
    assert waiting(guarded, bob) == [(two, 2)]
    assert waiting(guarded, admin) == [(one, 1), (two, 2), (three, 3)]
    limited = guarded.get(f"{QUEUE}?limit=1", headers=ann).get_json()
    assert (limited["length"], len(limited["waiting"])) == (2, 1)
    assert limited["waiting"][0]["userName"] == "Ada"


@pytest.mark.usefixtures("alive_worker")
def test_queue_when_asked_with_a_session_token_or_nonsense_then_is_refused(
    client: FlaskClient,
) -> None:
    token = start(client).get_json()["token"]
    problem(client.get(QUEUE, headers=bearer(token)), 403, "not_allowed")
    for query in ("limit=0", "limit=201", "limit=x", "cursor=1"):
        problem(client.get(f"{QUEUE}?{query}"), 422, "invalid_request")
    assert client.get(QUEUE).get_json()["length"] == 1


def test_queue_when_it_is_full_then_503_says_when_to_come_back(
    make_settings: MakeSettings, broker: None, alive_worker: WorkerRecord
) -> None:
    full = create_app(make_settings(limit_queue_length=1)).test_client()
    first = started(full)
    refused = start(full)
    problem(refused, 503, "queue_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert start(full, channel="text").status_code == 201
    end(full, first)
    assert start(full).status_code == 201


def test_priority_when_greater_than_the_house_lets_a_key_then_422(
    make_settings: MakeSettings, broker: None, alive_worker: WorkerRecord
) -> None:
    strict = create_app(make_settings(priority_max=3)).test_client()
    content = problem(start(strict, priority=4), 422, "invalid_request")
    assert content["errors"][0]["field"] == "priority"
    assert start(strict, priority=3).get_json()["queue"]["priority"] == 3


@pytest.mark.usefixtures("actor")
def test_priority_when_the_key_has_a_limit_of_its_own_then_that_holds(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    none, some = bearer(make_key(limits=Limits(priority=0))), bearer(make_key())
    problem(start(guarded, none, priority=1), 422, "invalid_request")
    assert start(guarded, none).status_code == 201
    assert start(guarded, some, priority=9).status_code == 201


@pytest.mark.usefixtures("actor")
@pytest.mark.parametrize(
    "limits", [Limits(live=1), Limits(live_per_user=1), Limits(starts_per_minute=1)]
)
def test_limit_when_reached_then_429_says_when_to_come_back(
    guarded: FlaskClient, make_key: MakeKey, limits: Limits
) -> None:
    key = bearer(make_key(limits=limits))
    first = started(guarded, key)
    refused = start(guarded, key)
    problem(refused, 429, "limit_reached")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    end(guarded, first, key)
    # What limits the rate of starts is not undone by an end; a place among the living is.
    assert start(guarded, key).status_code == (429 if limits.starts_per_minute else 201)


def test_limit_when_a_hundred_start_at_once_at_two_web_processes_then_ten_get_in(
    serve_web: ServeWeb, redis: Redis
) -> None:
    with serve_web(web_workers=2, worker_lost_seconds=600, limit_live_per_key=10) as web:
        Fleet(redis, web.settings).report(
            WorkerRecord("sessions@test", "test", 1, "boot", "0", 3, 0, 2**42)
        )
        at_once = threading.Barrier(100)

        def one(_: int) -> httpx.Response:
            with httpx.Client(timeout=60) as caller:
                caller.get(f"{web.url}/health")
                at_once.wait(60)
                return caller.post(f"{web.url}{START}", json={"userName": "Ada"})

        with ThreadPoolExecutor(100) as threads:
            answers = list(threads.map(one, range(100)))
        assert Counter(a.status_code for a in answers) == {201: 10, 429: 90}
        assert all(int(a.headers["Retry-After"]) > 0 for a in answers if a.status_code == 429)
        assert redis.zcard(keys.LIVE) == 10
        in_the_way = answers[[a.status_code for a in answers].index(201)].json()["sessionId"]
        loopback.post(f"{web.url}/orchestrator/session/end", json={"sessionId": in_the_way})
        assert loopback.post(f"{web.url}{START}", json={"userName": "Ada"}).status_code == 201


def test_cli_queue_when_some_wait_then_shows_who_and_for_how_long(
    web: Web, actor: Actor, redis: Redis, settings: Settings, store: SessionStore
) -> None:
    runner = CliRunner()
    nobody = runner.invoke(main, ["queue", "--url", web.url])
    assert (nobody.exit_code, nobody.stdout) == (0, "Nobody waits.\n")
    first, second = actor.queued(user="Ann"), actor.queued(user="Bob")
    lines = runner.invoke(main, ["queue", "--url", web.url]).stdout.splitlines()
    assert lines[0].split()[:5] == ["SESSION", "PLACE", "USER", "PRIORITY", "WAITING"]
    assert [line.split()[:4] for line in lines[1:]] == [
        [first, "1", "Ann", "0"],
        [second, "2", "Bob", "0"],
    ]
    shown = runner.invoke(main, ["queue", "--url", web.url, "--limit", "1"]).stdout
    assert shown.splitlines()[-1] == "2 wait in all."
    answer = json.loads(runner.invoke(main, ["queue", "--url", web.url, "--json"]).stdout)
    assert [one["sessionId"] for one in answer["waiting"]] == [first, second]
