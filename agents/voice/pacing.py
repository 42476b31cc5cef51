"""How long may this caller be silent before they have finished?

Whoever has ended a sentence is answered soon; whoever stopped in the middle of one is waited for. A
caller who is cut off all the same, and goes on at once, is given more time from then on.
"""

from __future__ import annotations

from sessions.settings import Settings

_AHEAD_SECONDS = 0.064
"""A silence after which the caller may have finished: few pauses within sentences are as long."""

_SHOWN_EVERY_SECONDS = 1.8

_CUT_OFF_SECONDS = 0.7
_PATIENCE = 1.5
"""By how much longer whoever was cut off is waited for."""

_CLOSING = (".", "!", "?", "。", "！", "？")
_TRAILING = ("...", "…", "-.")
_LEADS_ON = frozenset({"and", "or", "but", "because", "if", "so", "the", "my", "your", "um", "uh"})


class Pace:
    """The pauses of one caller."""

    def __init__(self, settings: Settings) -> None:
        self._over = settings.turn_pause_seconds
        self._unfinished = max(settings.unfinished_pause_seconds, self._over)
        self._has_finished = False
        self._sees_marks = False

    def may_be_over(self, silence: float) -> bool:
        """Tell whether it is worth asking what was said."""
        return silence >= _AHEAD_SECONDS

    def is_worth_showing(self, spoken: float) -> bool:
        """Tell whether so much has been said that it should be shown."""
        return spoken >= _SHOWN_EVERY_SECONDS

    def is_over(self, silence: float, text: str) -> bool:
        """Tell whether a caller who has said ``text`` has finished."""
        is_over = silence >= (self._over if self._is_finished(text) else self._unfinished)
        self._has_finished = self._has_finished or (is_over and bool(text))
        return is_over

    def begins(self, silence: float) -> None:
        """Take note that the caller speaks again so long after they had finished."""
        if self._has_finished and silence < _CUT_OFF_SECONDS:
            self._over = min(self._over * _PATIENCE, self._unfinished)
        self._has_finished = False

    def _is_finished(self, text: str) -> bool:
        if not text:
            return True
        closed = text.endswith(_CLOSING)
        self._sees_marks = self._sees_marks or closed
        if text.endswith(_TRAILING) or not (closed or not self._sees_marks):
            return False
        return text.rstrip(".!?,").rpartition(" ")[2].lower() not in _LEADS_ON
