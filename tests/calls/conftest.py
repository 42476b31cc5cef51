"""What every test of a whole call finds: a house in which nobody is calling."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.house import House


@pytest.fixture(autouse=True)
def an_empty_house(house: House) -> Iterator[None]:
    """End what a test has left, so that its failure is not also that of the next test."""
    yield
    house.end_all()
