"""The archive is the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, inspect, text

from sessions import archive as archiving
from sessions.archive import Archive
from sessions.archived import ArchivedSession, ArchiveFilter
from sessions.database import ArchivedSessionRow, open_database
from sessions.endings import Endings
from sessions.schema import is_current, migrate
from sessions.settings import Settings
from tests.fixtures.postgres import Postgres
from tests.support.http import archived

DAY = 24 * 3600 * 1000
OLD_COLUMNS = """
    INSERT INTO archived_sessions (id, scope, user_name, channel, reason, fault, generation,
        recoveries, worker, accepted_at, ended_at, config, timeline, transcript)
    VALUES ('session_1753590741399_000000', 'a', 'Ann', 'voice', 'user_left', 'user', 1, 0, '',
        1, 2, '{}', '{}', '[]')
"""


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    """A database as it was before usage was kept, with a session in it, brought up to date."""
    url = postgres.make("archive")
    engine = open_database(url)
    migrate(engine, to="0002")
    with engine.begin() as connection:
        connection.execute(text(OLD_COLUMNS))
    assert not is_current(engine)
    migrate(engine)
    assert is_current(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Engine]:
    url = settings.database_url
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield engine
    with engine.begin() as connection:
        connection.execute(delete(ArchivedSessionRow))
    engine.dispose()


@pytest.fixture
def archive(engine: Engine) -> Archive:
    return Archive(engine)


def ended(at: int, **fields: Any) -> ArchivedSession:
    return archived(
        accepted_at=at - 10,
        ended_at=at,
        correlation_id="req_1",
        events=12,
        generations=[{"number": 1, "cause": "left"}],
        usage={"audioInMs": 1200, "models": [{"slot": "llm", "requests": 2}]},
        transcript=[{"role": "user", "text": "Grüße 😀 \u0000", "latencyMs": 400}],
        **fields,
    )


def test_session_when_it_was_archived_before_usage_was_kept_then_can_still_be_read(
    postgres_url: str,
) -> None:
    engine = open_database(postgres_url)
    found = Archive(engine).load("session_1753590741399_000000")
    assert found is not None
    assert (found.usage, found.generations, found.events, found.correlation_id) == ({}, [], 0, "")
    assert found.to_json()["usage"] is None
    engine.dispose()


def test_session_when_saved_then_all_of_it_is_loaded(archive: Archive) -> None:
    session = ended(5000)
    assert archive.save(session, ["a", "b"])
    assert not archive.save(session, ["a"])
    assert archive.load(session.id) == session
    assert archive.aliases_of([session.id]) == {session.id: ["a", "b"]}


def test_session_when_saved_by_many_at_once_then_is_saved_by_one(archive: Archive) -> None:
    session = ended(5000)
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda _: archive.save(session, ["a"]), range(8)))
    assert saved.count(True) == 1


def test_export_when_read_in_parts_then_gives_each_once_in_the_order_of_its_end(
    archive: Archive,
) -> None:
    made = [ended(1000 * (number // 3), scope=f"key_{number % 2}") for number in range(9)]
    for session in made:
        archive.save(session)
    seen: list[ArchivedSession] = []
    position = (0, "")
    while batch := archive.ended_after(ArchiveFilter(), position, 10**13, 2):
        seen += batch
        position = (batch[-1].ended_at, batch[-1].id)
    assert seen == sorted(made, key=lambda one: (one.ended_at, one.id))
    assert all(one.transcript for one in seen)
    one_key = archive.ended_after(ArchiveFilter(scope="key_1"), (0, ""), 10**13, 100)
    assert {one.id for one in one_key} == {one.id for one in made[1::2]}
    assert archive.ended_after(ArchiveFilter(), (1000, ""), 2000, 100) == seen[3:6]


def test_prune_when_many_are_old_then_removes_them_a_few_at_a_time_with_their_names(
    archive: Archive, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "_PRUNE_BATCH", 10)
    monkeypatch.setattr(archiving, "_PRUNE_PAUSE_SECONDS", 0)
    young = ended(20 * DAY)
    archive.save(young, ["young"])
    rows = [{**vars_of(ended(DAY + number))} for number in range(35)]
    with engine.begin() as connection:
        connection.execute(insert(ArchivedSessionRow), rows)
    archive.save(ended(2 * DAY), ["old"])
    assert archive.prune(now=25 * DAY, keep_days=0) == 0
    monkeypatch.setattr(archiving, "_PRUNE_TIMES", 2)
    assert archive.prune(now=25 * DAY, keep_days=10) == 20
    monkeypatch.setattr(archiving, "_PRUNE_TIMES", 10)
    assert archive.prune(now=25 * DAY, keep_days=10) == 16
    left = archive.find(ArchiveFilter(), 100)
    assert [one.id for one in left] == [young.id]
    assert archive.by_alias(young.scope, "old") is None
    assert archive.by_alias(young.scope, "young") == young.id


def vars_of(session: ArchivedSession) -> dict[str, object]:
    columns = [column.key for column in inspect(ArchivedSessionRow).columns]
    return {name: getattr(session, name) for name in columns}


def test_error_when_the_database_refuses_then_quotes_nothing_that_was_said(
    engine: Engine, archive: Archive
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE archived_sessions RENAME TO elsewhere"))
    try:
        with pytest.raises(Exception, match="archived_sessions") as caught:
            archive.save(ended(1000, user_name="A secret name"))
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO archived_sessions"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("said", ["GRÜSSE 😀", "grüße", "\u0000"])
def test_words_when_searched_for_then_found_as_they_were_said(archive: Archive, said: str) -> None:
    found = ended(2 * DAY)
    archive.save(found)
    archive.save(archived(accepted_at=3 * DAY))
    looked_for = said.replace("SS", "ß")
    assert archive.search(ArchiveFilter(), looked_for, 10, 10) == ([found], None)
    nothing, stopped_at = archive.search(ArchiveFilter(), looked_for, 10, 1)
    assert (nothing, stopped_at and stopped_at[0]) == ([], 3 * DAY)


def test_endings_when_counted_then_by_reason_within_their_time(engine: Engine) -> None:
    archive, endings = Archive(engine), Endings(engine)
    for at in (DAY, DAY + 5, 2 * DAY):
        archive.save(ended(at))
    archive.save(ended(DAY + 1, reason="agent_error", fault="platform"))
    assert endings.count(DAY, 2 * DAY) == {
        ("user_left", "user"): 2,
        ("agent_error", "platform"): 1,
    }
    assert [one.ended_at for one in endings.last(3)] == [2 * DAY, DAY + 5, DAY + 1]
