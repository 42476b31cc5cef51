"""The fixtures of all tests; each module of `tests/fixtures` is one part of the house."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import hypothesis
import pytest

from tests.support.settings import PREFIX

pytest_plugins = [
    "tests.fixtures.redis",
    "tests.fixtures.livekit",
    "tests.fixtures.inference",
    "tests.fixtures.postgres",
    "tests.fixtures.kafka",
    "tests.fixtures.web",
    "tests.fixtures.house",
    "tests.fixtures.browser",
]

# What is set on this machine must not decide what a test sees.
for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]

# The commands that tests start are those of the environment that runs the tests.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# A busy machine is no failure, and CI must find today what it found yesterday.
hypothesis.settings.register_profile(
    "house", deadline=None, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.load_profile("house")

_LONG = ("calls", "browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the work: long files first, those that compute among those that wait.

    A long one at the end would have the others wait for it.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int]:
    kind, file = item.path.parent.name, item.path.name
    rank = 0 if kind in _LONG else 1 if kind == "integration" else 2
    return rank, zlib.crc32(file.encode())
