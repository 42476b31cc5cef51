"""How is a browser started that keeps to this machine and speaks what a file says?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # refuses to run as root, as in a container.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-lcd-text",  # coloured edges make pictures large, and differ from screen to screen.
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def find_chromium() -> str | None:
    """Return the command of the browser: the one that CHROMIUM names, else the PATH's own."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def chromium(microphone: Path) -> Iterator[Browser]:
    """Run a browser for a ``with`` block; its microphone is the WAV file ``microphone``.

    The file is read anew by each page that begins to listen. Nobody may call ``asyncio.run`` in
    this thread meanwhile: playwright's own loop runs in it.
    """
    command = find_chromium()
    assert command is not None, "There is no Chromium here."
    with sync_playwright() as playwright:
        flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
        browser = playwright.chromium.launch(executable_path=command, args=flags)
        try:
            yield browser
        finally:
            browser.close()
