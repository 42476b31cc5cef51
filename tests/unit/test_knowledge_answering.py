"""What does the house answer, with an LLM and without one, and when something is away?

The embeddings are scripted: a text is near to another as far as they share words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from agents.knowledge.answering import Answer, Answerer, Grounds, Question
from agents.knowledge.answers import REFUSAL
from agents.knowledge.finding import Finder
from agents.knowledge.passages import Passage
from sessions.errors import KnowledgeError, ProviderError
from sessions.questions.embeddings import Embedder
from sessions.questions.tasks import HUMAN_HANDOFF, SMALL_TALK, Utterance
from sessions.settings import Settings
from tests.fixtures.redis import MakeSettings
from tests.support.scripted_answers import cut, error, stalling, words
from tests.support.scripted_openai import CHAT, EMBEDDINGS, ScriptedOpenAI, scripted_openai

HOURS = Passage("hours.md", "Opening hours", "We open at nine and close at six.")
PARKING = Passage("visit.md", "Parking", "Cars wait behind the house.")
GARDEN = Passage("visit.md", "Garden", "Roses grow beside tall old trees.")
OPEN = Question("Opening hours: We open at nine and close when?", knowledge="shop")
UNKNOWN = Question("Whose motorcycle sings?", knowledge="shop")

MakeAnswerer = Callable[..., Answerer]


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with scripted_openai() as running:
        yield running


@pytest.fixture
def scripted(make_settings: MakeSettings, server: ScriptedOpenAI) -> Settings:
    return make_settings(embeddings_url=server.url, embeddings_model="words-1")


@pytest.fixture
def finder(scripted: Settings) -> Iterator[Finder]:
    made = Finder(scripted, Embedder(scripted))
    made.writer.add("shop", [HOURS, PARKING, GARDEN])
    yield made
    made.close()


@pytest.fixture
def make_answerer(
    make_settings: MakeSettings, server: ScriptedOpenAI, finder: Finder
) -> Iterator[MakeAnswerer]:
    made: list[Answerer] = []

    def make(**values: object) -> Answerer:
        own = {"embeddings_url": server.url, "embeddings_model": "words-1", **values}
        made.append(Answerer(make_settings(**own)))
        return made[-1]

    yield make
    for answerer in made:
        answerer.close()


@pytest.fixture
def answerer(make_answerer: MakeAnswerer) -> Answerer:
    """Whoever answers with passages alone."""
    return make_answerer()


@pytest.fixture
def thinker(make_answerer: MakeAnswerer, server: ScriptedOpenAI) -> Answerer:
    """Whoever has an LLM."""
    return make_answerer(llm_url=server.url, llm_model="m", provider_stall_seconds=0.5)


def test_question_when_a_passage_fits_then_is_answered_with_it(answerer: Answerer) -> None:
    assert answerer.answer(OPEN) == Answer(HOURS.text, ("hours.md > Opening hours",))


def test_question_when_nothing_fits_then_is_refused_honestly(answerer: Answerer) -> None:
    answer = answerer.answer(UNKNOWN)
    assert (answer.response, list(answer.sources)) == (REFUSAL, [])
    assert answer.requires_human_handoff
    assert "talk_to_human" in answer.suggested_actions


def test_question_when_it_leans_on_the_one_before_then_both_are_looked_up(
    answerer: Answerer,
) -> None:
    before = [Utterance(role="user", text="Do roses grow beside trees?")]
    alone = Question("And is there one?", knowledge="shop")
    leaning = Question("And is there one?", knowledge="shop", history=before)
    other = Question("Whose noisy motorcycle sings loudly at night?", "general_info", "shop")
    assert answerer.answer(alone).requires_human_handoff
    assert list(answerer.answer(leaning).sources) == ["visit.md > Garden"]
    assert answerer.answer(other).requires_human_handoff


def test_long_answer_when_given_then_ends_with_a_sentence(
    answerer: Answerer, finder: Finder
) -> None:
    long = " ".join(f"Sentence {number} says something of turtles." for number in range(40))
    finder.writer.add("long", [Passage("a.csv", "Turtles?", long, ("Turtles?",))])
    response = answerer.answer(Question("Turtles?", knowledge="long")).response
    assert len(response) <= 400
    assert response.endswith("turtles.")


def test_small_talk_and_handoff_when_there_is_no_llm_then_have_their_replies(
    answerer: Answerer,
) -> None:
    talk = answerer.answer(Question("Hi!", SMALL_TALK, "shop"))
    assert talk.response
    assert not talk.requires_human_handoff
    human = answerer.answer(Question("A person, please.", HUMAN_HANDOFF, "shop"))
    assert human.requires_human_handoff
    assert human.response != REFUSAL


def test_task_type_when_it_is_somebody_s_own_then_is_looked_up(answerer: Answerer) -> None:
    assert answerer.answer(Question(OPEN.message, "billing", "shop")).sources


def test_llm_when_it_answers_then_its_words_are_the_answer(
    thinker: Answerer, server: ScriptedOpenAI
) -> None:
    server.script(CHAT, words("From nine", " to six."))
    history = [Utterance(role="user", text="Hello."), Utterance(role="assistant", text="Hi.")]
    question = Question(
        OPEN.message, knowledge="shop", language="de", history=history, prompt="You are Bob."
    )
    answer = thinker.answer(question)
    assert answer.response == "From nine to six."
    assert answer.sources[0] == "hours.md > Opening hours"
    assert not answer.requires_human_handoff
    [asked] = server.asked(CHAT)
    system, *rest = asked.body["messages"]
    assert system["content"].startswith("You are Bob.")
    assert HOURS.text in system["content"]
    assert "de" in system["content"]
    assert [turn["content"] for turn in rest] == ["Hello.", "Hi.", OPEN.message]


def test_llm_when_it_cannot_answer_then_the_refusal_is_given(
    thinker: Answerer, server: ScriptedOpenAI
) -> None:
    server.script(CHAT, words("[NO_", "ANSWER]"))
    assert thinker.answer(OPEN) == Answer.refusal()


def test_llm_when_nothing_is_near_then_is_not_even_asked(
    thinker: Answerer, server: ScriptedOpenAI
) -> None:
    assert thinker.answer(UNKNOWN) == Answer.refusal()
    assert server.asked(CHAT) == []


@pytest.mark.parametrize(
    "failing",
    [
        error(500),
        stalling(words("From")),
        stalling(words("From", " nine"), after=2),
        cut(words("From", " nine"), after=2),
    ],
)
def test_llm_when_it_fails_then_the_best_passage_answers(
    thinker: Answerer, server: ScriptedOpenAI, failing: object
) -> None:
    server.script(CHAT, failing)  # pyright: ignore[reportArgumentType]
    assert thinker.answer(OPEN).response == HOURS.text


def test_llm_when_it_is_a_plugin_then_calls_have_grounds_and_chat_has_passages(
    make_answerer: MakeAnswerer,
) -> None:
    plugged = make_answerer(llm_plugin="anthropic")
    assert isinstance(plugged.prepare(OPEN), Grounds)
    assert plugged.answer(OPEN).response == HOURS.text


def test_small_talk_when_there_is_an_llm_then_is_worded_by_it(
    thinker: Answerer, server: ScriptedOpenAI
) -> None:
    server.script(CHAT, words("Hello yourself!"))
    answer = thinker.answer(Question("Hi!", SMALL_TALK, "shop", prompt="You are Bob."))
    assert (answer.response, list(answer.sources)) == ("Hello yourself!", [])
    server.script(CHAT, error(500))
    assert thinker.answer(Question("Hi!", SMALL_TALK, "shop")).response


def test_embeddings_when_away_then_is_a_provider_error(
    answerer: Answerer, server: ScriptedOpenAI
) -> None:
    server.script(EMBEDDINGS, error(500))
    with pytest.raises(ProviderError):
        answerer.prepare(OPEN)


def test_base_when_unknown_then_is_named_with_those_there_are(answerer: Answerer) -> None:
    with pytest.raises(KnowledgeError, match="no knowledge base nowhere; there are: shop"):
        answerer.prepare(Question("x", knowledge="nowhere"))


def test_base_when_made_with_another_model_then_says_to_add_again(
    make_answerer: MakeAnswerer, make_settings: MakeSettings, server: ScriptedOpenAI
) -> None:
    with pytest.raises(KnowledgeError, match=r"words-1.*words-2.*add its files again"):
        make_answerer(embeddings_model="words-2").prepare(OPEN)
    other = make_settings(embeddings_url=server.url, embeddings_model="words-2")
    finder = Finder(other, Embedder(other))
    with pytest.raises(KnowledgeError, match="words-2"):
        finder.writer.add("shop", [GARDEN])
    finder.close()


def test_database_when_it_is_not_migrated_then_says_what_to_run(
    make_answerer: MakeAnswerer, tmp_path: object
) -> None:
    with pytest.raises(KnowledgeError, match="switchboard migrate"):
        make_answerer(database_url=f"sqlite:///{tmp_path}/empty.db").prepare(OPEN)


def test_base_when_changed_then_the_next_question_knows(answerer: Answerer, finder: Finder) -> None:
    assert answerer.answer(OPEN).response == HOURS.text
    new = Passage("hours.md", "Opening hours", "We open at nine and close whenever we like.")
    finder.writer.add("shop", [new])
    assert answerer.answer(OPEN).response == new.text
    assert finder.storage.paths("shop") == ["hours.md", "visit.md"]


def test_change_when_embeddings_fail_then_nothing_has_changed(
    finder: Finder, server: ScriptedOpenAI
) -> None:
    before = finder.storage.find("shop")
    server.script(EMBEDDINGS, error(500))
    with pytest.raises(ProviderError):
        finder.writer.add("shop", [Passage("hours.md", "", "New."), GARDEN])
    assert finder.storage.find("shop") == before


def test_change_when_the_database_fails_then_nothing_has_changed(
    finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finder.storage.find("shop")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(finder.writer, "_settle", fail)
    with pytest.raises(RuntimeError):
        finder.writer.add("shop", [Passage("hours.md", "", "New.")])
    assert finder.storage.find("shop") == before
    assert finder.find(OPEN)[0].passage.text == HOURS.text


def test_sample_when_many_need_it_at_once_then_is_there_once(
    make_answerer: MakeAnswerer, finder: Finder
) -> None:
    answerers = [make_answerer() for _ in range(4)]
    gate = threading.Barrier(4)
    failed: list[Exception] = []

    def ask(answerer: Answerer) -> None:
        gate.wait(20)
        try:
            answerer.prepare(Question("Where can I park?"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says so.
            failed.append(error)

    threads = [threading.Thread(target=ask, args=[answerer]) for answerer in answerers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    info = finder.storage.find("sample")
    assert info is not None
    assert info.passages == len(set(finder.storage.vectors("sample").passage_ids))


def test_sample_when_what_ships_is_another_then_is_read_again(
    answerer: Answerer, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    answerer.preload(["sample", "nowhere"])
    first = finder.storage.find("sample")
    answerer.preload(["sample"])
    assert finder.storage.find("sample") == first
    monkeypatch.setattr("agents.knowledge.sample._digest", lambda: "another")
    answerer.preload(["sample"])
    second = finder.storage.find("sample")
    assert first is not None
    assert second is not None
    assert (second.digest, second.passages) == ("another", first.passages)
    assert second.stamp != first.stamp


def test_preload_when_others_ask_meanwhile_then_their_connections_stay_open(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Embedder] = []
    monkeypatch.setattr(Embedder, "close", closed.append)
    answerer.preload(["sample"])
    assert closed == []
