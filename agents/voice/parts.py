"""Of what is the agent of one call put together: who hears, thinks and speaks for it?"""

from __future__ import annotations

from dataclasses import dataclass

from livekit.agents import AgentSession, llm, stt, tts, vad

from agents.providers import make_llm, make_stt_plugin, make_transcriber, make_tts
from agents.voice.hearing import Hearing
from agents.voice.pacing import Pace
from agents.voice.script import Script
from agents.voice.thinking import Thinking
from agents.voice.troubles import Troubles
from agents.voice.turns import turn_handling
from agents.voice.warmth import Prepared, Warm
from sessions.agents import ASSISTANT
from sessions.models import SessionConfig
from sessions.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The models of one call."""

    vad: vad.VAD
    stt: stt.STT
    llm: llm.LLM
    tts: tts.TTS

    def session(self, settings: Settings, script: Script) -> AgentSession[None]:
        """Put them together; ``script`` is to hold what they say."""
        session: AgentSession[None] = AgentSession(
            vad=self.vad,
            stt=self.stt,
            llm=self.llm,
            tts=self.tts,
            turn_handling=turn_handling(settings),
            tts_text_transforms=["filter_markdown", "filter_emoji", script.follow],
            user_away_timeout=None,
            aec_warmup_duration=None,
            # Who hangs up in the middle of a word is not waited for.
            session_close_transcript_timeout=0,
        )
        if isinstance(self.stt, Hearing):
            self.stt.agent_talks = lambda: session.current_speech is not None
        return session


def make_parts(config: SessionConfig, settings: Settings, warm: Warm, troubles: Troubles) -> Parts:
    """Return what the call that ``config`` describes is made of.

    Raises:
        UnknownVoiceError: the voice is not in the catalogue.
        ConfigurationError: the catalogue has no name for it at the configured provider.
    """
    clients = warm.prepared.clients
    return Parts(
        vad=warm.vad,
        stt=make_stt_plugin(settings, clients, warm.vad, troubles, config.language)
        or Hearing(
            make_transcriber(settings, clients, troubles),
            warm.vad,
            Pace(settings),
            config.language,
        ),
        llm=_make_llm(config, settings, warm.prepared, troubles),
        tts=make_tts(settings, clients, config.voice_id, troubles),
    )


def _make_llm(
    config: SessionConfig, settings: Settings, prepared: Prepared, troubles: Troubles
) -> llm.LLM:
    model = make_llm(settings, prepared.clients, troubles)
    if model is not None and config.agent != ASSISTANT:
        return model  # an agent of somebody's own has instructions of its own.
    return Thinking(
        prepared.answerer,
        config,
        lambda message: prepared.intents.task_type_of(message, prepared.embedder),
        model,
        troubles.not_looked_up,
        settings.provider_stall_seconds,
    )
