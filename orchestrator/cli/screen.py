"""How are events shown as they come: on a terminal, in a pipe, and to a program?

What is finished stays. On a terminal, what is not finished yet (a sentence that is still being
said, what the agent is doing) stands below it and is redrawn in place; below that, perhaps, what
somebody is typing.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import click

from orchestrator.cli.narration import Line, said
from orchestrator.cli.output import print_line

if TYPE_CHECKING:
    from rich.console import Console

Event = Mapping[str, Any]
Tell = Callable[[Event], list[Line]]
"""Returns the lines in which a finished event is told; none if it says nothing."""


class Screen(Protocol):
    """Where a conversation is shown."""

    def show(self, event: Event) -> None:
        """Show an event."""
        ...

    def close(self) -> None:
        """Leave only what is finished."""
        ...


def make_screen(tell: Tell, *, as_json: bool) -> Screen:
    """Return the screen for where the output of this process goes."""
    if as_json:
        return JsonScreen()
    return TerminalScreen(tell) if sys.stdout.isatty() else PlainScreen(tell)


class SilentScreen:
    """Nothing at all."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class JsonScreen:
    """One event a line."""

    def show(self, event: Event) -> None:
        """Print an event."""
        click.echo(json.dumps(event, ensure_ascii=False))

    def close(self) -> None:
        """Do nothing: every line is finished."""


class PlainScreen:
    """Lines that are finished, and nothing else."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def show(self, event: Event) -> None:
        """Print what an event has to say."""
        if is_unfinished(event):
            return
        for line in self._tell(event):
            print_line(*line)

    def close(self) -> None:
        """Do nothing: every line is finished."""


class TerminalScreen:
    """Finished lines, and below them what is not finished; for several threads."""

    def __init__(self, tell: Tell) -> None:
        from rich.console import Console

        self._tell = tell
        self._console: Console = Console(highlight=False)
        self._lock = threading.RLock()
        self._unfinished: dict[str, str] = {}
        self._drawn = 0
        self._typed: Callable[[], str] | None = None

    def show(self, event: Event) -> None:
        """Take an event in and draw anew what is not finished."""
        with self._lock:
            lines = self._take(event)
            self._erase()
            for line in lines:
                print_line(*line)
            self._draw()

    def read(self, prompt: str) -> str:
        """Let somebody type a line below everything, and take it away when it is finished.

        What was typed is told by the event that it makes. Raises ``EOFError`` at the end of input.
        """
        import readline

        line: str | None = None
        # Not before: what is drawn must not have the prompt twice.
        readline.set_pre_input_hook(
            lambda: self._expect(lambda: prompt + readline.get_line_buffer())
        )
        try:
            line = input(prompt)
            return line
        finally:
            with self._lock:
                self._typed = None
                # The key that finishes a line moves on to the next one.
                self._erase(self._rows(prompt + line) if line is not None else 0)
                self._draw()

    def _expect(self, typed: Callable[[], str]) -> None:
        with self._lock:
            self._typed = typed

    def close(self) -> None:
        """Leave only what is finished."""
        with self._lock:
            self._unfinished.clear()
            self._erase()

    def _take(self, event: Event) -> list[Line]:
        """Take note of what is not finished; return the lines of what is."""
        kind, data = event["type"], event.get("data", {})
        if kind == "agent_state":
            self._unfinished.pop("state", None)
            if data.get("state") != "listening":
                self._unfinished["state"] = f"({data.get('state')})"
            return []
        if is_unfinished(event):
            self._unfinished[data["speaker"]] = said(data)
            return []
        if kind == "transcript":
            self._unfinished.pop(data["speaker"], None)
        if kind == "session_ended":
            self._unfinished.clear()
        return self._tell(event)

    def _erase(self, below: int = 0) -> None:
        """Clear what is not finished; the cursor is ``below`` rows under it."""
        rows = self._drawn + below
        if self._typed is not None:
            rows += self._rows(self._typed()) - 1
        up = f"\x1b[{rows}A" if rows else ""
        self._write(f"\r{up}\x1b[J")
        self._drawn = 0

    def _draw(self) -> None:
        from rich.text import Text

        for text in self._unfinished.values():
            self._console.print(Text(self._end_of(text), "dim"), no_wrap=True, crop=True)
        self._drawn = len(self._unfinished)
        if self._typed is not None:
            self._write(self._typed())

    def _end_of(self, text: str) -> str:
        """Return as much of the end of ``text`` as fits on a line."""
        from rich.cells import cell_len, chop_cells

        room = self._console.width - 1
        return text if cell_len(text) <= room else "…" + chop_cells(text[::-1], room - 1)[0][::-1]

    def _rows(self, text: str) -> int:
        from rich.cells import cell_len

        return cell_len(text) // self._console.width + 1

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def is_unfinished(event: Event) -> bool:
    """Tell whether an event is a sentence that is still being said."""
    return event["type"] == "transcript" and not event["data"].get("final")
