"""How does a job look through more than fits into one round trip?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

BATCH = 500

T = TypeVar("T")


def batches(items: Iterator[T]) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``BATCH``."""
    while batch := list(islice(items, BATCH)):
        yield batch
