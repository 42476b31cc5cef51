"""Where does a question wait for its answer, and how does it get exactly one?

A question is kept in Redis until it is answered and for a while after; what travels to whoever
answers it is only a nudge. Asking and answering are one atomic step each, so a question that is
sent twice, or answered twice, is one turn and one event all the same.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis import Redis

from sessions import keys
from sessions.clock import RedisClock
from sessions.errors import LimitReachedError, SessionOverError
from sessions.models import Session
from sessions.questions.asked import Asked, read_asked
from sessions.questions.tasks import (
    GIVEN_UP,
    AgentResponse,
    Status,
    TaskRequest,
    TaskResponse,
)
from sessions.scripts import Scripts
from sessions.settings import Settings
from sessions.states import Channel
from sessions.usage import added

FIRST_RESEND_SECONDS = 5.0
"""After so long an unanswered question is sent again, and then each time after twice as long."""


_MOST_FIELDS = 500
"""Of a session's hash, which is read whole; without models it has less than a hundred."""


class Desk:
    """The questions of all sessions."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._scripts = Scripts(redis, settings)
        self._clock = RedisClock(redis)
        self._keep_ms = settings.answer_keep_seconds * 1000

    def ask(self, session: Session, request: TaskRequest, *, speak: bool = False) -> None:
        """Take a question in: a turn and an event of its session. Sending it is left to others.

        ``speak`` has the answer spoken as well, where the session is a call.

        Raises:
            SessionOverError: the session has ended, or is about to.
            LimitReachedError: the session has asked too much in this minute.
        """
        message = request.payload.message
        told = {"speaker": "caller", "text": message, "final": True, "typed": True}
        question = {
            "session": session.id,
            "scope": session.scope,
            "request": request.model_dump_json(),
            "generation": str(session.generation),
            "speak": "1" if speak and session.channel is Channel.VOICE else "0",
        }
        reply = self._run(
            "ask",
            session.id,
            request.correlation_id,
            question=question,
            keep=self._keep_ms + round(self._settings.answer_timeout_seconds * 1000),
            look_after=round(FIRST_RESEND_SECONDS * 1000),
            event=_event(session.id, {**told, "correlation_id": request.correlation_id}),
            turn=_turn("user", message, session.generation, request.correlation_id),
            per_minute=self._settings.limit_questions_per_minute,
            idle=round(self._settings.idle_timeout_seconds * 1000),
            transport=self._settings.task_transport,
        )
        match reply:
            case ["ok", *_]:
                return
            case ["limit", wait]:
                raise LimitReachedError(
                    f"This session may ask {self._settings.limit_questions_per_minute} questions "
                    "a minute.",
                    retry_after=max(1, -(-int(wait) // 1000)),
                )
            case [_, "over"]:
                raise SessionOverError(f"The session {session.id} is ending.")
            case [_, "gone"]:
                raise SessionOverError(f"The session {session.id} has ended.")
            case _:
                raise ValueError(f"The question {request.correlation_id} is there already.")

    def answer(self, response: TaskResponse) -> bool:
        """Deliver an answer; tell whether it was the first to its question.

        The session is told that asked, whatever the answer says of it. An answer to no question of
        ours changes nothing.
        """
        correlation_id = response.correlation_id
        asked = self.get(correlation_id) if correlation_id else None
        if asked is None or asked.response is not None:
            return False
        result = response.result.model_copy(update={"session_id": asked.session_id})
        answer = response.model_copy(update={"result": result})
        event = AgentResponse(
            session_id=asked.session_id,
            response=result.response,
            requires_human_handoff=result.requires_human_handoff,
            suggested_actions=result.suggested_actions,
            sources=result.sources,
            correlation_id=asked.correlation_id,
        )
        say = {
            "text": result.response,
            "question": asked.request.payload.message,
            "correlation_id": asked.correlation_id,
            "aloud": asked.speak,
        }
        reply = self._run(
            "answer",
            asked.session_id,
            asked.correlation_id,
            response=answer.model_dump_json(),
            keep=self._keep_ms,
            event=event.model_dump_json(),
            turn=_turn("assistant", result.response, asked.generation, asked.correlation_id),
            say=json.dumps(say),
            used=added(response.usage) if response.usage else None,
            most=_MOST_FIELDS,
            question=asked.request.payload.message,
            transport=self._settings.task_transport,
            outcome=_outcome(response),
            kept=response.result.session_id == asked.session_id,
        )
        return reply[0] == "ok"

    def get(self, correlation_id: str) -> Asked | None:
        """Return a question, or ``None`` if it is unknown or no longer kept."""
        return self.get_many([correlation_id])[0]

    def get_many(self, correlation_ids: Sequence[str]) -> list[Asked | None]:
        """Return the questions of these ids, in one round trip."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for correlation_id in correlation_ids:
                pipeline.hgetall(keys.question(correlation_id))
            hashes = cast("list[dict[str, str]]", pipeline.execute())
        return [read_asked(fields) for fields in hashes]

    def overdue(self, limit: int = 200, hold_seconds: float = FIRST_RESEND_SECONDS) -> list[Asked]:
        """Return open questions that somebody must look at; nobody else gets them meanwhile."""
        due = self._scripts.due(keys.OPEN_QUESTIONS, limit, round(hold_seconds * 1000))
        found = dict(zip(due, self.get_many(due), strict=True))
        settled = [id_ for id_, asked in found.items() if asked is None or asked.response]
        if settled:
            self._redis.zrem(keys.OPEN_QUESTIONS, *settled)
        return [asked for id_, asked in found.items() if asked is not None and id_ not in settled]

    def sent_again(self, asked: Asked) -> None:
        """Note that an open question was sent once more, and when to look at it again."""
        next_at = min(
            self.now() + round(FIRST_RESEND_SECONDS * 1000) * 2**asked.sends,
            self.given_up_at(asked),
        )
        with self._redis.pipeline() as pipeline:
            pipeline.hincrby(keys.question(asked.correlation_id), "sends", 1)
            # Only where it is still open: its answer may have come meanwhile.
            pipeline.zadd(keys.OPEN_QUESTIONS, {asked.correlation_id: next_at}, xx=True)
            pipeline.execute()

    def given_up_at(self, asked: Asked) -> int:
        """Return when a question that has no answer yet gets an error instead."""
        return asked.asked + round(self._settings.answer_timeout_seconds * 1000)

    def count_open(self) -> int:
        """Return how many questions wait for an answer."""
        return self._redis.zcard(keys.OPEN_QUESTIONS)

    def now(self) -> int:
        """Return the moment by Redis's clock, in Unix milliseconds."""
        return self._clock.now()

    def _run(self, verb: str, session_id: str, correlation_id: str, **args: Any) -> list[Any]:
        more_keys = [keys.question(correlation_id), keys.OPEN_QUESTIONS]
        given = {"correlation_id": correlation_id, **args}
        return self._scripts.run(verb, session_id, given, more_keys)


def _outcome(response: TaskResponse) -> str:
    if response.status is Status.SUCCESS:
        return "answered"
    return "given_up" if response.result.error == GIVEN_UP else "failed"


def _event(session_id: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"session_id": session_id, **data})


def _turn(role: str, text: str, generation: int, question: str) -> str:
    turn = {"role": role, "text": text, "generation": generation, "question": question}
    return json.dumps(turn)
