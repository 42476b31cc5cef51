"""Does the compose file keep its promises, and does it run what `make run` runs?"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.api.livekit import LiveKitReport

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()

PROCFILE = {
    name: shlex.split(command.strip().removeprefix("exec "))
    for name, command in (
        line.split(":", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line.strip()
    )
}
# In development a script looks for the program first; in containers an image brings it.
OWN_COMMAND = {"redis", "livekit"}
# It ends when it has done its work, and the others wait for that.
ONE_SHOT = {"migrate"}
# Only with a profile of their own: whoever answers over Celery needs none of them.
PROFILED = {name for name, service in SERVICES.items() if "profiles" in service}
# A service that must run as root would stand here, with the reason.
ROOT_ALLOWED: dict[str, str] = {}

SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY$")
# The name of a LiveKit key is public; what it signs with is not.
NOT_SECRET = {"SWITCHBOARD_LIVEKIT_API_KEY"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>(?:[^${}]|\$\{[^}]*\})*))?\}")

every_service = pytest.mark.parametrize("name", SERVICES)


def default(text: str) -> str:
    """Return ``text`` as it is where nothing is set; what is required stays empty."""
    while match := VARIABLE.search(text):
        inner = match["rest"] if match["kind"] == "-" else ""
        text = text[: match.start()] + inner + text[match.end() :]
    return text


def test_every_process_of_the_procfile_has_its_service():
    assert SERVICES.keys() - ONE_SHOT - PROFILED == PROCFILE.keys()


def test_kafka_and_figures_are_there_only_if_they_are_asked_for():
    assert {name: SERVICES[name]["profiles"] for name in PROFILED} == {
        "kafka": ["kafka"],
        "bridge": ["kafka"],
        "prometheus": ["observe"],
        "grafana": ["observe"],
    }
    # A service without a profile that waited for one with it would bring it along.
    for name, service in SERVICES.items():
        if name not in PROFILED:
            assert not PROFILED & service.get("depends_on", {}).keys(), name


def test_kafka_is_the_same_in_containers_as_in_development():
    environment = SERVICES["kafka"]["environment"]
    development = (ROOT / "deploy/dev/kafka").read_text()
    pom = (ROOT / "deploy/dev/kafka.pom.xml").read_text()
    version = SERVICES["kafka"]["image"].rpartition(":")[2]
    assert f"<version>{version}</version>" in pom
    for name in ("auto.create.topics.enable", "broker.session.timeout.ms"):
        variable = f"KAFKA_{name.upper().replace('.', '_')}"
        assert f"\n{name}={environment[variable]}\n" in development
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"
    servers = SERVICES["bridge"]["environment"]["SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS"]
    assert default(servers) == "kafka:9092"
    assert "kafka:/var/lib/kafka/data" in SERVICES["kafka"]["volumes"]
    assert environment["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"


@pytest.mark.parametrize("name", sorted(PROCFILE.keys() - OWN_COMMAND))
def test_a_service_runs_what_the_procfile_runs(name: str):
    assert SERVICES[name]["command"] == PROCFILE[name]


def test_redis_forgets_nothing_in_containers_as_in_development():
    development = (ROOT / "deploy/dev/redis").read_text()
    command = " ".join(SERVICES["redis"]["command"])
    synced = "--appendfsync ${SWITCHBOARD_REDIS_APPENDFSYNC:-always}"
    for option in ("--appendonly yes", synced, "--maxmemory-policy noeviction"):
        assert option in development.replace('"', "")
        assert option in command
    assert "redis:/data" in SERVICES["redis"]["volumes"]


@every_service
def test_a_service_has_a_health_check(name: str):
    if name in ONE_SHOT:
        assert "healthcheck" not in SERVICES[name]
        return
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@every_service
def test_a_service_is_not_root(name: str):
    if name in ROOT_ALLOWED:
        return
    service = SERVICES[name]
    if "build" in service:
        assert "user" not in service, "the image sets the user"
        return
    assert str(service["user"]).split(":")[0] not in {"", "0", "root"}


def test_both_images_have_a_user_with_a_fixed_number():
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    runtime = next(stage for stage in stages if stage.splitlines()[0].endswith(" AS runtime"))
    user = re.search(r"^USER (\d+):(\d+)$", runtime, re.MULTILINE)
    assert user
    assert int(user[1]) > 0
    for target in {
        service["build"]["target"] for service in SERVICES.values() if "build" in service
    }:
        stage = next(stage for stage in stages if stage.splitlines()[0] == f"runtime AS {target}")
        assert "\nUSER " not in stage


@every_service
def test_a_service_can_do_no_more_than_it_needs(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert "cap_add" not in service


@every_service
def test_a_service_comes_back_after_a_crash(name: str):
    assert SERVICES[name]["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


@every_service
def test_no_secret_is_written_down(name: str):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable) and variable not in NOT_SECRET:
            assert default(value) == "", f"{variable} has a value of its own"
            assert VARIABLE.fullmatch(value), f"{variable} has text around it"
    for found in VARIABLE.finditer(str(SERVICES[name])):
        if SECRET.search(found["name"]) and found["name"] not in NOT_SECRET:
            assert found["kind"] == "?", f"{found['name']} has a default"
            assert "openssl rand" in found["rest"], f"{found['name']}: say how to make one"


@every_service
def test_ports_are_published_on_loopback_unless_set_otherwise(name: str):
    for port in SERVICES[name].get("ports", []):
        assert default(port).startswith("127.0.0.1:"), port


def test_only_what_callers_and_operators_need_is_published():
    published = {
        name: [default(port) for port in service["ports"]]
        for name, service in SERVICES.items()
        if "ports" in service
    }
    assert published == {
        "web": ["127.0.0.1:8000:8000"],
        "flower": ["127.0.0.1:5555:5555"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
        "livekit": [
            "127.0.0.1:7880:7880",
            "127.0.0.1:7881:7881",
            "127.0.0.1:7882:7882/udp",
        ],
    }


def test_the_house_runs_in_production_mode():
    for name, service in SERVICES.items():
        if service.get("build", {}).get("target") == "app":
            assert service["environment"]["SWITCHBOARD_MODE"] == "production", name


def test_callers_of_livekit_are_told_the_port_that_is_published():
    service = SERVICES["livekit"]
    rtc = yaml.safe_load(default(service["environment"]["LIVEKIT_CONFIG"]))
    ports = [default(port).split(":")[1:] for port in service["ports"]]
    told = [str(rtc["port"]), str(rtc["rtc"]["tcp_port"]), f"{rtc['rtc']['udp_port']}/udp"]
    assert [inner for _, inner in ports] == told
    assert [outer for outer, _ in ports] == [port.removesuffix("/udp") for port in told]


def test_livekit_reports_to_the_web_front_what_is_worth_a_look():
    service = SERVICES["livekit"]
    webhook = yaml.safe_load(default(service["environment"]["LIVEKIT_CONFIG"]))["webhook"]
    assert webhook["urls"] == ["http://web:8000/livekit/webhook"]
    events = webhook["filter_params"]["include_events"]
    assert f"[{', '.join(events)}]" in (ROOT / "deploy/dev/livekit").read_text()
    assert all(LiveKitReport(id="EV_1", event=event).is_worth_a_look() for event in events)
    assert not LiveKitReport(id="EV_1", event="track_published").is_worth_a_look()


@pytest.mark.parametrize("name", ["livekit", "grafana"])
def test_who_has_no_business_with_redis_cannot_reach_it(name: str):
    assert not set(SERVICES[name]["networks"]) & set(SERVICES["redis"]["networks"])


def test_a_service_waits_for_what_has_a_check_to_wait_for():
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {other}"


def test_base_images_are_pinned():
    base = re.search(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)
    images = [base[1] if base else ""]
    images += [service["image"] for service in SERVICES.values() if "build" not in service]
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+", image), image
