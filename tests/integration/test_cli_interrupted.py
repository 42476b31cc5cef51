"""A call that is interrupted before it has begun leaves no session behind."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from sessions.directory import Directory
from sessions.models import Session
from sessions.states import Reason, State
from tests.fixtures.web import Web
from tests.support.eventually import eventually
from tests.support.sessions import Actor
from tests.support.settings import environment_of


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_call_when_interrupted_while_it_waits_for_an_agent_then_ends_its_session(
    web: Web, actor: Actor, directory: Directory, number: signal.Signals
) -> None:
    def waiting() -> list[str]:
        return directory.newest(None, None, 10)

    def ending() -> Session | None:
        session = directory.load(session_id)
        return session if session and session.state is State.ENDING else None

    process = subprocess.Popen(
        ["switchboard", "call", "--url", web.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment_of(web.settings), "PATH": os.environ["PATH"]},
    )
    with process:
        [session_id] = eventually(waiting, within=20)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    session = eventually(ending)
    assert session is not None
    assert session.reason is Reason.ENDED_BY_API
    assert process.returncode == 1
    assert b"Traceback" not in errors
