"""Does it work? A whole call from the command line: start, join, listen, speak, hang up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.api import Api, ApiError, with_api
from orchestrator.cli.configuration import login_name
from orchestrator.cli.narration import Story
from orchestrator.cli.output import json_option, print_line
from orchestrator.cli.screen import make_screen

if TYPE_CHECKING:
    from orchestrator.cli.calling.conversation import Outcome, Plan
    from orchestrator.cli.calling.sound import Samples

_WAIT_SECONDS = 15


@click.command
@click.option("--user", help="Who calls.  [default: your login name]")
@click.option("--voice", help="The agent's voice.")
@click.option("--opening-line", help="What the agent says first.")
@click.option("--prompt", help="Who the agent is to be.")
@click.option("--agent", help="The agent that takes the call.")
@click.option("--knowledge", help="The knowledge base that the agent answers from.")
@click.option(
    "--say",
    multiple=True,
    help="What to say after the opening line, spoken by the house's own voice. Given several "
    "times: one after the other, each when the agent has answered.",
)
@click.option(
    "--wav",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same from a file: mono or stereo, 16 bits, any rate.",
)
@click.option(
    "--microphone",
    is_flag=True,
    help="Speak and hear yourself, with the sound devices of this machine, until Ctrl-C.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where to save what was heard: a WAV file, 24 kHz mono.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Hang up after so long, and not when the agent has finished.",
)
@json_option
@with_api
def call(
    api: Api,
    user: str | None,
    say: tuple[str, ...],
    wav: tuple[Path, ...],
    microphone: bool,
    save: Path | None,
    seconds: float | None,
    as_json: bool,
    **wishes: str | None,
) -> None:
    """Call an agent: hear its opening line, say something, hear the answer, hang up.

    Needs no sound card. Shows both sides as they speak, with --json as one event a line, and
    succeeds if the agent was heard.
    """
    if sum(map(bool, (say, wav, microphone))) > 1:
        raise click.UsageError(
            "--say, --wav and --microphone are three ways to speak: use one of them."
        )
    if save is not None and not save.absolute().parent.is_dir():
        raise click.UsageError(f"--save: there is no folder {save.absolute().parent}.")
    # The way out of a terminated process is that of an interrupted one: the session is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if microphone:
        from orchestrator.cli.calling.device import check_devices

        check_devices()
    from orchestrator.cli.calling.conversation import Plan

    body = _body(user, wishes)
    plan = Plan(
        body.get("openingLine") != "", _speeches(say, wav), seconds, save is not None, microphone
    )
    outcome = _hold(api, body, plan, as_json)
    if save is not None:
        from orchestrator.cli.calling.sound import write_wav

        write_wav(save, outcome.recording)
    _report(outcome, save, as_json=as_json)


def _speeches(say: Sequence[str], wav: Sequence[Path]) -> list[Samples]:
    from orchestrator.cli.calling.sound import read_wav, synthesise
    from orchestrator.cli.configuration import load_settings

    return [*map(read_wav, wav), *(synthesise(text, load_settings()) for text in say if text)]


def _body(user: str | None, wishes: Mapping[str, str | None]) -> dict[str, str]:
    body = {
        "userName": user or login_name(),
        "voiceId": wishes["voice"],
        "openingLine": wishes["opening_line"],
        "systemPrompt": wishes["prompt"],
        "agent": wishes["agent"],
        "knowledge": wishes["knowledge"],
        # Known before the answer is: a start that is interrupted can still be ended.
        "correlationToken": f"switchboard-call-{secrets.token_hex(8)}",
    }
    return {name: value for name, value in body.items() if value is not None}


def _hold(api: Api, body: Mapping[str, str], plan: Plan, as_json: bool) -> Outcome:
    """Start a session, be its caller, and end it whatever happens."""
    from orchestrator.cli.calling.conversation import Conversation

    # LiveKit warns of handles that both sides have let go of at the end of a call.
    logging.getLogger("livekit").setLevel(logging.ERROR)
    alias = body["correlationToken"]
    asked_at = time.monotonic()
    try:
        started = api.post("/orchestrator/session/start", body, wait=_WAIT_SECONDS)
        with closing(make_screen(Story().lines, as_json=as_json)) as screen:

            async def run() -> Outcome:
                conversation = Conversation(plan, lambda: _end(api, alias), screen.show)
                return await conversation.hold(started, asked_at)

            return asyncio.run(run())
    finally:
        # Nearly always it has been ended, or never began: what went wrong has its sentence.
        with contextlib.suppress(ApiError):
            _end(api, alias)


def _end(api: Api, alias: str) -> None:
    api.post("/orchestrator/session/end", {"sessionId": alias})


def _report(outcome: Outcome, save: Path | None, *, as_json: bool) -> None:
    first = outcome.first_audio_after
    heard = first is not None
    if as_json:
        data = {
            "heard": heard,
            "firstAudioSeconds": None if first is None else round(first, 3),
            "speechSeconds": round(outcome.speech_seconds, 2),
            "callSeconds": round(outcome.lasted, 2),
            "saved": str(save) if save else None,
        }
        click.echo(json.dumps({"type": "call_summary", "data": data}))
    elif heard:
        print_line(
            ("Heard the agent", "bold green"),
            f"{first:.2f} s after asking for it: {outcome.speech_seconds:.1f} s of speech in a "
            f"call of {outcome.lasted:.1f} s.",
        )
        if save:
            click.echo(f"Saved what was heard to {save}.")
    if not heard:
        raise click.ClickException(f"No agent was heard.{_why(outcome.ended)}")


def _why(ended: Mapping[str, Any] | None) -> str:
    reason = (ended or {}).get("reason")
    if reason in (None, "ended_by_api"):
        return " `switchboard doctor` looks after every part."
    return f" The session ended by itself: {reason} (fault: {ended['fault'] if ended else ''})."
