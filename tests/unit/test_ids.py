"""What is a session id, and what may stand for one?"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.directory import check_reference
from sessions.errors import InvalidIdError
from sessions.ids import is_alias, is_session_id, new_session_id

DAY = 86_400


def at(seconds: float, digits: int = 13) -> str:
    """Return an id made at a moment, in milliseconds (13 digits) or microseconds (16)."""
    return f"session_{int(seconds * 10 ** (digits - 10))}_abc123"


def test_new_id_when_made_then_has_the_documented_form() -> None:
    before = time.time_ns() // 1_000_000
    session_id = new_session_id()
    assert re.fullmatch(r"session_\d{13}_[0-9a-z]{12}", session_id)
    assert before <= int(session_id.split("_")[1]) <= time.time_ns() // 1_000_000
    assert is_session_id(session_id)


def test_new_ids_when_made_in_one_millisecond_then_differ() -> None:
    assert len({new_session_id() for _ in range(2000)}) == 2000


@pytest.mark.parametrize(
    "session_id",
    [
        "session_1753590741399040_5cc15fe6",
        "session_1753590741399_qlgq6cfjw",
        "session_1753590741399_k3f9a0z81qxe",
        "session_1753590741399_abc123",
        "session_1753590741399040_" + "z" * 32,
    ],
)
def test_id_when_of_any_form_ever_made_then_is_valid(session_id: str) -> None:
    assert is_session_id(session_id)
    assert check_reference(session_id) == session_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "session_",
        "session_1753590741399",
        "session_1753590741399_",
        "session_1753590741399_abc12",
        "session_1753590741399_" + "a" * 33,
        "session_1753590741399_ABCDEF",
        "session_1753590741399_abc-12",
        "session_1753590741399_abc123\n",
        " session_1753590741399_abc123",
        "session_1753590741399_abc123_x",
        "session_175359074139_abc123",
        "session_17535907413990_abc123",
        "session_17535907413990400_abc123",
        "session_１753590741399_abc123",
        "session_1753590741399_abcdeé",
        "Session_1753590741399_abc123",
        "session-1753590741399-abc123",
        "session_0000000000000_abc123",
        "session_9999999999999_abc123",
    ],
)
def test_id_when_malformed_then_is_refused(text: str) -> None:
    assert not is_session_id(text)
    with pytest.raises(InvalidIdError):
        check_reference(text)


@pytest.mark.parametrize("digits", [13, 16])
def test_id_when_older_than_2020_or_of_tomorrow_then_is_refused(digits: int) -> None:
    assert is_session_id(at(1_577_836_800, digits))
    assert not is_session_id(at(1_577_836_799, digits))
    assert is_session_id(at(time.time() + DAY - 60, digits))
    assert not is_session_id(at(time.time() + DAY + 60, digits))


def test_malformed_id_when_long_then_the_message_stays_short() -> None:
    with pytest.raises(InvalidIdError) as caught:
        check_reference("x" * 100_000)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=80))
def test_any_text_when_accepted_then_keeps_to_the_rules(text: str) -> None:
    if is_session_id(text):
        assert 20 <= len(text) <= 64
        assert text.isascii()
    if is_alias(text):
        assert 1 <= len(text) <= 128


@given(
    st.from_regex(r"session_([0-9]{13}|[0-9]{16})_[0-9a-z]{6,32}", fullmatch=True),
    st.data(),
)
def test_id_when_one_character_goes_wrong_then_is_refused(session_id: str, data: st.DataObject):
    place = data.draw(st.integers(0, len(session_id) - 1))
    wrong = data.draw(st.sampled_from("A-é \n."))
    assert not is_session_id(session_id[:place] + wrong + session_id[place + 1 :])


@pytest.mark.parametrize("text", ["a", "session-abc-123", "A.b_c:d-9", "x" * 128, "session_1_a"])
def test_alias_when_of_the_allowed_characters_then_is_valid(text: str) -> None:
    assert is_alias(text)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", "a/b", "é", "a\n", "a\x00", "*"])
def test_alias_when_of_other_characters_then_is_refused(text: str) -> None:
    assert not is_alias(text)
