"""What does an agent say that takes a call over, and what does it still have to answer?"""

from __future__ import annotations

from typing import Any

import pytest

from agents.voice.resuming import is_asked_again, resuming_line, unanswered
from agents.voice.topics import in_their_words, topic
from sessions.history import Turn
from sessions.settings import Settings

TEMPLATE = Settings.model_fields["recovery_line"].default


def agent(text: str, **more: Any) -> Turn:
    return Turn("assistant", text, 0, 1, **more)


def caller(text: str, **more: Any) -> Turn:
    return Turn("user", text, 0, 1, **more)


def written(turn: Turn) -> Turn:
    return Turn(turn.role, turn.text, 0, 1, question="q1")


HELLO = agent("Hello, how can I help you?")
HOURS = caller("What are your opening hours?")
ANSWER = agent("We open at nine.")
SORRY = agent("Sorry, I was cut off.", resuming=True)


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        ("What are your opening hours?", "our opening hours"),
        ("Hi, um, can you tell me what your opening hours are?", "what our opening hours are"),
        ("Where is your shop?", "where our shop is"),
        ("What does it cost to rent a bicycle?", "what it costs to rent a bicycle"),
        ("How much is a new tyre?", "the price of a new tyre"),
        ("I have a question about bicycle rental.", "bicycle rental"),
        ("I would like to know everything about your warranty.", "our warranty"),
        ("Do you repair bikes on Sundays, please?", "whether we repair bikes on Sundays"),
        ("Can I bring my dog to your shop?", "whether you can bring your dog to our shop"),
        ("My bike is broken. What can I do?", "what you can do"),
        ("Is there a discount for students?", "a discount for students"),
        ("How long does a repair take?", "how long a repair takes"),
        ("What is included in the service?", "this: What is included in the service?"),
        ("I would like to rent a bicycle.", "whether you can rent a bicycle"),
        (
            "What time do you open and what time do you close?",
            "this: What time do you open and what time do you close?",
        ),
        ("What is {topic}?", "this: What is {topic}?"),
        ("My card number is 4111 1111 1111 1111.", ""),
        ("I am Anna Smith, and that was wrong.", ""),
        ("When are you open?", "when we are open"),
        ("Are you open on Sundays?", "whether we are open on Sundays"),
        ("Where are you?", "where we are"),
        ("Do I need a helmet?", "whether you need a helmet"),
        ("How are you today?", ""),
        ("Hello? Can you hear me?", ""),
        ("Sorry, what did you say?", ""),
        ("And why?", ""),
        ("Hello?", ""),
        ("Yes.", ""),
        ("  \n ", ""),
    ],
)
def test_topic_when_something_is_asked_then_follows_about(asked: str, about: str) -> None:
    assert topic(asked) == about


def test_words_when_there_are_many_then_are_cut_short() -> None:
    long = "I went to town " + "and on and on " * 200 + "where is it?"
    assert len(in_their_words(long).split()) <= 15
    assert topic(long).endswith("…")
    assert resuming_line(TEMPLATE, [caller(long)], "en").endswith("…")


def test_words_when_the_language_is_another_then_are_the_callers_own() -> None:
    template = "Entschuldigung, ich war kurz weg. Sie fragten: {question}"
    history = [HELLO, caller("Guten Tag. Wo ist Ihr Laden?")]
    line = "Entschuldigung, ich war kurz weg. Sie fragten: Wo ist Ihr Laden?"
    assert resuming_line(template, history, "de") == line
    assert resuming_line("Es ging um {topic}.", history, "de") == "Es ging um Wo ist Ihr Laden?"
    assert resuming_line(template, [HELLO], "de") == "Entschuldigung, ich war kurz weg."


@pytest.mark.parametrize(
    ("history", "line"),
    [
        ([], "Sorry, I was cut off."),
        ([HELLO], "Sorry, I was cut off."),
        ([HELLO, caller("Hello?")], "Sorry, I was cut off."),
        ([HELLO, HOURS], "Sorry, I was cut off. You were asking about our opening hours."),
        (
            [HELLO, HOURS, ANSWER, caller("Thank you.")],
            "Sorry, I was cut off. You were asking about our opening hours.",
        ),
        (
            [HELLO, caller("What is included in the service?")],
            "Sorry, I was cut off. You were asking about this: What is included in the service?",
        ),
        ([HOURS, ANSWER, caller("And where is", cut_off=True)], "Sorry, I was cut off."),
    ],
)
def test_line_when_an_agent_takes_over_then_fits_what_was_said(
    history: list[Turn], line: str
) -> None:
    assert resuming_line(TEMPLATE, history, "en-GB") == line


def test_line_when_set_to_nothing_then_nothing_is_said() -> None:
    assert resuming_line("", [HOURS], "en") == ""
    assert resuming_line("Back to {topic}.", [], "en") == ""


@pytest.mark.parametrize(
    ("history", "owed"),
    [
        ([], None),
        ([HELLO], None),
        ([HELLO, HOURS], HOURS),
        ([HELLO, HOURS, ANSWER], None),
        ([HELLO, HOURS, agent("We open", cut_off=True)], HOURS),
        ([HELLO, HOURS, agent("We open", interrupted=True)], None),
        ([HELLO, HOURS, SORRY], HOURS),
        ([HELLO, HOURS, SORRY, agent("We", cut_off=True)], HOURS),
        ([HELLO, HOURS, SORRY, ANSWER], None),
        ([HELLO, written(HOURS)], None),
        ([HELLO, HOURS, written(caller("And in writing?")), written(ANSWER)], HOURS),
        ([HELLO, HOURS, ANSWER, caller("And where is", cut_off=True)], None),
    ],
)
def test_question_when_its_agent_was_lost_then_is_answered_by_the_next_unless_it_was(
    history: list[Turn], owed: Turn | None
) -> None:
    assert unanswered(history) == owed


def test_question_when_it_was_heard_to_its_end_and_no_further_then_is_answered() -> None:
    asked = caller("Where is your shop?", cut_off=True)
    assert unanswered([HELLO, asked]) == asked
    assert "where our shop is" in resuming_line(TEMPLATE, [HELLO, asked], "en")


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("What are your opening hours?", True),
        ("so what are your opening hours", True),
        ("Hello?", False),
        ("Can you hear me?", False),
        ("Where is your shop?", False),
        ("", False),
    ],
)
def test_question_when_something_is_said_after_it_then_is_asked_again_if_that_is_nearly_the_same(
    said: str, again: bool
) -> None:
    assert is_asked_again(HOURS.text, said) is again
