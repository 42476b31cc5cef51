"""The fixtures of all tests; each module of `tests/fixtures` is one part of the house."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis

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
