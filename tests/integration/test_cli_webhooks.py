"""`switchboard webhooks`: endpoints are made and changed, deliveries looked at and sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator.app import create_app
from orchestrator.cli import main
from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.settings import Settings
from sessions.webhooks.delivery import Status
from tests.fixtures.redis import MakeSettings
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.settings import environment_of
from workers.context import Context
from workers.webhooks.posting import Poster
from workers.webhooks.relay import Relay
from workers.webhooks.sender import Sender

Run = Callable[..., Result]


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(webhook_private_addresses=True, webhook_first_retry_seconds=0.01)


@pytest.fixture
def run(settings: Settings) -> Run:
    """Commands with a database of their own."""

    def run(*arguments: str, **changed: object) -> Result:
        env = environment_of(settings.model_copy(update=changed))
        return CliRunner(env=env).invoke(main, ["webhooks", *arguments])

    return run


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def added(run: Run, *arguments: str) -> dict[str, Any]:
    result = run("add", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_add_when_made_then_prints_the_secret_once(run: Run) -> None:
    made = run("add", "development", "http://127.0.0.1:9000/").stdout
    secret = next(word for word in made.split() if word.startswith("whsec_"))
    assert "it is not shown again" in made
    listed = run("list").stdout
    assert "http://127.0.0.1:9000/" in listed
    assert secret not in listed
    assert secret not in run("list", "--json").stdout


def test_add_when_for_a_key_then_the_key_must_be_there(run: Run, settings: Settings) -> None:
    engine = open_database(settings.database_url)
    key, _ = ApiKeys(engine).create("desk")
    made = added(run, key.id, "http://127.0.0.1:9000/", "--events", "session.ended")
    assert (made["scope"], made["events"]) == (key.id, ["session.ended"])
    assert key.id in run("list", "--key", key.id).stdout
    assert "There are no endpoints" in run("list", "--key", "development").stdout
    ApiKeys(engine).revoke(key.id)
    engine.dispose()
    for scope in (key.id, "key_nobody"):
        refused = run("add", scope, "http://127.0.0.1:9000/")
        assert (refused.exit_code, "There is no key" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("url", "changed", "why"),
    [
        ("http://127.0.0.1:9000/", {"webhook_private_addresses": False}, "no public address"),
        ("http://localhost:9000/", {"webhook_private_addresses": False}, "no public address"),
        ("http://nobody.invalid/", {}, "cannot be resolved"),
        ("http://ada:secret@127.0.0.1:9000/", {}, "a user or a password"),
        ("http://127.0.0.1:25/", {}, "The port"),
        ("127.0.0.1", {}, "must begin with"),
    ],
)
def test_add_when_nothing_may_be_sent_there_then_says_why(
    run: Run, url: str, changed: dict[str, object], why: str
) -> None:
    refused = run("add", "development", url, **changed)
    assert refused.exit_code == 1
    assert why in refused.stderr
    assert "There are no endpoints" in run("list").stdout


def test_add_when_in_production_then_only_https_will_do(make_settings: MakeSettings) -> None:
    production = make_settings(mode="production", livekit_api_secret="x" * 40)
    runner = CliRunner(env=environment_of(production))
    refused = runner.invoke(main, ["webhooks", "add", "development", "http://8.8.8.8/"])
    assert "must begin with https://" in refused.stderr
    assert refused.exit_code == 1


@pytest.mark.parametrize("verb", ["remove", "rotate", "enable", "test"])
def test_verb_when_there_is_no_such_endpoint_then_says_so(run: Run, verb: str) -> None:
    refused = run(verb, "ep_nobody")
    assert refused.exit_code == 1
    assert "There is no endpoint ep_nobody" in refused.stderr


def test_remove_when_there_then_it_is_not_listed_any_more(run: Run) -> None:
    made = added(run, "development", "http://127.0.0.1:9000/")
    assert run("remove", made["id"]).exit_code == 0
    assert "There are no endpoints" in run("list").stdout


def test_enable_when_it_was_switched_off_then_is_on(run: Run, context: Context) -> None:
    made = added(run, "development", "http://127.0.0.1:9000/")
    context.endpoints.switch(made["id"], on=False)
    assert "off" in run("list").stdout.split()
    assert "on again" in run("enable", made["id"]).stdout
    assert "on already" in run("enable", made["id"]).stdout


def test_replay_when_it_is_not_said_what_then_refuses(run: Run) -> None:
    assert run("replay").exit_code == 2
    assert run("replay", "msg_1", "--failed").exit_code == 2
    assert run("replay", "msg_1", "--endpoint", "ep_1").exit_code == 2
    assert "There is no delivery msg_1" in run("replay", "msg_1").stderr


def test_session_when_started_over_http_then_the_endpoint_is_told_and_told_again_on_demand(
    run: Run,
    context: Context,
    settings: Settings,
    receiver: Receiver,
) -> None:
    first = added(run, "development", receiver.url)
    deliveries = context.deliveries
    sender = Sender(settings, context.endpoints, deliveries, Poster(settings), context.figures)
    relay = Relay(context.redis, context.endpoints, deliveries, context.archive, sender.ring)

    def deliver() -> None:
        with ThreadPoolExecutor(2) as pool:
            sender.turn(pool)

    body = {"userName": "Ada", "channel": "text", "correlationToken": "order-7"}
    web = create_app(settings).test_client()
    started = web.post("/orchestrator/session/start", json=body)
    session_id = started.get_json()["sessionId"]
    receiver.answer = lambda _message: Reply(410)
    assert relay.turn(0.5) == 1
    deliver()
    (failed,) = listed(run, "--status", "failed")
    assert (failed["session_id"], failed["last_status"]) == (session_id, 410)
    secret = json.loads(run("rotate", first["id"], "--json").stdout)["secret"]
    run("enable", first["id"])
    receiver.answer = lambda _message: Reply()
    assert "1 is to be sent again" in run("replay", "--failed").stdout
    run("test", first["id"])
    deliver()
    assert len(listed(run, "--status", "delivered")) == 2
    told = {
        body["type"]: body for body in (one.opened_with(secret) for one in receiver.messages[1:])
    }
    assert told["session.ready"]["data"]["aliases"] == ["order-7"]
    assert told["webhook.test"]["data"] == {"endpoint_id": first["id"]}
    assert receiver.ids.count(failed["id"]) == 2
    assert len(listed(run, "--session", session_id)) == 1
    assert len(listed(run, "--endpoint", first["id"], "--limit", "1")) == 1
    assert Status.DELIVERED in run("deliveries").stdout


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    return json.loads(run("deliveries", *arguments, "--json").stdout)["deliveries"]
