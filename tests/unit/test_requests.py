"""What may a caller ask for, and how is a wrong request answered?"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import InvalidRequestError
from sessions.requests import EndRequest, StartRequest, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=12,
)
fields = st.sampled_from([f.alias or n for n, f in StartRequest.model_fields.items()])


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": [value]} if levels > 100 else {"a": value}
    return value


def problems_of(content: object) -> dict[str, str | None]:
    with pytest.raises(InvalidRequestError) as caught:
        parse(StartRequest, content)
    assert all(problem.message for problem in caught.value.problems)
    return {problem.field: problem.nearest for problem in caught.value.problems}


def test_start_when_only_a_user_name_then_is_enough() -> None:
    request = parse(StartRequest, {"userName": "  Ada  "})
    assert request.user_name == "Ada"
    assert (request.language, request.channel) == ("en", "voice")
    assert (request.voice_id, request.agent, request.knowledge) == (None, None, None)
    assert request.metadata == {}


def test_start_when_every_field_is_given_then_keeps_them() -> None:
    request = parse(
        StartRequest,
        {
            "userName": "Ada Lovelace",
            "voiceId": "Craig",
            "openingLine": "Good day,\nAda – 你好.",
            "systemPrompt": "Be kind.\x07",
            "language": "pt-BR",
            "agent": "desk.2",
            "knowledge": "shop-faq",
            "maxDurationSeconds": 10,
            "metadata": {"order": 7, "list": [None, 1.5]},
            "correlationToken": "tab:1",
            "channel": "text",
        },
    )
    assert request.opening_line == "Good day,\nAda – 你好."
    assert (request.agent, request.knowledge) == ("desk.2", "shop-faq")
    assert (request.max_duration_seconds, request.correlation_token) == (10, "tab:1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userName", None),
        ("userName", ""),
        ("userName", "   "),
        ("userName", 5),
        ("userName", "x" * 129),
        ("userName", "a\x00b"),
        ("userName", "\ud800"),
        ("voiceId", 1),
        ("voiceId", ""),
        ("openingLine", "x" * 2001),
        ("openingLine", "a\x1bb"),
        ("openingLine", ["a"]),
        ("systemPrompt", "x" * 20_001),
        ("systemPrompt", {}),
        ("language", "english please"),
        ("language", "e"),
        ("language", "en\n"),
        ("language", None),
        ("agent", "../etc"),
        ("agent", ""),
        ("agent", "x" * 65),
        ("knowledge", "../etc"),
        ("maxDurationSeconds", 9),
        ("maxDurationSeconds", 14_001),
        ("maxDurationSeconds", 10.5),
        ("maxDurationSeconds", "soon"),
        ("maxDurationSeconds", True),
        ("metadata", []),
        ("metadata", {"a": "x" * 8192}),
        ("metadata", {"a": float("nan")}),
        ("metadata", {"a": float("inf")}),
        ("metadata", nested(33)),
        ("metadata", nested(2000)),
        ("correlationToken", ""),
        ("correlationToken", "a b"),
        ("correlationToken", "x" * 129),
        ("channel", "video"),
        ("channel", None),
    ],
)
def test_start_when_a_field_is_wrong_then_names_it(field: str, value: object) -> None:
    assert problems_of({"userName": "Ada", field: value}) == {field: None}


def test_start_when_metadata_is_as_deep_as_allowed_then_is_accepted_and_digested() -> None:
    request = parse(StartRequest, {"userName": "Ada", "metadata": nested(32)})
    assert len(request.fingerprint()) == 64


def test_start_when_several_fields_are_wrong_then_names_all() -> None:
    assert set(problems_of({"agent": "/", "language": "?"})) == {"userName", "agent", "language"}


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("username", "userName"),
        ("user_name", "userName"),
        ("voice", "voiceId"),
        ("openingline", "openingLine"),
        ("system_prompt", "systemPrompt"),
        ("maxDuration", "maxDurationSeconds"),
        ("zzz", None),
    ],
)
def test_start_when_a_field_is_unknown_then_tells_the_nearest(
    unknown: str, nearest: str | None
) -> None:
    assert problems_of({"userName": "Ada", unknown: "x"}) == {unknown: nearest}


@pytest.mark.parametrize("content", [None, [], "text", 5, True])
def test_body_when_not_an_object_then_says_so(content: object) -> None:
    assert problems_of(content) == {"body": None}


def test_end_when_right_or_wrong_then_reads_it_or_names_the_field() -> None:
    assert parse(EndRequest, {"sessionId": "session-abc-123"}).session_id == "session-abc-123"
    for content in ({}, {"sessionId": ""}, {"sessionId": "x" * 129}, {"sessionId": 1}):
        with pytest.raises(InvalidRequestError) as caught:
            parse(EndRequest, content)
        assert [problem.field for problem in caught.value.problems] == ["sessionId"]


def test_fingerprint_when_the_request_means_the_same_then_is_the_same() -> None:
    first = parse(StartRequest, {"userName": "Ada", "metadata": {"a": 1, "b": 2}})
    same = parse(
        StartRequest,
        {"metadata": {"b": 2, "a": 1}, "userName": "Ada", "correlationToken": "x"},
    )
    other = parse(StartRequest, {"userName": "Ada", "metadata": {"a": 1, "b": 3}})
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()


@given(st.dictionaries(fields | st.text(max_size=10), json_values, max_size=6))
def test_any_json_when_parsed_then_is_a_request_or_a_list_of_problems(
    content: dict[str, Any],
) -> None:
    # Anything but a request or this error would be a crash of the server.
    with contextlib.suppress(InvalidRequestError):
        assert len(parse(StartRequest, content).fingerprint()) == 64
