"""The sample base answers what it knows and refuses what it does not."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from agents.knowledge.answering import Answerer, Question
from sessions.questions.tasks import Utterance
from tests.fixtures.inference import InferenceServer
from tests.fixtures.redis import MakeSettings
from tests.support.processes import ROOT

QUESTIONS: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "bench/data/knowledge.json").read_text(encoding="utf-8")
)


def test_questions_when_asked_then_nine_of_ten_are_right(
    make_settings: MakeSettings, inference: InferenceServer
) -> None:
    answerer = Answerer(make_settings(inference_url=inference.url))
    wrong = [
        one["question"]
        for one in QUESTIONS["answerable"]
        if list(answerer.answer(Question(one["question"])).sources)[:1]
        not in [[source] for source in one["sources"]]
    ]
    answered = [
        one["question"]
        for one in QUESTIONS["unanswerable"]
        if not answerer.answer(Question(one["question"])).requires_human_handoff
    ]
    answerer.close()
    assert len(wrong) <= 4, wrong
    assert len(answered) <= 2, answered


def test_process_when_forked_after_preload_then_answers_and_so_does_its_parent(
    make_settings: MakeSettings, inference: InferenceServer
) -> None:
    answerer = Answerer(make_settings(inference_url=inference.url))
    answerer.preload(["sample"])
    question = Question("Do you sell gift cards?")
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = ""
        try:
            said = answerer.answer(question).response
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    assert said == answerer.answer(question).response
    assert said.startswith("Yes. Gift cards")
    answerer.close()


@pytest.mark.parametrize(
    ("follow_up", "source"),
    [
        ("And on Saturday?", "opening-hours.md > Opening hours > Shop"),
        ("What about Sunday?", "opening-hours.md > Opening hours > Shop"),
        ("And do you sell gift cards?", "questions.csv > Do you sell gift cards?"),
    ],
)
def test_follow_up_when_asked_then_is_about_what_was_asked_before(
    make_settings: MakeSettings, inference: InferenceServer, follow_up: str, source: str
) -> None:
    answerer = Answerer(make_settings(inference_url=inference.url))
    before = [Utterance(role="user", text="When are you open?")]
    answer = answerer.answer(Question(follow_up, history=before))
    answerer.close()
    assert list(answer.sources) == [source]
