"""What happens when a caller asks for a session?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from redis import Redis

from sessions import keys
from sessions.agents import KnownAgents
from sessions.archive import Archive
from sessions.database import open_database
from sessions.directory import Directory
from sessions.errors import (
    AliasConflictError,
    InvalidRequestError,
    LimitReachedError,
    UnknownVoiceError,
)
from sessions.fleet import WorkerRecord
from sessions.keys import SessionKeys
from sessions.limits import Limits
from sessions.questions.bases import KnowledgeBases
from sessions.requests import StartRequest, parse
from sessions.settings import Settings
from sessions.starting import Started, Starter
from sessions.states import Reason, State
from sessions.store import SessionStore
from sessions.voices import load_voices
from tests.support.eventually import T


@pytest.fixture
def archive(settings: Settings) -> Archive:
    return Archive(open_database(settings.database_url))


@pytest.fixture
def starter(
    store: SessionStore,
    directory: Directory,
    settings: Settings,
    archive: Archive,
    alive_worker: WorkerRecord,
) -> Starter:
    return Starter(
        store,
        directory,
        archive,
        load_voices(),
        KnownAgents.of(settings),
        KnowledgeBases(open_database(settings.database_url)),
        settings,
    )


def start(starter: Starter, *aliases: str, scope: str = "local", **fields: object) -> Started:
    request = parse(StartRequest, {"userName": "Ada", **fields})
    return starter.start(request, scope, limits=Limits(), aliases=aliases, correlation_id="c1")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Run ``work`` in ``count`` threads that all begin together."""
    gate = Barrier(count)

    def wait_and_work(number: int) -> T:
        gate.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_work, range(count)))


def test_start_when_the_request_is_silent_then_the_house_decides(
    starter: Starter, directory: Directory, settings: Settings
) -> None:
    started = start(starter)
    assert not started.replayed
    assert started.session.state is State.QUEUED
    assert started.session.correlation_id == "c1"
    config = directory.config(started.session.id)
    assert config is not None
    assert config.to_json() == started.config.to_json()
    assert config.voice_id == settings.default_voice
    assert config.opening_line == "Hello Ada, thank you for calling. How can I help you today?"
    assert config.system_prompt == settings.default_system_prompt
    assert (config.agent, config.knowledge) == (settings.default_agent, settings.default_knowledge)
    assert config.max_duration_seconds == settings.max_duration_seconds


def test_start_when_the_request_says_all_then_it_decides(starter: Starter) -> None:
    config = start(
        starter,
        voiceId="craig",
        openingLine="",
        systemPrompt="Be brief.",
        maxDurationSeconds=20,
        metadata={"a": 1},
    ).config
    assert (config.voice_id, config.opening_line, config.system_prompt) == (
        "Craig",
        "",
        "Be brief.",
    )
    assert (config.max_duration_seconds, config.metadata) == (20, {"a": 1})


def test_start_when_the_user_name_looks_like_a_pattern_then_is_taken_as_it_is(
    starter: Starter,
) -> None:
    opening = start(starter, userName="{0} {userName}").config.opening_line
    assert opening.startswith("Hello {0} {userName}, ")


def test_start_when_the_voice_is_unknown_then_starts_nothing(
    starter: Starter, directory: Directory
) -> None:
    with pytest.raises(UnknownVoiceError):
        start(starter, voiceId="Zorg")
    assert directory.count_live() == 0


def test_start_when_repeated_under_its_alias_then_is_the_same_session(
    starter: Starter, directory: Directory
) -> None:
    first = start(starter, "header", correlationToken="token")
    for again in (
        start(starter, "header", correlationToken="token"),
        start(starter, correlationToken="token"),
        start(starter, "header"),
    ):
        assert again.replayed
        assert again.session.id == first.session.id
        assert again.config.to_json() == first.config.to_json()
    assert directory.count_live() == 1


def test_start_when_repeated_with_a_new_alias_beside_then_the_session_has_both(
    starter: Starter, directory: Directory
) -> None:
    first = start(starter, "one")
    start(starter, "one", "two")
    assert directory.aliases(first.session) == ["one", "two"]


def test_start_when_repeated_under_ever_new_aliases_then_it_has_so_many_at_most(
    starter: Starter, directory: Directory
) -> None:
    first = start(starter, "one")
    for name in range(31):
        start(starter, "one", f"also-{name}")
    with pytest.raises(AliasConflictError, match="at most 32"):
        start(starter, "one", "too-many")
    assert len(directory.aliases(first.session)) == 32
    assert directory.by_alias(first.session.scope, "too-many") is None
    assert start(starter, "one", "also-30").replayed


def test_start_when_the_alias_names_another_request_then_conflicts(
    starter: Starter, directory: Directory
) -> None:
    start(starter, "one")
    with pytest.raises(AliasConflictError):
        start(starter, "one", userName="Bob")
    assert directory.count_live() == 1


def test_start_when_two_aliases_name_two_sessions_then_conflicts(starter: Starter) -> None:
    start(starter, "one")
    start(starter, "two")
    with pytest.raises(AliasConflictError):
        start(starter, "one", "two")


def test_start_when_another_scope_uses_the_alias_then_is_a_session_of_its_own(
    starter: Starter,
) -> None:
    first, second = start(starter, "one"), start(starter, "one", scope="key_b")
    assert first.session.id != second.session.id
    assert not second.replayed


def test_start_when_the_earlier_session_is_over_then_the_alias_is_free(
    starter: Starter, store: SessionStore
) -> None:
    first = start(starter, "one").session
    store.begin_ending(first.id, Reason.USER_LEFT)
    store.finish(first)
    again = start(starter, "one", userName="Bob")
    assert not again.replayed
    assert again.session.id != first.id


def test_start_when_the_alias_leads_nowhere_then_does_not_try_for_ever(
    starter: Starter, redis: Redis
) -> None:
    first = start(starter, "one").session
    redis.delete(SessionKeys.of(first.id).session)
    with pytest.raises(AliasConflictError, match="another alias"):
        start(starter, "one")


def test_start_when_ten_threads_repeat_it_at_once_then_makes_one_session(
    starter: Starter, directory: Directory
) -> None:
    started = at_once(10, lambda _: start(starter, "one", correlationToken="token"))
    assert len({each.session.id for each in started}) == 1
    assert [each.replayed for each in started].count(False) == 1
    assert directory.count_live() == 1
    assert directory.queue_length() == 1


@pytest.mark.parametrize("limits", [Limits(live=10), Limits(live_per_user=10)])
def test_start_when_a_hundred_threads_meet_a_limit_of_ten_then_ten_get_in(
    starter: Starter, directory: Directory, redis: Redis, limits: Limits
) -> None:
    request = parse(StartRequest, {"userName": "Ada"})

    def one(_number: int) -> Started | None:
        try:
            return starter.start(request, "local", limits=limits)
        except LimitReachedError:
            return None

    started = [each for each in at_once(100, one) if each is not None]
    assert len({each.session.id for each in started}) == 10
    assert directory.count_live() == 10
    assert redis.zcard(keys.scope_sessions("local")) == 10


def test_start_when_named_by_its_own_id_then_is_the_same_session(starter: Starter) -> None:
    first = start(starter)
    again = start(starter, first.session.id)
    assert (again.session.id, again.replayed) == (first.session.id, True)
    with pytest.raises(AliasConflictError):
        start(starter, first.session.id, openingLine="Another.")
    assert start(starter, first.session.id, scope="key_b").session.id != first.session.id


def test_start_when_the_knowledge_base_is_unknown_then_names_the_nearest(starter: Starter) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        start(starter, knowledge="sampel")
    [problem] = caught.value.problems
    assert (problem.field, problem.nearest) == ("knowledge", "sample")


def test_start_when_the_sample_was_never_asked_then_can_be_named(starter: Starter) -> None:
    assert start(starter, knowledge="sample").config.knowledge == "sample"


def test_start_when_the_database_cannot_tell_then_is_not_lost(tmp_path: Path) -> None:
    away = KnowledgeBases(open_database(f"sqlite:///{tmp_path}/empty.db"))
    away.check("whatever")
