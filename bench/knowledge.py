"""Does a question find its passage, and is one refused that the base cannot answer?"""

from __future__ import annotations

import json
import time
from typing import Any

from agents.knowledge.answering import Answerer, Question
from bench.measuring import Goal, Row, percentile
from tests.fixtures.house import House
from tests.support.processes import ROOT

QUESTIONS = ROOT / "bench/data/knowledge.json"
HOW = (
    "The sample base, asked with no LLM: 40 paraphrased questions and 20 that it does not answer, "
    "12 of them about the same kind of shop. A question counts as right if it is answered, and "
    "with the right passage. All were written before anything was tuned; a third was kept apart. "
    "The sample and the threshold were tuned with the other two thirds and with 80 more questions "
    "that are not counted here."
)
MISSED = "a larger embeddings model, or an LLM that reads the passages before it answers."


def measure(house: House) -> list[Row]:
    """Ask every question of both kinds."""
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    answerer = Answerer(house.settings)
    answerer.preload(["sample"])
    rows: list[Row] = []
    took: list[float] = []
    for name, kind in (("right passage", "answerable"), ("refused", "unanswerable")):
        verdicts = [(one["held_out"], _is_well(answerer, one, took)) for one in questions[kind]]
        tuned = [well for held_out, well in verdicts if not held_out]
        kept = [well for held_out, well in verdicts if held_out]
        every = [*tuned, *kept]
        rows += [
            Row(f"{name}, {len(every)} questions", "%", _share(every), goal=Goal(at_least=90)),
            Row(f"{name}, the {len(tuned)} tuned with", "%", _share(tuned)),
            Row(f"{name}, the {len(kept)} kept apart", "%", _share(kept)),
        ]
    answerer.close()
    rows.append(Row("answer of the knowledge base, p50", "ms", percentile(took, 50)))
    return rows


def _is_well(answerer: Answerer, asked: dict[str, Any], took: list[float]) -> bool:
    started = time.perf_counter()
    answer = answerer.answer(Question(asked["question"]))
    took.append(1000 * (time.perf_counter() - started))
    wanted = asked.get("sources")
    if wanted is None:
        return answer.requires_human_handoff and not answer.sources
    return bool(answer.sources) and answer.sources[0] in wanted


def _share(verdicts: list[bool]) -> float:
    return 100 * sum(verdicts) / len(verdicts)
