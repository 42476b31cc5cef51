"""What a session has used, and which agents it has had, is shown while it lives and afterwards."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from orchestrator.services import services_of
from sessions.models import Session
from sessions.questions.desk import Desk
from sessions.settings import Settings
from sessions.store import SessionStore
from sessions.usage import Amounts, Model, Usage
from tests.support.http import archived
from tests.support.questions import answer_to, question
from tests.support.sessions import Actor, owner_of

SPOKEN = Usage(900, 1400, {Model("tts", "embedded", "tts-1"): Amounts(1, characters=11)})
WORDED = Usage(models={Model("llm", "api.example.com", "large"): Amounts(1, 300, 5, 8, 0, 40)})


def show(client: FlaskClient, session_id: str) -> dict[str, object]:
    answer = client.get(f"/orchestrator/session/{session_id}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def desk(redis: Redis, settings: Settings) -> Desk:
    return Desk(redis, settings)


def test_show_when_a_call_lives_then_tells_what_it_has_used_so_far(
    client: FlaskClient, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.recovering()
    assert show(client, session_id)["usage"] == Usage().to_json()
    store.account(session_id, 1, SPOKEN)
    actor.claim(session_id, 2)
    store.renew(session_id, 2, owner_of(2), SPOKEN)
    shown = show(client, session_id)
    assert shown["usage"] == (SPOKEN + SPOKEN).to_json()
    assert shown["events"] is None
    first, second = shown["generations"]  # pyright: ignore[reportGeneralTypeIssues]
    assert (first["cause"], first["host"], first["worker"]) == ("crash", "host", "sessions@test")
    assert (second["cause"], second["readyAt"], second["endedAt"]) == (None, None, None)


def test_show_when_questions_were_answered_in_writing_then_counts_each_answer_once(
    client: FlaskClient, actor: Actor, desk: Desk
) -> None:
    session_id = actor.text()
    session = services_of(client.application).directory.load(session_id)
    assert isinstance(session, Session)
    for _ in range(2):
        request = question(session_id)
        desk.ask(session, request)
        answer = answer_to(request.correlation_id).model_copy(update={"usage": WORDED.to_json()})
        assert desk.answer(answer)
        assert not desk.answer(answer)
    assert show(client, session_id)["usage"] == (WORDED + WORDED).to_json()
    assert show(client, session_id)["generations"] == []


def test_answer_when_it_tells_nonsense_of_its_usage_then_is_delivered_all_the_same(
    client: FlaskClient, actor: Actor, desk: Desk
) -> None:
    session_id = actor.text()
    session = services_of(client.application).directory.load(session_id)
    assert isinstance(session, Session)
    request = question(session_id)
    desk.ask(session, request)
    nonsense = {"models": [{"slot": [1], "provider": None}]}
    answer = answer_to(request.correlation_id).model_copy(update={"usage": nonsense})
    assert desk.answer(answer)
    assert show(client, session_id)["usage"] == Usage().to_json()


def test_show_when_a_session_has_ended_then_tells_all_of_it_and_of_old_ones_what_there_is(
    app: Flask, client: FlaskClient
) -> None:
    generation = {"number": 1, "worker": "w", "host": "h", "claimedAt": 1, "readyAt": 2}
    new = archived(
        usage=SPOKEN.to_json(),
        generations=[{**generation, "endedAt": 3, "cause": "left"}],
        events=31,
        correlation_id="req_7",
        transcript=[{"role": "user", "text": "Hi.", "at": 1, "latencyMs": 640}],
    )
    old = archived()
    for session in (new, old):
        services_of(app).archive.save(session)
    shown = show(client, new.id)
    assert (shown["events"], shown["correlationId"]) == (31, "req_7")
    assert shown["usage"] == SPOKEN.to_json()
    assert shown["generations"] == new.generations
    [turn] = shown["transcript"]  # pyright: ignore[reportGeneralTypeIssues]
    assert turn["latencyMs"] == 640
    before = show(client, old.id)
    assert (before["usage"], before["generations"], before["correlationId"]) == (None, [], None)
