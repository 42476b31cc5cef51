"""A bridge that answers each question with itself: ``python -m tests.support.bridging``.

All but the answer is what `switchboard bridge` does, so a test can kill it in the middle.
"""

from __future__ import annotations

from sessions.logs import configure_logging
from sessions.settings import get_settings
from tests.support.kafka import echo
from workers.kafka.bridge import Bridge
from workers.kafka.command import until_told_to_end

if __name__ == "__main__":
    configure_logging(get_settings())
    Bridge(get_settings(), echo).run(until_told_to_end())
