"""How does a test let time pass? By hand."""

from __future__ import annotations


class HandClock:
    """A clock in Unix milliseconds that stands still until it is moved."""

    def __init__(self, at: int = 1_753_590_741_399) -> None:
        self._at = at

    def __call__(self) -> int:
        return self._at

    def forward(self, milliseconds: int) -> None:
        """Let so much time pass."""
        self._at += milliseconds
