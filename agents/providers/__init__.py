"""Who hears, speaks and thinks for an agent, and who stands in where one fails in a call?"""

from __future__ import annotations

from agents.providers.clients import Clients, build_clients
from agents.providers.hearing import make_stt_plugin, make_transcriber
from agents.providers.speaking import make_tts
from agents.providers.thinking import Thinker, context_of, make_llm
from agents.providers.trouble import Trouble, describe

__all__ = [
    "Clients",
    "Thinker",
    "Trouble",
    "build_clients",
    "context_of",
    "describe",
    "make_llm",
    "make_stt_plugin",
    "make_transcriber",
    "make_tts",
]
