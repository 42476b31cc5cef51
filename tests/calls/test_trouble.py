"""What goes wrong around a call changes nothing, or ends it with a reason that fits."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest
from livekit import rtc

from agents.voice.tokens import agent_token
from sessions import ids, keys
from sessions.fleet import Fleet
from sessions.states import Reason
from tests.fixtures.house import WORKER, House, is_registered, send_nudge
from tests.support import loopback
from tests.support.annex import annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from workers.upkeep.sweeping import sweep


def test_message_when_doubled_late_or_about_nothing_then_changes_nothing(house: House) -> None:
    started = house.start()
    session_id = started["sessionId"]
    house.wait_for_state(session_id, "ready")
    owner = house.show(session_id)["generation"]
    for _ in range(3):
        house.send_nudge(session_id, 1)
    house.send_nudge(session_id, 7)
    house.send_nudge(ids.new_session_id(), 1)
    house.send_nudge("no session at all", 1)
    eventually(lambda: house.redis.llen("sessions") == 0, 20, "every message is taken")
    eventually(lambda: house.busy() == 1, 20, "only the call's own task still runs")
    assert house.show(session_id)["state"] == "ready"
    assert house.show(session_id)["generation"] == owner
    assert len(house.agent_pids()) == 1
    house.end(session_id)
    house.end(session_id)
    house.wait_for_state(session_id, "ended")
    house.send_nudge(session_id, 1)
    house.assert_nothing_is_left()


def test_message_when_lost_then_the_session_starts_all_the_same(house: House) -> None:
    with house.frozen("worker"):
        started = house.start()
        eventually(lambda: house.redis.delete("sessions"), 10, "the message is lost")
    house.wait_for_state(started["sessionId"], "ready")
    house.end(started["sessionId"])
    house.assert_nothing_is_left()


def test_queue_when_all_slots_are_busy_then_serves_by_place_whatever_becomes_of_messages(
    house: House,
) -> None:
    with annex(house, join_timeout_seconds=60, queue_timeout_seconds=30) as small:
        busy = small.start().id
        eventually(lambda: small.is_ready(busy), 20, "the only slot is busy")
        first = small.start(queueTimeoutSeconds=12).id
        eventually(lambda: small.positions(first) == [1], 10, "the first learns its place")
        urgent = small.start(priority=5)
        eventually(lambda: small.positions(urgent.id) == [1], 10, "the urgent one is before it")
        eventually(lambda: small.positions(first) == [1, 2], 10, "the first learns that")
        # The message of one is lost, and that of the other comes twice.
        assert small.context.redis.llen("sessions") == 2
        small.context.redis.delete("sessions")
        for _ in range(2):
            send_nudge(small.context.settings, first, 1)
        small.context.store.begin_ending(busy, Reason.ENDED_BY_API)
        eventually(lambda: small.is_ready(urgent.id), 20, "the urgent one is served")
        eventually(lambda: small.positions(first) == [1, 2, 1], 10, "the first moves up")
        ended = small.wait_until_archived(first)
    assert (ended.reason, ended.fault) == ("queue_timeout", "platform")


def test_workers_when_none_is_alive_then_a_start_is_refused_and_nothing_made(house: House) -> None:
    with house.frozen("worker"):
        eventually(lambda: not house.fleet_alive(), 40, "the worker's heartbeat is too old")
        before = set(house.own_keys())
        answer = loopback.post(
            f"{house.url}/orchestrator/session/start", json={"userName": "Ann"}, timeout=10
        )
        assert answer.status_code == 503
        assert answer.json()["code"] == "no_capacity"
        assert int(answer.headers["Retry-After"]) > 0
        assert set(house.own_keys()) <= {*before, keys.FIGURES}
    eventually(lambda: is_registered(house.redis, WORKER), 20, "the worker is back")


def test_agent_when_livekit_is_away_then_the_session_ends_with_fault_platform(house: House) -> None:
    with annex(house, livekit_url="ws://127.0.0.1:9", livekit_retry_seconds=2) as small:
        ended = small.wait_until_archived(small.start().id)
    assert (ended.reason, ended.fault) == ("agent_error", "platform")


def test_agent_when_something_unforeseen_fails_then_the_session_ends_and_says_what(
    house: House,
) -> None:
    session_id = house.start()["sessionId"]
    house.wait_for_state(session_id, "ready")
    control = keys.SessionKeys.of(session_id).control
    house.redis.xadd(control, {"command": "end", "data": "no JSON"})
    shown = house.wait_for_state(session_id, "ended")
    assert (shown["reason"], shown["fault"]) == ("agent_error", "platform")
    assert "JSONDecodeError" in shown["detail"]
    house.assert_nothing_is_left()
    assert not house.had_to_kill(session_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [("voiceId", None), ("maxDurationSeconds", "for ever"), ("metadata", "no JSON")],
)
def test_config_when_it_is_broken_then_the_session_ends_with_config_error(
    house: House, field: str, value: str | None
) -> None:
    with house.frozen("worker"):
        session_id = house.start()["sessionId"]
        config = keys.SessionKeys.of(session_id).config
        if value is None:
            house.redis.hdel(config, field)
        else:
            house.redis.hset(config, field, value)
    shown = house.wait_for_state(session_id, "ended")
    assert (shown["reason"], shown["fault"]) == ("config_error", "config")
    house.assert_nothing_is_left()
    assert not house.had_to_kill(session_id)


def test_agent_when_another_takes_its_place_then_leaves_quietly_and_the_call_goes_on(
    house: House,
) -> None:
    async def call() -> str:
        started = await asyncio.to_thread(house.start, openingLine="Hello.")
        session_id = started["sessionId"]
        async with calling(started) as caller:
            await caller.wait_for_quiet()
            pid = await asyncio.to_thread(house.agent_pid, session_id)
            other = rtc.Room()
            await other.connect(house.settings.livekit_url, agent_token(house.settings, session_id))
            await asyncio.to_thread(
                eventually, lambda: not psutil.pid_exists(pid), 20, "the first agent has left"
            )
            shown = await asyncio.to_thread(house.show, session_id)
            assert shown["state"] in {"ready", "recovering"}
            assert caller.room.isconnected()
            await asyncio.to_thread(
                eventually, lambda: house.show(session_id)["generation"] == 2, 20, "a new agent"
            )
            await asyncio.to_thread(house.wait_for_state, session_id, "ready")
            assert caller.room.isconnected()
            await other.disconnect()
        return session_id

    session_id = asyncio.run(call())
    assert house.wait_for_state(session_id, "ended")["reason"] == "user_left"
    kinds = [event.type for event in house.events(session_id)]
    assert "error" not in kinds
    house.assert_nothing_is_left()


def test_agent_when_frozen_then_another_generation_takes_the_call(house: House) -> None:
    session_id = house.start()["sessionId"]
    house.wait_for_state(session_id, "ready")
    frozen = house.agent_pid(session_id)
    os.kill(frozen, signal.SIGSTOP)
    eventually(lambda: house.show(session_id)["generation"] == 2, 30, "the lease is lost")
    house.wait_for_state(session_id, "ready")
    eventually(lambda: not psutil.pid_exists(frozen), 20, "the parent has killed the frozen child")
    house.end(session_id)
    house.assert_nothing_is_left()


def test_sweep_when_a_key_has_no_ttl_or_a_worker_is_gone_then_mends_it(house: House) -> None:
    stray = keys.SessionKeys.of(ids.new_session_id()).history
    house.redis.xadd(stray, {"turn": "{}"})
    house.redis.zadd(keys.WORKERS, {"sessions@gone": 1})
    sweep(house.context())
    assert house.redis.ttl(stray) > 0
    assert house.redis.zscore(keys.WORKERS, "sessions@gone") is None
    assert Fleet(house.redis, house.settings).alive()
    house.redis.delete(stray)
