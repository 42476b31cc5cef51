"""How does a chat go: what was sent, was it taken in, and has it been answered?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from orchestrator.cli.following import Follower

_OPEN_SECONDS = 10.0
_REPLAY_SECONDS = 1.0
"""After a cut so long is left for the log to tell that a message had come through."""

Event = dict[str, Any]


@dataclass
class Question:
    """A message, which everybody knows by ``correlation_id`` once it was taken in."""

    name: str
    message: str
    correlation_id: str = ""
    refusal: str = ""
    answer: Mapping[str, Any] | None = None

    @property
    def open(self) -> bool:
        """Tell whether it is not known yet if it was taken in."""
        return not self.correlation_id and not self.refusal

    @property
    def settled(self) -> bool:
        """Tell whether nothing more will come of it."""
        return self.answer is not None or bool(self.refusal)


class Talk:
    """One client on a session's socket.

    ``show`` is told each frame that comes; ``more`` goes with every message.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        show: Callable[[Event], object],
        more: Mapping[str, Any],
    ) -> None:
        self._follower = Follower(url, "", self._on_event, headers)
        self._follower.on_line = self._on_line
        self._follower.on_end = self._on_end
        self._show = show
        self._more = more
        self._changed = threading.Condition()
        self._there = False
        self._asked: list[Question] = []
        self._answers: dict[str, Mapping[str, Any]] = {}
        self.over: str | None = None
        """Why nothing more will come, once that is so; empty if the session has ended."""
        self.on_over: Callable[[], object] = lambda: None

    def open(self) -> None:
        """Begin; raises a sentence if the session cannot be followed."""
        self._follower.start()
        self._wait(lambda: self._there or self.over is not None, _OPEN_SECONDS)
        if not self._there:
            raise click.ClickException(self.over or "The session's events do not come.")

    def close(self) -> None:
        """Leave."""
        self._follower.stop()

    def ask(self, message: str) -> Question:
        """Send a message, at once or as soon as the line is there again."""
        with self._changed:
            question = Question(f"chat:{len(self._asked) + 1}", message)
            self._asked.append(question)
        self._send(question)
        return question

    def wait_for_answer(self, question: Question, within: float) -> Mapping[str, Any]:
        """Return the answer to a question; raises a sentence if there is none."""
        self._wait(
            lambda: bool(question.answer or question.refusal or self.over is not None), within
        )
        if question.answer is None:
            why = question.refusal or self._why_over() or f"No answer has come in {within:g} s."
            raise click.ClickException(why)
        return question.answer

    def wait_until_over(self, within: float) -> None:
        """Wait for the session's last event."""
        self._wait(lambda: self.over is not None, within)

    def _why_over(self) -> str:
        if self.over is None:
            return ""
        return self.over or "The session has ended."

    def _send(self, question: Question) -> None:
        named = {"type": "chat", "id": question.name, "message": question.message}
        self._follower.send({**named, **self._more})

    def _on_event(self, event: Event) -> None:
        with self._changed:
            self._take(event)
            self._changed.notify_all()
        self._show(event)

    def _take(self, event: Event) -> None:
        data = event.get("data", {})
        asked = next((q for q in self._asked if q.name == event.get("id")), None)
        match event["type"]:
            case "chat_accepted" if asked is not None:
                asked.correlation_id = data["correlation_id"]
            case "error" if asked is not None:
                asked.refusal = str(data.get("message"))
            case "transcript" if data.get("typed"):
                self._recognise(data)
            case "agent_response" if data.get("correlation_id"):
                self._answers[data["correlation_id"]] = data
        for question in self._asked:
            question.answer = question.answer or self._answers.get(question.correlation_id)

    def _recognise(self, data: Mapping[str, Any]) -> None:
        """See that a message had come through, though the line broke before we were told."""
        correlation_id, text = data["correlation_id"], data["text"]
        if any(question.correlation_id == correlation_id for question in self._asked):
            return
        for question in self._asked:
            if question.open and question.message == text:
                question.correlation_id = correlation_id
                return

    def _on_line(self, there: bool) -> None:
        with self._changed:
            self._there = there or self._there
            lost = there and any(question.open for question in self._asked)
            self._changed.notify_all()
        if lost:
            timer = threading.Timer(_REPLAY_SECONDS, self._send_again)
            timer.daemon = True
            timer.start()

    def _send_again(self) -> None:
        for question in self._asked:
            if question.open:
                self._send(question)

    def _on_end(self, why: str) -> None:
        with self._changed:
            self.over = why
            self._changed.notify_all()
        self.on_over()

    def _wait(self, is_so: Callable[[], bool], within: float) -> None:
        deadline = time.monotonic() + within
        with self._changed:
            while not is_so() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
