"""A LiveKit plugin as one installs them: it speaks and thinks, wants a key, and cannot hear."""

from __future__ import annotations

import os

from livekit.plugins import openai

__all__ = ["LLM", "TTS"]


class TTS(openai.TTS):
    """Speech whose voices are called ids, as with some providers."""

    def __init__(self, *, voice_id: str, model: str = "scripted", api_key: str = "") -> None:
        super().__init__(
            base_url=os.environ["SCRIPTED_URL"],
            api_key=_key(api_key),
            model=model,
            voice=voice_id,
            response_format="pcm",
        )


class LLM(openai.LLM):
    """Thinking."""

    def __init__(self, *, model: str = "scripted", api_key: str = "") -> None:
        super().__init__(base_url=os.environ["SCRIPTED_URL"], api_key=_key(api_key), model=model)


def _key(given: str) -> str:
    key = given or os.environ.get("SCRIPTED_API_KEY")
    if not key:
        raise ValueError("an API key is needed, as argument or as SCRIPTED_API_KEY.")
    return key
