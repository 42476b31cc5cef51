"""Do the dashboard and the alerts ask for what the house tells, and can they be read?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from orchestrator.app import create_app
from orchestrator.health.counted import COUNTERS, DISTRIBUTIONS
from sessions.counters import Drift, count_drift
from sessions.settings import Settings

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/switchboard.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DURATION = re.compile(r"\d+[smhd]")


def expressions() -> Iterator[tuple[str, str]]:
    """Yield where each expression stands, and the expression."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


@pytest.fixture
def told(settings: Settings, redis: Redis, alive_worker: object) -> dict[str, set[str]]:
    """Every sample that /metrics has, with the labels it may have."""
    count_drift(redis, Drift.COUNT_OFF)
    client = create_app(settings).test_client()
    client.get("/health")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_expressions_when_they_name_a_metric_then_the_house_tells_it_with_these_labels(
    told: dict[str, set[str]],
) -> None:
    asked = list(expressions())
    assert len(asked) > 40
    for where, expression in asked:
        names = set(re.findall(r"switchboard_\w+", expression))
        assert names or 'up{job="switchboard"}' in expression, where
        assert names <= told.keys(), f"{where}: {names - told.keys()}"
        labels = {label for name in names for label in told[name]}
        grouped = re.findall(r"by \(([\w, ]+)\)", expression)
        used = {label.strip() for group in grouped for label in group.split(",")}
        for selector in re.findall(r"switchboard_\w+\{([^}]*)\}", expression):
            used |= set(re.findall(r"(\w+)\s*[=!]", selector))
        assert used <= labels, f"{where}: {used - labels}"


def test_selectors_when_they_name_a_value_then_it_is_one_that_is_known() -> None:
    known = {
        (label, value)
        for figure in (*COUNTERS.values(), *DISTRIBUTIONS.values())
        for values in figure.known
        for label, value in zip(figure.labels, values, strict=True)
    }
    for where, expression in expressions():
        for label, value in re.findall(r'(\w+)[!]?=~?"([\w|]+)"', expression):
            if (label, value) != ("job", "switchboard"):
                assert {(label, one) for one in value.split("|")} <= known, f"{where}: {value}"


def test_metrics_when_they_are_told_then_somebody_looks_at_them(
    told: dict[str, set[str]],
) -> None:
    looked_at = " ".join(expression for _, expression in expressions())
    ours = {name for name in told if name.startswith("switchboard_")}
    stems = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in ours}
    assert {stem for stem in stems if stem not in looked_at} == set()


def test_alerts_when_they_go_off_then_say_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert all(text.endswith(".") for text in rule["annotations"].values())
        assert DURATION.fullmatch(rule.get("for", "1m"))


def test_files_when_read_then_name_each_other() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert prometheus["rule_files"] == ["alerts.yml"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert prometheus["scrape_configs"][0]["static_configs"] == [{"targets": ["web:8000"]}]
    assert "web" in compose["services"]
    sources = ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml"
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    uids = {p["datasource"]["uid"] for p in DASHBOARD["panels"] if "datasource" in p}
    assert uids == {source["uid"]}
    providers = ROOT / "deploy/grafana/provisioning/dashboards/switchboard.yml"
    (provider,) = yaml.safe_load(providers.read_text())["providers"]
    mounted = [volume.split(":") for volume in compose["services"]["grafana"]["volumes"]]
    assert any(inner.startswith(provider["options"]["path"]) for _, inner, *_ in mounted)
    for outer, *_ in mounted:
        assert not outer.startswith("./") or (ROOT / outer).exists()


def test_dashboard_when_read_then_every_panel_has_a_place_of_its_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
