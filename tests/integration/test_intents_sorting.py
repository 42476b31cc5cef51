"""Messages that were kept apart from the table find their type, and nobody waits for it."""

from __future__ import annotations

import time

import pytest

from sessions.questions import sorting
from sessions.questions.embeddings import Embedder
from sessions.questions.intents import Intents
from sessions.questions.sorting import Sorter
from tests.fixtures.inference import InferenceServer
from tests.support.settings import settings_with
from tests.support.stalled import stalled_server

GENERAL = (
    "When do you open on Sundays?",
    "How can I get a copy of my bill?",
    "I forgot my password",
    "Do you deliver to Norway?",
    "What happens if the device breaks after a year?",
    "can i pay with paypal",
    "my package is lost",
    "Do you have a monthly plan?",
    "I would like to know more about your service",
    "The app crashes when I open it",
    "Is there a trial period?",
    "How do I delete my account?",
    "where is your office",
    "What does the premium tier include?",
    "I need to change the date of my booking",
    "Which browsers are supported?",
    "qwertz uiop",
)
HANDOFF = (
    "Can I speak to a person?",
    "agent please",
    "I'd like to talk to someone real",
    "Get me a human",
    "put me through to support staff",
    "I want to speak to your boss",
    "this bot is useless, give me a real person",
    "could a colleague of yours phone me?",
    "transfer me to an operator",
    "I need to talk to a representative now",
    "human",
    "connect me to a live person",
)
SMALL_TALK = (
    "hi",
    "Hello, good afternoon",
    "how are you doing today?",
    "thanks a lot",
    "bye bye",
    "what's your name?",
    "you're great",
    "tell me something funny",
    "Good night!",
    "It is so sunny outside",
    "cheers",
    "nice talking to you",
)
KEPT_APART = {"general_info": GENERAL, "human_handoff": HANDOFF, "small_talk": SMALL_TALK}


def test_messages_when_kept_apart_from_the_table_then_nine_in_ten_are_sorted_right(
    inference: InferenceServer,
) -> None:
    settings = settings_with(inference_url=inference.url)
    intents, embedder = Intents.load(settings), Embedder(settings)
    sorted_as = {
        message: (task_type, intents.task_type_of(message, embedder))
        for task_type, messages in KEPT_APART.items()
        for message in messages
    }
    embedder.close()
    wrong = {message: was for message, (wanted, was) in sorted_as.items() if was != wanted}
    assert len(wrong) <= len(sorted_as) / 10, wrong


def test_message_when_embeddings_hang_then_it_is_general_soon_and_the_next_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sorting, "FIRST_PATIENCE_SECONDS", 2)
    with stalled_server() as url:
        sorter = Sorter(settings_with(inference_url=f"{url}/v1"))
        assert sorter.task_type_of("Hello") == "general_info"
        begun = time.monotonic()
        assert sorter.task_type_of("Hello") == "general_info"
        assert time.monotonic() - begun < 2
        sorter.close()


def test_message_when_embeddings_are_there_then_the_sorter_sorts(
    inference: InferenceServer,
) -> None:
    sorter = Sorter(settings_with(inference_url=inference.url))
    assert sorter.task_type_of("Hello") == "small_talk"
    assert sorter.task_type_of("Let me talk to a human.") == "human_handoff"
    sorter.close()
