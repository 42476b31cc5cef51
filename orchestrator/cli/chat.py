"""What does the house answer? A chat from the command line, over the session's WebSocket."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.api import Api, ApiError, with_api
from orchestrator.cli.chatting.telling import answer, tell
from orchestrator.cli.configuration import login_name
from orchestrator.cli.output import json_option, print_line
from orchestrator.cli.screen import Screen, SilentScreen, TerminalScreen, make_screen

if TYPE_CHECKING:
    from orchestrator.cli.chatting.talk import Question, Talk

_PROMPT = "> "
_GOODBYE_SECONDS = 5.0


@click.command
@click.argument("message", required=False)
@click.option(
    "--session",
    "reference",
    help="The session to write into, by id or by a name of your own; a new name makes a session "
    "that stays.  [default: a new one, which ends with the chat]",
)
@click.option("--user", help="Who writes.  [default: your login name]")
@click.option("--knowledge", help="The knowledge base that a new session is answered from.")
@click.option("--speak", is_flag=True, help="In a call: have the answers spoken, too.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="How long to wait for an answer, in seconds.",
)
@json_option
@with_api
def chat(
    api: Api,
    message: str | None,
    reference: str | None,
    user: str | None,
    knowledge: str | None,
    speak: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Chat in a terminal; with MESSAGE, ask that one thing and print the answer.

    Reads lines from a pipe as well, each asked when the one before it is answered. Fails if
    something is not answered. Ctrl-D or Ctrl-C leaves.
    """
    from orchestrator.cli.chatting.place import find_place, new_alias
    from orchestrator.cli.chatting.talk import Talk

    # The way out of a terminated process is that of an interrupted one: the session is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = _screen(message, as_json=as_json)
    alias = new_alias()
    with _ended_at_last(api, None if reference else alias):
        place = find_place(api, reference, alias, user or login_name(), knowledge)
        more = {"speak": speak, **({"user_id": user} if user else {})}
        talk = Talk(place.socket_url(api), api.headers, screen.show, more)
        try:
            talk.open()
            if message is not None:
                _answer(talk, talk.ask(message.strip()), timeout, as_json=as_json)
            elif isinstance(screen, TerminalScreen) and sys.stdin.isatty():
                _converse(talk, screen)
            else:
                _ask_each_line(talk, timeout)
        finally:
            if place.ours:
                with contextlib.suppress(ApiError):
                    _end(api, place.session_id)
                    talk.wait_until_over(_GOODBYE_SECONDS)
            talk.close()
            screen.close()


def _screen(message: str | None, *, as_json: bool) -> Screen:
    """Return where the conversation is shown; who asks one thing wants its answer alone."""
    if message is not None and not as_json:
        return SilentScreen()
    return make_screen(tell, as_json=as_json)


def _answer(talk: Talk, question: Question, timeout: float, *, as_json: bool) -> None:
    """Print the answer to the one thing that was asked."""
    data = talk.wait_for_answer(question, timeout)
    if not as_json:
        click.echo(data["response"])
        for line in answer(data)[1:]:
            print_line(*line)
    _check(data)


def _ask_each_line(talk: Talk, timeout: float) -> None:
    """Ask what comes in, line by line."""
    for line in sys.stdin:
        if line.strip():
            _check(talk.wait_for_answer(talk.ask(line.strip()), timeout))


def _check(data: Mapping[str, Any]) -> None:
    """Fail if an answer only says that there is none."""
    from sessions.questions.tasks import TRY_AGAIN_LATER

    if TRY_AGAIN_LATER in data["suggested_actions"]:
        raise click.ClickException("The question could not be dealt with.")


def _converse(talk: Talk, screen: TerminalScreen) -> None:
    """Take lines from a terminal, until its user or the session has had enough."""
    reader = threading.get_ident()
    # Nothing else wakes a thread that waits for a key.
    talk.on_over = lambda: signal.pthread_kill(reader, signal.SIGINT)
    try:
        while talk.over is None:
            line = screen.read(_PROMPT).strip()
            if line:
                talk.ask(line)
    except (EOFError, KeyboardInterrupt):
        pass
    finally:
        talk.on_over = lambda: None
    if talk.over:
        raise click.ClickException(talk.over)


@contextlib.contextmanager
def _ended_at_last(api: Api, alias: str | None) -> Iterator[None]:
    """End the session of this name even if its start was interrupted, where it is ours."""
    try:
        yield
    except BaseException:
        if alias is not None:
            with contextlib.suppress(ApiError):
                _end(api, alias)
        raise


def _end(api: Api, reference: str) -> None:
    api.post("/orchestrator/session/end", {"sessionId": reference})
