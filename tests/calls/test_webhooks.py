"""A whole call, told to a server of others by the house's own upkeep worker."""

from __future__ import annotations

import time

from orchestrator.access.principal import DEVELOPMENT_SCOPE
from sessions.webhooks.subscribers import REMEMBER_SECONDS
from tests.fixtures.house import House
from tests.support.eventually import eventually
from tests.support.receiver import receiving


def test_call_when_ready_and_over_then_the_endpoint_of_its_key_is_told_of_both(
    house: House,
) -> None:
    endpoints = house.context().endpoints
    with receiving() as receiver:
        endpoint, secret = endpoints.add(DEVELOPMENT_SCOPE, receiver.url)
        try:
            # So long the web front goes by what it knew.
            time.sleep(REMEMBER_SECONDS)
            session_id = house.start(correlationToken="order-7")["sessionId"]
            house.wait_for_state(session_id, "ready")
            house.end(session_id)
            ended = house.wait_for_state(session_id, "ended")
            eventually(lambda: len(set(receiver.ids)) == 2, 10, "both are told")
        finally:
            endpoints.remove(endpoint.id)
    told = {
        body["type"]: body["data"] for body in (m.opened_with(secret) for m in receiver.messages)
    }
    assert told.keys() == {"session.ready", "session.ended"}
    for data in told.values():
        assert (data["session_id"], data["aliases"]) == (session_id, ["order-7"])
        assert (data["channel"], data["user_name"]) == ("voice", "Ann")
    assert told["session.ended"]["reason"] == ended["reason"] == "ended_by_api"
    assert told["session.ended"]["usage"] == ended["usage"]
    assert told["session.ended"]["duration_seconds"] > 0
