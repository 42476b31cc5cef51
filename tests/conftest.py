"""The fixtures of all tests; each module of `tests/fixtures` is one part of the house."""

from __future__ import annotations

import os

from tests.support.settings import PREFIX

pytest_plugins = ["tests.fixtures.redis"]

# What is set on this machine must not decide what a test sees.
for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]
