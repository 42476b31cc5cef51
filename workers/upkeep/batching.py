"""How does a job look through more than fits into one round trip?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

BATCH = 500


def batches(items: Iterator[str]) -> Iterator[list[str]]:
    """Yield the items in lists of at most ``BATCH``."""
    while batch := list(islice(items, BATCH)):
        yield batch
