"""What every test with a browser finds: a house in which nobody is calling, if it asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.house import House
from tests.fixtures.http import make_key, production

__all__ = ["make_key", "production"]


@pytest.fixture(autouse=True)
def an_empty_house(request: pytest.FixtureRequest) -> Iterator[None]:
    """End what a test has left, so that its failure is not also that of the next test."""
    if "house" not in request.fixturenames:
        yield
        return
    house: House = request.getfixturevalue("house")
    yield
    house.end_all()
