"""The day in figures: samples of them, what lay between two, and the ends that were counted."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.archive import Archive
from sessions.database import open_database
from sessions.endings import Endings
from sessions.figures import BOUNDS_MS, Distribution, Figures
from sessions.samples import STRETCH_MS, Sample, Samples
from sessions.settings import Settings
from tests.support.http import archived

NOON = 1_780_000_200_000 - 1_780_000_200_000 % STRETCH_MS


def test_sample_when_taken_twice_in_a_stretch_then_is_one(redis: Redis) -> None:
    samples = Samples(redis)
    Figures(redis).observe("turn", 400)
    assert samples.take(NOON + 5_000)
    Figures(redis).observe("turn", 400)
    assert not samples.take(NOON + STRETCH_MS - 1)
    assert samples.take(NOON + STRETCH_MS)
    first, second = samples.read()
    assert (first.at, second.at) == (NOON, NOON + STRETCH_MS)
    assert (first.turn.count, second.turn.count) == (1, 2)
    assert second.since(first).turn.count == 1
    assert [one.at for one in samples.read(NOON)] == [NOON + STRETCH_MS]
    assert redis.pttl(keys.SAMPLES) > 24 * 3600 * 1000


def test_sample_when_two_take_it_at_once_then_one_has_it(redis: Redis) -> None:
    class Late(Redis):
        """Whoever has looked before the other wrote."""

        def xrevrange(self, *args: object, **kwargs: object) -> list[object]:  # type: ignore[override]
            return []

    assert Samples(redis).take(NOON)
    late = Late(connection_pool=redis.connection_pool)
    assert not Samples(late).take(NOON)
    assert len(Samples(redis).read()) == 1


def test_samples_when_a_day_is_over_then_the_oldest_go(redis: Redis) -> None:
    samples = Samples(redis)
    for n in range(160):
        samples.take(NOON + n * STRETCH_MS)
    kept = [one.at for one in samples.read()]
    assert kept == [NOON + n * STRETCH_MS for n in range(160 - 145, 160)]


@pytest.mark.parametrize(
    ("times", "part", "about"),
    [
        ((), 0.5, None),
        ((400,) * 100, 0.5, 400),
        ((400,) * 100, 0.95, 490),
        ((5,) * 90 + (900,) * 10, 0.5, 6),
        ((5,) * 90 + (900,) * 10, 0.95, 875),
        ((99_000,), 0.95, BOUNDS_MS[-1]),
    ],
)
def test_quantile_when_asked_then_is_right_to_a_bucket(
    redis: Redis, times: tuple[int, ...], part: float, about: int | None
) -> None:
    figures = Figures(redis)
    for ms in times:
        figures.observe("turn", ms)
    assert Sample.of(figures.read(), 0).turn.quantile(part) == about


def test_since_when_the_figures_were_lost_then_is_what_there_is() -> None:
    before = Distribution({"100": 7, "200": 2}, 900)
    assert Distribution({"100": 3}, 250).since(before) == Distribution({"100": 3}, 250)
    assert Distribution({"100": 8, "200": 2}, 980).since(before).count == 1


def test_endings_when_counted_then_by_reason_in_their_time_and_from_the_index(
    settings: Settings,
) -> None:
    engine = open_database(settings.database_url)
    archive, endings = Archive(engine), Endings(engine)
    for minute in range(4):
        archive.save(archived(accepted_at=NOON + minute * 60_000))
    archive.save(archived(accepted_at=NOON, reason="agent_error", fault="platform"))
    until = NOON + 3 * 60_000
    assert endings.count(NOON, until) == {("user_left", "user"): 3, ("agent_error", "platform"): 1}
    assert [one.ended_at for one in endings.last(2)] == [NOON + 181_000, NOON + 121_000]
    some = [one.id for one in endings.last(3)]
    assert [one.id for one in endings.of([*some[1:], "session_none"])] == some[1:]
    with engine.connect() as connection:
        plan = str(
            connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT reason, fault, count(*) FROM archived_sessions "
                "WHERE ended_at >= 1 AND ended_at < 2 GROUP BY reason, fault"
            ).all()
        )
    assert "COVERING INDEX ix_archived_sessions_ended" in plan
    engine.dispose()
