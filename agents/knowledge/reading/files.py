"""Which files does somebody mean, and what stands in them?

What cannot be read is named with the reason and left out; the rest is read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.knowledge.passages import Passage, Section, answers_of, passages_of
from agents.knowledge.reading.html import read_html
from agents.knowledge.reading.markdown import read_markdown
from agents.knowledge.reading.pairs import Pair, read_csv, read_json
from agents.knowledge.reading.pdf import read_pdf
from agents.knowledge.reading.plain import read_text
from agents.knowledge.reading.unreadable import UnreadableFileError

MOST_BYTES = 20 * 2**20
MOST_FILES = 20_000
_LONGEST_PATH = 500
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What names can hold on a disk, and neither databases nor terminals take."""

_PROSE: dict[str, Callable[[str], Sequence[Section]]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".html": read_html,
    ".htm": read_html,
}
_PAIRS: dict[str, Callable[[str], Sequence[Pair]]] = {".csv": read_csv, ".json": read_json}
EXTENSIONS = (*_PROSE, ".pdf", *_PAIRS)


@dataclass(slots=True)
class Reading:
    """What was read: passages by the file's name in the base; and what was left out, and why."""

    files: dict[str, list[Passage]] = field(default_factory=dict[str, list[Passage]])
    skipped: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def passages(self) -> list[Passage]:
        """Return all passages, file by file."""
        return [passage for passages in self.files.values() for passage in passages]


def read_paths(paths: Iterable[Path]) -> Reading:
    """Read files and folders. A file of a folder is named from that folder on: `docs/a/b.md`."""
    reading = Reading()
    for path in paths:
        if path.is_dir():
            top = path.resolve()
            for found in _walk(top):
                _read_into(reading, found, str(found.relative_to(top.parent)))
        else:
            _read_into(reading, path, path.name)
    return reading


def read_folder(folder: Path) -> Reading:
    """Read a folder whose files are named without it."""
    reading = Reading()
    for found in _walk(folder):
        _read_into(reading, found, str(found.relative_to(folder)))
    return reading


def _walk(top: Path) -> Iterator[Path]:
    """Return the files below a folder in order; what is hidden and what links point to is not."""
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if not name.startswith((".", "__pycache__")))
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))


def _read_into(reading: Reading, path: Path, found: str) -> None:
    name = _UNWRITABLE.sub(lambda character: ascii(character[0])[1:-1], found)
    try:
        if name != found:
            raise UnreadableFileError("has a name that cannot be written down")
        if name in reading.files:
            raise UnreadableFileError("has the same name as a file before it")
        if len(reading.files) >= MOST_FILES:
            raise UnreadableFileError(f"is too much: at most {MOST_FILES} files are read at once")
        passages = _read(path, name)
        if not passages:
            raise UnreadableFileError("holds no text")
        reading.files[name] = passages
    except UnreadableFileError as error:
        reading.skipped[name if name not in reading.files else str(path)] = str(error)
    except RecursionError:
        reading.skipped[name] = "is nested too deep"
    except OSError as error:
        reading.skipped[name] = f"cannot be opened ({error.strerror or type(error).__name__})"


def _read(path: Path, name: str) -> list[Passage]:
    about = path.stat()
    kind = path.suffix.lower()
    if kind not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise UnreadableFileError(f"is of no kind that is read: {known}")
    if len(name) > _LONGEST_PATH:
        raise UnreadableFileError(f"has a path of more than {_LONGEST_PATH} characters")
    if not stat.S_ISREG(about.st_mode):
        raise UnreadableFileError("is no file")
    size = about.st_size
    if size > MOST_BYTES:
        raise UnreadableFileError(f"has {size >> 20} MiB; at most {MOST_BYTES >> 20} are read")
    content = path.read_bytes()
    if kind == ".pdf":
        return list(passages_of(name, read_pdf(content)))
    text = _text(content)
    if kind in _PAIRS:
        return answers_of(name, _PAIRS[kind](text))
    return list(passages_of(name, _PROSE[kind](text)))


def _text(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 where the file says so itself."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"is not UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise UnreadableFileError("is not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
