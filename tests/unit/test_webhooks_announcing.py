"""What happens to a session is in the outbox in the same step, if somebody is to be told of it."""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.models import Session
from sessions.questions.desk import Desk
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from sessions.webhooks.events import Announcement, WebhookEvent, body_of
from tests.support.questions import answer_to, question
from tests.support.sessions import Actor

PATIENTLY = {"response": "Wait.", "requires_human_handoff": True, "suggested_actions": [], "n": 1}


def outbox(redis: Redis) -> list[Announcement]:
    found: Any = redis.xrange(keys.OUTBOX)
    return [Announcement.read(entry, fields) for entry, fields in found]


def load(directory: Directory, session_id: str) -> Session:
    session = directory.load(session_id)
    assert session is not None
    return session


def test_call_when_ready_and_taken_over_then_is_announced_once(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.starting(webhooks=True, aliases=["b", "a"], user="Zoë B")
    assert outbox(redis) == []
    before = store.now()
    store.ready(session_id, 1)
    assert store.recover(session_id, "crash", unless_leased=False) == 2
    actor.claim(session_id, 2)
    store.ready(session_id, 2)
    (told,) = outbox(redis)
    assert (told.type, told.session_id) == (WebhookEvent.READY, session_id)
    assert (told.scope, told.channel, told.user_name) == ("local", "voice", "Zoë B")
    assert (told.aliases, told.correlation_id) == (("a", "b"), "")
    assert before - 5 <= told.at <= store.now() + 5
    assert 0 < told.accepted <= told.at
    assert 0 < redis.pttl(keys.OUTBOX) <= keys.INDEX_TTL_MS


def test_call_when_it_was_taken_over_before_it_was_ready_then_is_announced_when_it_is(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.starting(webhooks=True)
    assert store.recover(session_id, "crash", unless_leased=False) == 2
    actor.claim(session_id, 2)
    assert outbox(redis) == []
    store.ready(session_id, 2)
    assert [told.type for told in outbox(redis)] == [WebhookEvent.READY]


def test_text_when_made_and_ended_then_both_are_announced(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.text(webhooks=True, aliases=["mine"])
    store.begin_ending(session_id, Reason.IDLE_TIMEOUT)
    assert len(outbox(redis)) == 1
    store.finish(load(directory, session_id))
    ready, ended = outbox(redis)
    assert (ready.type, ready.channel) == (WebhookEvent.READY, "text")
    assert (ended.type, ended.aliases) == (WebhookEvent.ENDED, ("mine",))
    assert ended.data == {"reason": "idle_timeout", "fault": "user"}


def test_nobody_when_to_be_told_then_nothing_is_kept(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    store.emit(session_id, "agent_response", PATIENTLY, generation=1)
    store.begin_ending(session_id, Reason.USER_LEFT)
    store.finish(load(directory, session_id))
    assert not redis.exists(keys.OUTBOX)


def test_answer_when_spoken_and_a_person_is_needed_then_is_announced_with_the_last_question(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready(webhooks=True)
    redis.delete(keys.OUTBOX)
    for role, text in (("user", "Früher?"), ("user", "A person!"), ("assistant", "Wait.")):
        store.emit(session_id, "transcript", {}, generation=1, turn={"role": role, "text": text})
    for _ in range(2):  # It was not known whether the first was written.
        store.emit(session_id, "agent_response", PATIENTLY, generation=1, number=7)
    store.emit(session_id, "agent_response", {**PATIENTLY, "requires_human_handoff": False})
    (told,) = outbox(redis)
    assert told.type == WebhookEvent.HANDOFF_REQUESTED
    data = json.loads(body_of(told, None))["data"]
    assert (data["question"], data["response"]) == ("A person!", "Wait.")
    assert (data["correlation_id"], data["suggested_actions"], data["sources"]) == (None, [], [])


def test_answer_when_written_and_a_person_is_needed_then_is_announced_once_for_each_question(
    actor: Actor, directory: Directory, settings: Settings, redis: Redis
) -> None:
    desk = Desk(redis, settings)
    session = load(directory, actor.text(webhooks=True))
    redis.delete(keys.OUTBOX)
    asked = [question(session.id, text) for text in ("A person!", "Now!")]
    for one in asked:
        desk.ask(session, one)
    for one in asked * 2:
        desk.answer(answer_to(one.correlation_id, requires_human_handoff=True))
    bodies = [json.loads(body_of(told, None)) for told in outbox(redis)]
    assert [body["type"] for body in bodies] == ["session.handoff_requested"] * 2
    told = [(body["data"]["correlation_id"], body["data"]["question"]) for body in bodies]
    assert told == [(one.correlation_id, one.payload.message) for one in asked]


def test_words_when_one_ends_in_half_a_character_then_the_others_are_told_and_none_is_refused(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready(webhooks=True)
    half = "A smile \ud83d"
    store.emit(session_id, "transcript", {"text": half}, fields={"saying": half})
    store.emit(session_id, "transcript", {}, turn={"role": "user", "text": half})
    for response in (half, "Wait."):
        data = {"response": response, "requires_human_handoff": True}
        store.emit(session_id, "agent_response", data)
    told = [one.data["response"] for one in outbox(redis) if "response" in one.data]
    assert told == ["Wait."]
    assert redis.hget(f"session:{session_id}", "saying") == "A smile ?"
