"""What is to be delivered is taken by one sender at a time, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from sessions.database import Base, open_database
from sessions.schema import migrate
from sessions.settings import Settings
from sessions.webhooks.deliveries import Deliveries
from sessions.webhooks.delivery import NewDelivery, Status, Which, delivery_id
from sessions.webhooks.endpoints import OLD_SECRET_MS, Endpoint, Endpoints
from sessions.webhooks.events import WebhookEvent
from sessions.webhooks.schedule import next_attempt
from sessions.webhooks.subscribers import Subscribers
from tests.fixtures.postgres import Postgres
from tests.fixtures.redis import MakeSettings
from tests.support.clocks import HandClock

HOUR = 3600 * 1000
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    """A PostgreSQL database at the newest schema."""
    url = postgres.make("webhooks")
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, make_settings: MakeSettings) -> Settings:
    if request.param == "sqlite":
        return make_settings()
    return make_settings(database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_database(settings.database_url)
    with engine.begin() as connection:
        for name in ("webhook_deliveries", "webhook_endpoints"):
            connection.execute(Base.metadata.tables[name].delete())
    yield engine
    engine.dispose()


@pytest.fixture
def endpoints(engine: Engine) -> Endpoints:
    return Endpoints(engine)


@pytest.fixture
def endpoint(endpoints: Endpoints) -> Endpoint:
    return endpoints.add("key_a", "https://hooks.example/")[0]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def deliveries(engine: Engine, settings: Settings, clock: HandClock) -> Deliveries:
    return Deliveries(engine, settings, clock)


def messages(endpoint: Endpoint, *numbers: int) -> list[NewDelivery]:
    return [
        NewDelivery(
            f"msg_{n}", endpoint.id, f"session_{n}", "req_1", "session.ready", f'{{"n":{n}}}'
        )
        for n in numbers
    ]


def test_delivery_when_written_twice_then_is_there_once_as_it_was(
    deliveries: Deliveries, endpoint: Endpoint
) -> None:
    deliveries.write(messages(endpoint, 1))
    (taken,) = deliveries.claim(endpoint.id, 10)
    deliveries.settle(taken, Status.DELIVERED, answered=204)
    deliveries.write(messages(endpoint, 1, 2))
    assert [(one.id, one.status) for one in deliveries.list(Which(), 10)] == [
        ("msg_1", Status.DELIVERED),
        ("msg_2", Status.PENDING),
    ]


def test_delivery_when_one_of_many_cannot_be_written_then_none_is(
    deliveries: Deliveries, endpoint: Endpoint
) -> None:
    stray = NewDelivery("msg_2", "ep_nobody", "", "", "session.ready", "{}")
    with pytest.raises(IntegrityError):
        deliveries.write([*messages(endpoint, 1), stray])
    assert deliveries.list(Which(), 10) == []


def test_claim_when_many_ask_at_once_then_each_delivery_has_one_sender(
    deliveries: Deliveries, endpoint: Endpoint
) -> None:
    deliveries.write(messages(endpoint, *range(30)))
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: deliveries.claim(endpoint.id, 10), range(12)))
    ids = [one.id for some in taken for one in some]
    assert len(ids) == len(set(ids))
    rest = deliveries.claim(endpoint.id, 30)
    assert len(ids) + len(rest) == 30
    assert deliveries.due() == []


def test_claim_when_the_lease_is_over_then_another_has_it_and_the_first_changes_nothing(
    deliveries: Deliveries, endpoint: Endpoint, clock: HandClock
) -> None:
    deliveries.write(messages(endpoint, 1))
    (first,) = deliveries.claim(endpoint.id, 1)
    clock.forward(59_000)
    assert deliveries.claim(endpoint.id, 1) == []
    clock.forward(2_000)
    (second,) = deliveries.claim(endpoint.id, 1)
    assert (first.attempts, second.attempts) == (1, 2)
    assert not deliveries.settle(first, Status.FAILED, error="too late")
    assert deliveries.settle(second, Status.DELIVERED, answered=200)
    (found,) = deliveries.list(Which(id="msg_1"), 1)
    assert (found.status, found.last_status, found.last_error) == (Status.DELIVERED, 200, None)


def test_due_when_put_off_then_is_not_there_before_its_time(
    deliveries: Deliveries, endpoint: Endpoint, clock: HandClock
) -> None:
    deliveries.write(messages(endpoint, 1))
    assert deliveries.due() == [endpoint.id]
    (taken,) = deliveries.claim(endpoint.id, 1)
    deliveries.settle(taken, Status.PENDING, next_at=clock() + 5_000, error="x" * 500)
    assert deliveries.due() == []
    clock.forward(5_000)
    assert deliveries.due() == [endpoint.id]


def test_replay_when_over_then_is_due_again_under_its_id_and_for_a_day(
    deliveries: Deliveries, endpoint: Endpoint, clock: HandClock
) -> None:
    deliveries.write(messages(endpoint, 1, 2, 3))
    for taken in deliveries.claim(endpoint.id, 2):
        deliveries.settle(taken, Status.FAILED, error="answered 500")
    clock.forward(3 * DAY)
    assert deliveries.replay(Which(id="msg_3")) == 0
    assert deliveries.replay(Which(id="msg_nobody")) == 0
    assert deliveries.replay(Which(status=Status.FAILED, endpoint_id="ep_other")) == 0
    assert deliveries.replay(Which(status=Status.FAILED)) == 2
    (again,) = deliveries.list(Which(id="msg_1"), 1)
    assert (again.status, again.attempts, again.give_up_at) == (Status.PENDING, 0, clock() + DAY)
    assert again.payload == '{"n":1}'


def test_list_when_asked_for_some_then_gives_those_newest_first(
    deliveries: Deliveries, endpoints: Endpoints, endpoint: Endpoint, clock: HandClock
) -> None:
    other, _ = endpoints.add("key_b", "https://other.example/")
    deliveries.write(messages(endpoint, 1))
    clock.forward(1)
    deliveries.write(messages(other, 2, 3))
    assert [one.id for one in deliveries.list(Which(), 2)] == ["msg_2", "msg_3"]
    assert [one.id for one in deliveries.list(Which(endpoint_id=endpoint.id), 9)] == ["msg_1"]
    assert [one.id for one in deliveries.list(Which(session_id="session_3"), 9)] == ["msg_3"]
    assert deliveries.list(Which(status=Status.FAILED), 9) == []


def test_prune_when_old_then_goes(
    deliveries: Deliveries, endpoint: Endpoint, clock: HandClock
) -> None:
    deliveries.write(messages(endpoint, *range(502)))
    clock.forward(30 * DAY + 1)
    deliveries.write(messages(endpoint, 999))
    assert deliveries.prune(30) == 502
    assert [one.id for one in deliveries.list(Which(), 9)] == ["msg_999"]


def test_endpoint_when_removed_then_its_deliveries_go_with_it(
    deliveries: Deliveries, endpoints: Endpoints, endpoint: Endpoint
) -> None:
    deliveries.write(messages(endpoint, 1))
    assert endpoints.remove(endpoint.id)
    assert not endpoints.remove(endpoint.id)
    assert deliveries.list(Which(), 9) == []
    assert (endpoints.list(), endpoints.find(endpoint.id)) == ([], None)


def test_endpoint_when_it_names_events_then_wants_only_those(endpoints: Endpoints) -> None:
    everything, _ = endpoints.add("key_a", "https://hooks.example/")
    some, _ = endpoints.add("key_b", "https://hooks.example/", [WebhookEvent.ENDED] * 2)
    assert some.events == ("session.ended",)
    assert [one.wants("session.ready") for one in (everything, some)] == [True, False]
    assert [one.id for one in endpoints.list("key_b")] == [some.id]
    assert endpoints.scopes() == {"key_a", "key_b"}


def test_endpoint_when_switched_off_then_wants_nothing_until_it_is_on(
    endpoints: Endpoints, endpoint: Endpoint
) -> None:
    assert endpoints.switch(endpoint.id, on=False)
    assert not endpoints.switch(endpoint.id, on=False)
    found = endpoints.find(endpoint.id)
    assert found is not None
    assert not found.wants("session.ready")
    assert endpoints.scopes() == set()
    assert endpoints.switch(endpoint.id, on=True)
    assert endpoints.scopes() == {"key_a"}


def test_endpoint_when_attempts_fail_then_they_are_counted_until_one_does_not(
    endpoints: Endpoints, endpoint: Endpoint
) -> None:
    def failures() -> int:
        found = endpoints.find(endpoint.id)
        assert found is not None
        return found.failures

    for _ in range(2):
        endpoints.note(endpoint.id, well=False)
    assert failures() == 2
    endpoints.note(endpoint.id, well=True)
    assert failures() == 0


def test_secret_when_changed_then_the_old_one_signs_for_a_day_more(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    monkeypatch.setattr("sessions.webhooks.endpoints._now", clock)
    made, first = endpoints.add("key_a", "https://hooks.example/")
    assert first.startswith("whsec_")
    assert endpoints.secrets(made.id) == [first]
    second = endpoints.rotate(made.id)
    assert endpoints.secrets(made.id) == [second, first]
    clock.forward(OLD_SECRET_MS)
    assert endpoints.secrets(made.id) == [second]
    assert endpoints.rotate("ep_nobody") is None
    assert endpoints.secrets("ep_nobody") == []


def test_subscribers_when_asked_often_then_the_database_is_asked_now_and_then(
    endpoints: Endpoints, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 100.0
    monkeypatch.setattr("sessions.webhooks.subscribers.time.monotonic", lambda: seconds)
    subscribers = Subscribers(endpoints)
    assert subscribers.has("key_a")
    assert not subscribers.has("key_b")
    endpoints.add("key_b", "https://hooks.example/")
    assert not subscribers.has("key_b")
    seconds += 2.1
    assert subscribers.has("key_b")


def test_subscribers_when_the_database_is_away_then_go_by_what_was_known(tmp_path: object) -> None:
    empty = Endpoints(open_database(f"sqlite:///{tmp_path}/no-tables.db"))
    assert Subscribers(empty).has("key_a")


def test_id_when_made_twice_then_is_the_same_and_no_other_endpoint_has_it() -> None:
    one = delivery_id("1-0", "session_1", "session.ready", "ep_1")
    assert one == delivery_id("1-0", "session_1", "session.ready", "ep_1")
    assert one != delivery_id("1-0", "session_1", "session.ready", "ep_2")
    assert one.startswith("msg_")


def test_schedule_when_nobody_answers_then_goes_on_for_a_day_ever_more_slowly() -> None:
    now, attempts, waits = 0, 1, list[int]()
    while (next_at := next_attempt(attempts, now, DAY, first_ms=5_000)) is not None:
        waits.append(next_at - now)
        now, attempts = next_at, attempts + 1
    assert now == DAY
    assert 10 <= len(waits) <= 14
    assert 4_000 <= waits[0] <= 6_000
    assert 16_000 <= waits[1] <= 24_000
    assert max(waits) <= 4.8 * HOUR


def test_schedule_when_much_fails_at_once_then_does_not_come_back_at_once() -> None:
    assert len({next_attempt(1, 0, DAY, first_ms=5_000) for _ in range(20)}) > 5


@pytest.mark.parametrize(
    ("asked", "given"), [(60_000, 60_000), (2 * DAY, DAY)], ids=["a minute", "too long"]
)
def test_schedule_when_the_endpoint_asks_for_time_then_gets_it_within_the_day(
    asked: int, given: int
) -> None:
    assert next_attempt(1, 0, DAY, first_ms=5_000, retry_after_ms=asked) == given
