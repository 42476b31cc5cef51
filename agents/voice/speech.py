"""How is the agent's first sentence ready before the caller is?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from livekit import rtc
from livekit.agents import tts, utils


class Prefetched:
    """A sentence that is synthesised from now on, whether or not anybody listens yet."""

    def __init__(self, synthesis: tts.TTS, text: str) -> None:
        self.text = text
        self._frames: utils.aio.Chan[rtc.AudioFrame] = utils.aio.Chan()
        self._error: Exception | None = None
        self._task = asyncio.create_task(self._fetch(synthesis))

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        """Yield the sentence's audio as it becomes available.

        Raises:
            APIError: the provider failed.
        """
        async for frame in self._frames:
            yield frame
        if self._error is not None:
            raise self._error

    @property
    def error(self) -> Exception | None:
        """Return why the synthesis failed, if it has."""
        return self._error

    async def aclose(self) -> None:
        """Stop fetching."""
        await utils.aio.cancel_and_wait(self._task)

    async def _fetch(self, synthesis: tts.TTS) -> None:
        try:
            async with synthesis.synthesize(self.text) as stream:
                async for chunk in stream:
                    self._frames.send_nowait(chunk.frame)
        except Exception as error:  # noqa: BLE001 - handed to whoever plays the frames
            self._error = error
        finally:
            self._frames.close()
