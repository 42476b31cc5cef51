"""What every test of a whole call finds: a house in which nobody is calling."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from livekit.rtc._ffi_client import FfiClient

from tests.fixtures.house import House


@pytest.fixture(scope="session", autouse=True)
def _native_threads_end_in_time(house: House) -> Iterator[None]:
    """Stop LiveKit's threads before the house goes: one that calls Python at its exit aborts it."""
    yield
    # As its own exit handler does, which is too late by some milliseconds.
    FfiClient.instance._dispose()


@pytest.fixture(autouse=True)
def an_empty_house(house: House) -> Iterator[None]:
    """End what a test has left, so that its failure is not also that of the next test."""
    yield
    house.end_all()
