"""How is a row of a table said in words?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.knowledge.sentences import ended


def spoken_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Return a line for each row: the first cell, then each other one after its heading."""
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        names = [*head, *[""] * len(cells)]
        # A table of two columns pairs a thing with its value; the heading would only be in the way.
        named = len(cells) > 2
        rest = [f"{n} {c}".strip() if named else c for n, c in zip(names, cells, strict=False) if c]
        if not rest:
            continue
        first = cells[0]
        line = ", ".join(rest[1:]) if first else ", ".join(rest)
        yield ended(f"{first}: {line}" if first and line else first or line)
