"""How does a test wait for what happens elsewhere? It asks again until it is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_STEP = 0.05


def eventually(
    check: Callable[[], T], within: float = 30.0, what: str = "", step: float = _STEP
) -> T:
    """Return the first truthy answer of ``check``; fail after ``within`` seconds without one.

    A check may also ``assert``: that it fails means "not yet". Any other error ends the wait.
    """
    deadline = time.monotonic() + within
    while True:
        failure: AssertionError | None = None
        answer: object = None
        try:
            answer = value = check()
            if answer:
                return value
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            wanted = what or getattr(check, "__qualname__", "it")
            last = failure or f"the last answer was {answer!r}"
            raise AssertionError(f"Not within {within:g} s: {wanted} ({last})") from failure
        time.sleep(step)
