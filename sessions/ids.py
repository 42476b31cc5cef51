"""What is a session id, and which foreign ids may stand for one?

An id is ``session_<unix time>_<random>``. New ids carry milliseconds and 12 characters; the older
forms with microseconds or a shorter random part stay valid. An alias is a client's own name for a
session: it never becomes an id.
"""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH = 12
MAX_ID_LENGTH = 64
ALIAS_PATTERN = "[A-Za-z0-9._:-]{1,128}"
ALIAS_RULE = "must be 1 to 128 characters of [A-Za-z0-9._:-]"

_ID = re.compile(r"session_([0-9]{13}|[0-9]{16})_[0-9a-z]{6,32}", re.ASCII)
_ALIAS = re.compile(ALIAS_PATTERN, re.ASCII)
_YEAR_2020_MS = 1_577_836_800_000
_DAY_MS = 86_400_000
_MICROSECOND_DIGITS = 16


def new_session_id() -> str:
    """Make the id of a new session, for example ``session_1753590741399_k3f9a0z81qxe``."""
    # One draw for all characters: a draw for each asks the system twelve times.
    number, tail = secrets.randbelow(len(ALPHABET) ** RANDOM_LENGTH), ""
    for _ in range(RANDOM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        tail += ALPHABET[digit]
    return f"session_{time.time_ns() // 1_000_000}_{tail}"


def is_session_id(text: str) -> bool:
    """Tell whether ``text`` is a well-formed session id made between 2020 and tomorrow."""
    match = _ID.fullmatch(text)
    if match is None or len(text) > MAX_ID_LENGTH:
        return False
    made = _milliseconds(match[1])
    return _YEAR_2020_MS <= made <= time.time() * 1000 + _DAY_MS


def is_alias(text: str) -> bool:
    """Tell whether ``text`` can be an alias: 1 to 128 characters of ``[A-Za-z0-9._:-]``."""
    return _ALIAS.fullmatch(text) is not None


def made_at(session_id: str) -> int:
    """Return when a session id was made, in Unix milliseconds."""
    return _milliseconds(session_id.split("_")[1])


def _milliseconds(digits: str) -> int:
    return int(digits) // 1000 if len(digits) == _MICROSECOND_DIGITS else int(digits)
