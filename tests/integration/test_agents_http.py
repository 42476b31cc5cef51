"""Naming an agent over HTTP, and what happens where the names are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis

from orchestrator.app import create_app
from tests.fixtures.redis import MakeSettings
from tests.support.http import problem, start, started
from tests.support.processes import ROOT

AGENTS = ["shop=no.such.module:make", "desk=no.such.module:make_desk"]


@pytest.mark.usefixtures("alive_worker", "broker")
def test_start_when_it_names_an_agent_then_the_config_holds_it(
    make_settings: MakeSettings, redis: Redis
) -> None:
    client = create_app(make_settings(agents=AGENTS, default_agent="desk")).test_client()
    for wanted, found in ((None, "desk"), ("shop", "shop"), ("assistant", "assistant")):
        session_id = started(client, agent=wanted)
        shown = client.get(f"/orchestrator/session/{session_id}").get_json()
        assert shown["config"]["agent"] == found


@pytest.mark.usefixtures("broker")
def test_start_when_the_agent_is_unknown_then_422_names_the_nearest_and_all(
    make_settings: MakeSettings, redis: Redis
) -> None:
    client = create_app(make_settings(agents=AGENTS)).test_client()
    [error] = problem(start(client, agent="shpo"), 422, "invalid_request")["errors"]
    assert (error["field"], error["nearest"]) == ("agent", "shop")
    assert error["message"].endswith("the agents are assistant, desk, shop")


@pytest.mark.usefixtures("broker")
def test_agents_when_listed_then_all_are_there_and_one_is_the_default(
    make_settings: MakeSettings, redis: Redis
) -> None:
    client = create_app(make_settings(agents=AGENTS, default_agent="desk")).test_client()
    assert client.get("/orchestrator/agents").get_json() == {
        "agents": [
            {"name": "assistant", "default": False},
            {"name": "desk", "default": True},
            {"name": "shop", "default": False},
        ]
    }
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    named = schemas["StartRequest"]["properties"]["agent"]["anyOf"][0]
    assert named["enum"] == ["assistant", "desk", "shop"]


def test_knowledge_when_listed_then_the_sample_is_there_and_the_default(
    client: FlaskClient,
) -> None:
    answer = client.get("/orchestrator/knowledge").get_json()
    assert answer == {"knowledge": [{"name": "sample", "default": True}]}


def test_agents_when_asked_without_a_key_in_production_then_401(guarded: FlaskClient) -> None:
    for path in ("/orchestrator/agents", "/orchestrator/knowledge"):
        problem(guarded.get(path), 401, "not_authenticated")


def test_front_when_an_entry_is_wrong_then_it_does_not_start_and_says_why(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "orchestrator/gunicorn.conf.py", "unused:app"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "SWITCHBOARD_AGENTS": "shop",
            "SWITCHBOARD_PORT": "1",
            "SWITCHBOARD_DATABASE_URL": f"sqlite:///{tmp_path}/none.db",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "SWITCHBOARD_AGENTS has the entry 'shop': write it as" in done.stderr
    assert "Traceback" not in done.stderr
