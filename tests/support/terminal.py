"""How does a test sit at a terminal? A command in a pseudo terminal, and what its screen shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

WIDTH, HEIGHT = 100, 40
_PATIENCE_SECONDS = 30.0
_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|[^\x1b]")


@dataclass
class Terminal:
    """A terminal and the command that runs in it."""

    process: subprocess.Popen[bytes]
    master: int
    received: bytes = field(default=b"")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def wait_for(self, text: str, *, last: bool = False) -> list[str]:
        """Wait until the screen shows ``text``, as its last line or in any; return its lines."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._shows(text, last=last):
            assert time.monotonic() < deadline, f"{text!r} is not on\n{self._shown()}"
            assert self._read(0.1), f"the command ended without {text!r}:\n{self._shown()}"
        return self.screen()

    def ever_showed(self, text: str) -> bool:
        """Tell whether ``text`` was written at any time, gone from the screen or not."""
        return text in self.received.decode(errors="replace")

    def wait_for_end(self, within: float = _PATIENCE_SECONDS) -> int:
        """Wait until the command has ended, and return its exit status."""
        deadline = time.monotonic() + within
        while self._read(0.1):
            assert time.monotonic() < deadline, f"the command does not end:\n{self._shown()}"
        return self.process.wait(within)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def screen(self) -> list[str]:
        """Return the lines that are to be seen, as far as they are not empty."""
        return [line for line in draw(self.received.decode(errors="replace")) if line]

    def _shows(self, text: str, *, last: bool) -> bool:
        lines = self.screen()
        return lines[-1:] == [text] if last else any(text in line for line in lines)

    def _read(self, within: float) -> bool:
        """Take in what comes; tell whether more may come."""
        readable, _, _ = select.select([self.master], [], [], within)
        if not readable:
            return self.process.poll() is None
        with contextlib.suppress(OSError):
            content = os.read(self.master, 65_536)
            self.received += content
            return bool(content)
        return False

    def _shown(self) -> str:
        return "\n".join(self.screen())


def draw(text: str) -> list[str]:
    """Return the lines of a terminal that was sent ``text``."""
    screen = _Screen()
    for found in _SEQUENCE.finditer(text):
        if found.group(2):
            screen.obey(found.group(2), int(found.group(1)) if found.group(1).isdigit() else 1)
        else:
            screen.put(found.group())
    return ["".join(row).rstrip() for row in screen.rows]


class _Screen:
    """As much of a terminal as our commands and readline ask for."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0

    def put(self, character: str) -> None:
        """Write a character, or move as a control character says."""
        match character:
            case "\r":
                self.column = 0
            case "\n":
                self.row += 1
            case "\b":
                self.column -= 1
            case _ if character.isprintable():
                self._write(character)
            case _:
                pass

    def obey(self, verb: str, count: int) -> None:
        """Do what an escape sequence says; styles are of no interest."""
        match verb:
            case "A":
                self.row -= min(count, self.row)
            case "C":
                self.column += count
            case "J":
                del self.rows[self.row + 1 :]
                self._clear_line()
            case "K":
                self._clear_line()
            case _:
                pass

    def _write(self, character: str) -> None:
        if self.column >= WIDTH:
            self.row, self.column = self.row + 1, 0
        self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]
        line = self.rows[self.row]
        line += [" "] * (self.column + 1 - len(line))
        line[self.column] = character
        self.column += 1

    def _clear_line(self) -> None:
        if self.row < len(self.rows):
            del self.rows[self.row][self.column :]


@contextmanager
def terminal(command: list[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command in a terminal of its own for a ``with`` block."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    size = {"TERM": "xterm", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)}
    process = subprocess.Popen(
        # So that Ctrl-C comes as a signal: the terminal must be the command's own.
        ["setsid", "--ctty", *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, **environment, **size},
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
