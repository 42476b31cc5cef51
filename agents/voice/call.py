"""How does one call go, from the claim to the empty room?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import structlog
from livekit import rtc
from livekit.agents import AgentSession, utils
from livekit.agents.voice.room_io import (
    AudioInputOptions,
    RoomOptions,
    TextInputOptions,
    TextOutputOptions,
)

from agents.registry import make_agent
from agents.voice.briefing import Briefing, brief
from agents.voice.by_whip import hears_nothing, send_away_from_lost_agent
from agents.voice.conversation import Conversation
from agents.voice.ending import ConnectionLostError, Ender, Ending
from agents.voice.handing_over import HandingOver
from agents.voice.hearing import FRAME_MS, SAMPLE_RATE
from agents.voice.joining import RoomUnreachableError, join
from agents.voice.leaving import Leaving
from agents.voice.moments import Moments
from agents.voice.narrator import Narrator
from agents.voice.opening import Opening
from agents.voice.output import EarlyAudioOutput
from agents.voice.own_models import OwnModels
from agents.voice.ownership import keep_lease, obey
from agents.voice.parts import make_parts
from agents.voice.patience import until_redis_answers
from agents.voice.presence import Presence
from agents.voice.pulse import Pulse, die, die_without_memory, on_loop_error, watch_media
from agents.voice.reporter import Reporter
from agents.voice.script import Script
from agents.voice.troubles import Troubles
from agents.voice.typed import Typed
from agents.voice.warmth import Warm
from agents.voice.words import Words
from sessions.connections import REDIS_AWAY
from sessions.control import Order
from sessions.errors import ConfigurationError, StaleGenerationError, UnknownVoiceError
from sessions.metering import metering
from sessions.outcomes import Claim, Refusal
from sessions.rooms import CALLER_IDENTITY
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore

log = structlog.get_logger(__name__)


def run_call(claim: Claim, store: SessionStore, settings: Settings, warm: Warm) -> int | None:
    """Be the agent of a claimed session until the call is over; see ``Call``.

    Returns the generation that is to take the call over, if one is.
    """
    die_without_memory()
    with metering():
        return asyncio.run(Call(claim, store, settings, warm).run())


class Call:
    """One agent in one room.

    Whatever happens, the session is left ``ending`` with a reason, or to the agent that owns it.
    """

    def __init__(self, claim: Claim, store: SessionStore, settings: Settings, warm: Warm) -> None:
        self._claim = claim
        self._session = claim.session
        self._store = store
        self._settings = settings
        self._warm = warm
        self._leaving = Leaving(claim, store, settings)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int | None:
        """Live through the call and clean up after it; return who is to take it over, if any."""
        asyncio.get_running_loop().set_exception_handler(on_loop_error)
        self._reporter = Reporter(self._store, self._session.id, self._session.generation)
        self._ender = Ender()
        self._room = rtc.Room()
        self._script = Script()
        self._output = EarlyAudioOutput(self._room, self._script)
        self._presence = Presence(self._room, self._settings, self._reporter, self._ender)
        async with utils.http_context.open():
            try:
                ending = await self._until_over()
            except ConnectionLostError as error:
                log.warning("call_handed_over", why=str(error))
                await self._leaving.tell_the_rest(self._reporter)
                await self._leave()
                return await self._leaving.hand_over()
            if ending is not None and await self._leaving.announce(ending):
                await self._leaving.tell_the_rest(self._reporter)
                await self._leave()
                await self._leaving.take_room_down()
                await self._leaving.release()
            else:
                await self._leave()
        return None

    async def _until_over(self) -> Ending | None:
        """Return why the call ends, or ``None`` if another agent has taken it over."""
        try:
            return await self._live()
        except StaleGenerationError as error:
            log.info("call_taken_over", why=str(error))
            return None
        except ConnectionLostError:
            raise
        except RoomUnreachableError as error:
            return Ending(Reason.AGENT_ERROR, detail=str(error))
        except (ConfigurationError, UnknownVoiceError) as error:
            return Ending(Reason.CONFIG_ERROR, detail=str(error))
        except MemoryError:
            die("out of memory")
        except Exception as error:
            log.exception("agent_failed")
            return Ending(Reason.AGENT_ERROR, detail=f"{type(error).__name__} in the agent")

    async def _live(self) -> Ending:
        self._room.on("disconnected", self._on_disconnected)
        # LiveKit takes its time, in which there is enough else to do.
        joining = asyncio.create_task(self._join())
        try:
            return await self._converse(joining)
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)
            self._room.off("disconnected", self._on_disconnected)

    async def _converse(self, joining: asyncio.Task[int]) -> Ending:
        orders: asyncio.Queue[Order] = asyncio.Queue()
        lease, renewed = self._settings.lease_seconds, self._settings.lease_renew_seconds
        self._spawn(Pulse(lease).beat())
        self._spawn(watch_media(self._room, renewed, lease))
        self._spawn(self._reporter.run())
        self._spawn(keep_lease(self._claim, self._store, self._settings, self._ender))
        self._spawn(obey(self._claim, self._settings, self._ender, orders))
        loop = asyncio.get_running_loop()
        left = (self._session.expires_at - self._claim.at) / 1000
        loop.call_later(left, self._ender.end, Reason.MAX_DURATION)
        briefing = await brief(self._claim, self._store, self._settings, self._reporter)
        config = briefing.config
        troubles = Troubles(self._reporter, self._ender)
        parts = make_parts(config, self._settings, self._warm, troubles)
        opening = Opening(briefing, parts.tts, self._script)
        session = parts.session(self._settings, self._script)
        if line := self._settings.apology_line:
            troubles.apologise = lambda: session.say(line)
        narrator = Narrator(session, self._reporter)
        moments = Moments(session, narrator, self._script, self._settings)
        session.output.audio = self._output.sink
        try:
            await self._unless_over(self._start(session, briefing, narrator, joining))
            if not self._ender.over:
                known = {turn.question for turn in briefing.history}
                conversation = Conversation(
                    session, narrator, self._reporter, config.listening, known
                )
                self._spawn(conversation.follow(orders))
                self._spawn(conversation.speak())
                leaving = HandingOver(self._claim, self._store, self._settings, self._ender)
                self._spawn(
                    leaving.follow(session, conversation, moments, narrator, self._reporter)
                )
                self._presence.watch_session(session)
                self._spawn(self._open(session, opening, narrator, conversation))
            return await self._ender.wait()
        except StaleGenerationError:
            await self._leaving.fall_silent(self._room)
            raise
        finally:
            self._presence.stop()
            await opening.aclose()
            await self._leaving.hush(session)

    async def _join(self) -> int:
        """Join the room, and let whoever waits for this agent know; return when that was, in ms."""
        loop = asyncio.get_running_loop()
        claimed = loop.time()
        await join(self._room, self._settings, self._session.id)
        joined = self._claim.at + round((loop.time() - claimed) * 1000)
        self._spawn(self._arrive(joined))
        return joined

    async def _start(
        self,
        session: AgentSession[None],
        briefing: Briefing,
        narrator: Narrator,
        joining: asyncio.Task[int],
    ) -> None:
        options = RoomOptions(
            participant_identity=CALLER_IDENTITY,
            text_input=TextInputOptions(Typed(self._settings.limit_questions_per_minute).take),
            # Gain control clips what is loud enough already, and telephones have their own.
            audio_input=AudioInputOptions(
                sample_rate=SAMPLE_RATE, frame_size_ms=FRAME_MS, auto_gain_control=False
            ),
            audio_output=False,
            text_output=TextOutputOptions(next_in_chain=Words(narrator.partial)),
            close_on_disconnect=False,
        )
        agent = await make_agent(briefing.config, briefing.history)
        OwnModels(session).watch(agent)
        joined = await joining
        # One after the other: starting the session holds the event loop, and the track would wait.
        await self._output.publish()
        sent_away = await send_away_from_lost_agent(self._room, self._session, self._settings)
        await session.start(agent, room=self._room, room_options=options, session_host=False)
        refused = await until_redis_answers(
            self._store.ready, self._session.id, self._session.generation, {"joined": joined}
        )
        self._presence.watch_room(been_here=self._session.appeared, sent_away=sent_away)
        if isinstance(refused, Refusal) and refused.why != "state":
            raise StaleGenerationError(f"{self._session.id} could not become ready: {refused.why}.")

    async def _arrive(self, joined: int) -> None:
        """Let whoever waits for this agent get ready too; without Redis they wait on."""
        with contextlib.suppress(*REDIS_AWAY):
            session = self._session
            await asyncio.to_thread(self._store.arrive, session.id, session.generation, joined)

    async def _open(
        self,
        session: AgentSession[None],
        opening: Opening,
        narrator: Narrator,
        conversation: Conversation,
    ) -> None:
        await self._presence.arrived.wait()
        if hears_nothing(self._room):
            self._output.play_unheard()
        opening.begin(session, narrator)
        conversation.may_speak.set()
        if (error := await opening.failure()) is not None:
            self._ender.end(Reason.PROVIDER_ERROR, detail=type(error).__name__)

    async def _unless_over(self, starting: Coroutine[Any, Any, None]) -> None:
        """Start, unless the call ends before that is done."""
        task = asyncio.create_task(starting)
        over = asyncio.create_task(self._ender.wait())
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            await asyncio.gather(utils.aio.cancel_and_wait(task, over), return_exceptions=True)

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if self._ender.over:
            return
        match reason:
            case rtc.DisconnectReason.ROOM_DELETED:
                self._ender.end(Reason.ENDED_BY_API, detail="The room was deleted.")
            case rtc.DisconnectReason.DUPLICATE_IDENTITY:
                self._ender.fail(StaleGenerationError("Another agent has joined the room."))
            case _:
                name = rtc.DisconnectReason.Name(reason)
                self._ender.fail(ConnectionLostError(f"LiveKit connection lost: {name}."))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._ender.fail(error)

    async def _leave(self) -> None:
        await utils.aio.cancel_and_wait(*self._tasks)
        await self._leaving.leave_room(self._room, self._output)
