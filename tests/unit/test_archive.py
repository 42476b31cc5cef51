"""What is known of a session after it has ended?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from sessions.archive import Archive, ArchivedSession, ArchiveFilter
from sessions.database import open_database
from sessions.schema import is_current, migrate
from sessions.settings import Settings

DAY = 24 * 3600 * 1000


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_database(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def archive(engine: Engine) -> Archive:
    return Archive(engine)


def ended(number: int = 1, **fields: object) -> ArchivedSession:
    session = ArchivedSession(
        id=f"session_175359074139{number}_abc123",
        scope="local",
        user_name="Ada",
        channel="voice",
        reason="user_left",
        fault="user",
        detail=None,
        generation=1,
        recoveries=0,
        worker="w",
        accepted_at=number * 1000,
        ended_at=number * 1000 + 500,
        config={"userName": "Ada", "metadata": {"é": [1]}},
        timeline={"accepted": number * 1000},
        transcript=[{"role": "user", "text": "Grüße", "at": 1}],
    )
    return replace(session, **fields)


def test_session_when_saved_then_is_loaded_as_it_was(archive: Archive) -> None:
    archive.save(ended())
    assert archive.load(ended().id) == ended()
    assert archive.load("session_1753590741390_zzzzzz") is None


def test_session_when_saved_twice_then_keeps_what_was_saved_first(archive: Archive) -> None:
    assert archive.save(ended(), ["a"])
    assert not archive.save(ended(reason="idle_timeout", config={}, transcript=[]), ["a"])
    assert archive.load(ended().id) == ended()


def test_session_when_saved_by_many_at_once_then_is_saved_by_one(archive: Archive) -> None:
    with ThreadPoolExecutor(4) as pool:
        for number in range(8):
            saved = list(pool.map(lambda _, n=number: archive.save(ended(n), ["a"]), range(4)))
            assert saved.count(True) == 1


def test_alias_when_used_again_then_means_the_later_session(archive: Archive) -> None:
    archive.save(ended(1), ["a", "b"])
    archive.save(ended(2), ["a"])
    assert archive.by_alias("local", "a") == ended(2).id
    assert archive.by_alias("local", "b") == ended(1).id
    assert archive.by_alias("key_b", "a") is None
    assert archive.aliases(ended(1)) == ["b"]


@pytest.mark.parametrize(
    "wanted",
    [
        ArchiveFilter(scope="key_b"),
        ArchiveFilter(user_name="Bob"),
        ArchiveFilter(channel="text"),
        ArchiveFilter(reason="idle_timeout"),
    ],
)
def test_find_when_filtered_then_gives_only_what_matches(
    archive: Archive, wanted: ArchiveFilter
) -> None:
    other = {"scope": "key_b", "user_name": "Bob", "channel": "text", "reason": "idle_timeout"}
    archive.save(ended(1))
    archive.save(ended(2, **other))
    assert [found.id for found in archive.find(wanted, 10)] == [ended(2).id]


def test_find_when_paged_then_gives_each_once_even_within_one_millisecond(
    archive: Archive,
) -> None:
    for number in range(7):
        archive.save(ended(number, accepted_at=1000 * (number // 3)))
    seen: list[str] = []
    before = None
    while page := archive.find(ArchiveFilter(before=before), 2):
        seen += [found.id for found in page]
        before = (page[-1].accepted_at, page[-1].id)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 7


def test_prune_when_too_old_then_removes_the_session_and_its_names(archive: Archive) -> None:
    archive.save(ended(1, ended_at=10 * DAY), ["old"])
    archive.save(ended(2, ended_at=20 * DAY), ["new"])
    assert archive.prune(now=25 * DAY, keep_days=10) == 1
    assert archive.load(ended(1).id) is None
    assert archive.by_alias("local", "old") is None
    assert archive.by_alias("local", "new") == ended(2).id
    assert archive.prune(now=25 * DAY, keep_days=10) == 0


def test_schema_when_migrated_twice_then_is_current(settings: Settings, engine: Engine) -> None:
    assert is_current(engine)
    migrate(engine)
    assert is_current(engine)


def test_schema_when_the_file_is_new_then_is_not_current(tmp_path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/deep/er/new.db")
    assert not is_current(engine)
    migrate(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
