"""Flower shows each running call with its session id, to whoever knows the password."""

from __future__ import annotations

import sys

import httpx

from tests.fixtures.house import House
from tests.support import loopback
from tests.support.eventually import eventually


def test_flower_when_a_call_runs_then_shows_its_session_id_behind_a_password(house: House) -> None:
    url = f"http://127.0.0.1:{house.settings.flower_port}"
    credentials = (
        house.settings.flower_user,
        house.settings.flower_password.get_secret_value(),
    )

    def hears_of_workers() -> bool:
        try:
            workers = loopback.get(f"{url}/api/workers?status=1", auth=credentials, timeout=2)
        except httpx.TransportError:
            return False
        return any(workers.json().values())

    def running_tasks() -> str:
        return loopback.get(f"{url}/api/tasks?state=STARTED", auth=credentials, timeout=20).text

    with house.run("flower", [sys.executable, "-m", "workers.flower"], hears_of_workers):
        assert loopback.get(f"{url}/api/tasks", timeout=20).status_code == 401
        session_id = house.start()["sessionId"]
        eventually(lambda: session_id in running_tasks(), 20, "Flower shows the running call")
        house.end(session_id)
        eventually(lambda: session_id not in running_tasks(), 20, "the call is no longer running")
