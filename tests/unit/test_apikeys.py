"""Who may start sessions, and how many?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.limits import Limits
from sessions.settings import Settings


@pytest.fixture
def api_keys(settings: Settings) -> Iterator[ApiKeys]:
    engine = open_database(settings.database_url)
    yield ApiKeys(engine)
    engine.dispose()


def test_key_when_made_then_its_secret_opens_it(api_keys: ApiKeys) -> None:
    limits = Limits(live=5, live_per_user=2, starts_per_minute=60, priority=3)
    key, secret = api_keys.create("desk", admin=True, limits=limits)
    assert secret.startswith("sb_")
    assert api_keys.verify(secret) == key
    assert (key.name, key.admin, key.limits, key.revoked_at) == ("desk", True, limits, None)


@pytest.mark.parametrize("wrong", ["", "sb_", "x", "sb_" + "A" * 43])
def test_key_when_the_secret_is_wrong_then_stays_shut(api_keys: ApiKeys, wrong: str) -> None:
    _, secret = api_keys.create("desk")
    assert api_keys.verify(wrong) is None
    assert api_keys.verify(secret + "x") is None


def test_key_when_revoked_then_stays_shut_and_in_the_list(api_keys: ApiKeys) -> None:
    assert not api_keys.any_active()
    key, secret = api_keys.create("desk")
    assert api_keys.any_active()
    assert api_keys.revoke(key.id)
    assert api_keys.verify(secret) is None
    assert not api_keys.any_active()
    assert not api_keys.revoke(key.id)
    assert not api_keys.revoke("key_unknown")
    (listed,) = api_keys.list()
    assert listed.revoked_at is not None


def test_keys_when_listed_then_all_are_there_without_limits_by_default(api_keys: ApiKeys) -> None:
    made = [api_keys.create(name)[0] for name in ("a", "b")]
    assert sorted(key.id for key in api_keys.list()) == sorted(key.id for key in made)
    assert made[0].limits == Limits()


def test_secret_when_the_key_is_stored_then_is_nowhere_in_the_database(
    api_keys: ApiKeys, tmp_path: Path
) -> None:
    _, secret = api_keys.create("desk")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("switchboard.db*"))
    assert b"desk" in stored
    assert secret.encode() not in stored
    assert secret.removeprefix("sb_").encode() not in stored
