"""What the reaper decides for a session whose deadline has passed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.models import Session
from sessions.settings import Settings
from sessions.states import Channel, Reason, State
from tests.support.settings import settings_with
from workers.upkeep.verdict import Verdict, judge

NOW = 1_790_000_000_000
SECOND = 1000

READY = Session(
    id="session_1790000000000_abcdefgh",
    channel=Channel.VOICE,
    scope="development",
    user_name="Ann",
    state=State.READY,
    generation=1,
    owned_generation=1,
    owner="1:host:boot:1:1",
    worker="w",
    task_id="t",
    request_hash="",
    correlation_id="",
    traceparent="",
    timeline={"accepted": NOW},
    claimed_at=NOW,
    priority=0,
    queue_until=NOW + 60 * SECOND,
    queue_position=0,
    expires_at=NOW + 3600 * SECOND,
    active_at=NOW,
    cause="",
    heeded="",
    recovering_since=0,
    ending_since=0,
    recoveries=0,
    reason=None,
    fault=None,
    detail=None,
)
QUEUED = replace(READY, state=State.QUEUED, owned_generation=0)
STARTING = replace(READY, state=State.STARTING)
TEXT = replace(READY, channel=Channel.TEXT, generation=0, owned_generation=0)
RECOVERING = replace(READY, state=State.RECOVERING, generation=2, recovering_since=NOW)
ENDING = replace(READY, state=State.ENDING, ending_since=NOW)


@pytest.fixture
def settings() -> Settings:
    return settings_with()


@pytest.mark.parametrize(
    ("session", "leased", "seconds", "expected"),
    [
        pytest.param(QUEUED, False, 3, Verdict.NUDGE, id="queued-too-short"),
        pytest.param(QUEUED, False, 60, Reason.QUEUE_TIMEOUT, id="queued-too-long"),
        pytest.param(STARTING, True, 5, Verdict.WAIT, id="starting"),
        pytest.param(STARTING, False, 5, Verdict.RECOVER, id="starting-and-dead"),
        pytest.param(STARTING, True, 20, Verdict.REPLACE, id="starting-for-ever"),
        pytest.param(READY, True, 100, Verdict.WAIT, id="ready"),
        pytest.param(READY, False, 100, Verdict.RECOVER, id="ready-and-dead"),
        pytest.param(READY, True, 3610, Reason.MAX_DURATION, id="ready-too-long"),
        pytest.param(RECOVERING, False, 3, Verdict.NUDGE, id="recovering-unclaimed"),
        pytest.param(RECOVERING, False, 60, Reason.RECOVERY_FAILED, id="recovering-too-long"),
        pytest.param(
            replace(RECOVERING, owned_generation=2), False, 5, Verdict.RECOVER, id="second-died"
        ),
        pytest.param(TEXT, False, 10, Verdict.WAIT, id="text"),
        pytest.param(TEXT, False, 300, Reason.IDLE_TIMEOUT, id="text-idle"),
        pytest.param(
            replace(TEXT, active_at=NOW + 3590 * SECOND),
            False,
            3600,
            Reason.MAX_DURATION,
            id="text-too-long",
        ),
        pytest.param(ENDING, True, 1, Verdict.WAIT, id="ending-agent-still-there"),
        pytest.param(ENDING, True, 10, Verdict.FINISH, id="ending-agent-hangs"),
        pytest.param(ENDING, False, 0, Verdict.FINISH, id="ending-agent-gone"),
    ],
)
def test_judge_when_a_deadline_has_passed_then_decides(
    session: Session,
    leased: bool,
    seconds: int,
    expected: Verdict | Reason,
    settings: Settings,
) -> None:
    now = NOW + seconds * SECOND
    assert judge(session, leased=leased, now=now, settings=settings) == expected
