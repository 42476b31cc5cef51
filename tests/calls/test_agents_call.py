"""Calls that somebody's own agent takes, or cannot take."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from sessions.keys import SessionKeys
from tests.fixtures.house import House, session_worker
from tests.support import own_agents
from tests.support.annex import Annex, annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.processes import ROOT
from tests.support.settings import environment_of

AGENTS = {
    "greeter": f"{own_agents.PREFIX}make_greeter",
    "raising": f"{own_agents.PREFIX}raise_error",
    "empty": f"{own_agents.PREFIX}make_nothing",
    "missing": "no.such.package:make",
}
CANNOT = {
    "raising": "The agent 'raising' could not be made: its factory raised ValueError.",
    "empty": "The agent 'empty' could not be made: "
    "its factory returned NoneType and no livekit.agents.Agent.",
    "missing": "The agent 'missing' cannot be imported on this worker; its log says why.",
}


def said_by_agent(small: Annex, session_id: str) -> list[str]:
    told = [e.data for e in small.events(session_id) if e.type == "transcript"]
    return [one["text"] for one in told if one["final"] and one["speaker"] == "agent"]


async def until_said(small: Annex, session_id: str, sentence: str) -> None:
    def said() -> bool:
        said = said_by_agent(small, session_id)
        assert sentence in said, said
        return True

    await asyncio.to_thread(eventually, said, 20, sentence)


def test_call_when_its_agent_is_somebodys_own_then_that_one_takes_it_or_the_call_says_why_not(
    house: House,
) -> None:
    entries = [f"{name}={target}" for name, target in AGENTS.items()]
    with annex(house, agents=entries, default_agent="greeter", recovery_line="") as small:
        log = small.worker.log.read_text()
        assert "agent_not_imported" in log
        assert "error=ModuleNotFoundError: No module named 'no'" in log
        for name, why in CANNOT.items():
            ended = small.wait_until_archived(small.start(agent=name).id)
            assert (ended.reason, ended.fault, ended.detail) == ("config_error", "config", why)
            assert "the password of the shop" not in str(small.events(ended.id))
        session = small.start(openingLine="Hello.", metadata={"guest": "Ann"})
        small.wait_until_ready(session)

        async def call() -> None:
            async with calling(small.ticket(session)):
                await until_said(small, session.id, "I greet Ann. 0 sentences were said before.")
                await until_said(small, session.id, "Hello.")
                pid = small.context.redis.get(SessionKeys.of(session.id).pid)
                os.kill(int(str(pid)), signal.SIGKILL)
                await until_said(small, session.id, "I greet Ann. 2 sentences were said before.")

        asyncio.run(call())


def test_worker_when_an_agent_is_named_wrongly_then_it_does_not_start_and_says_why(
    house: House,
) -> None:
    done = subprocess.run(
        session_worker("sessions@wrong"),
        cwd=ROOT,
        env={**os.environ, **environment_of(house.settings), "SWITCHBOARD_AGENTS": "shop"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode != 0
    assert "SWITCHBOARD_AGENTS has the entry 'shop': write it as" in done.stderr
    assert "Traceback" not in done.stderr
