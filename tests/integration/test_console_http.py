"""The console as it leaves the house: what a browser is given, and what it may do with it."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.http import problem
from tests.support.processes import ROOT

FILES = ROOT / "orchestrator/console/static"
NAMES = sorted(path.name for path in FILES.iterdir())
MAX_BYTES = 100 * 1024
MAX_LINES = 200
TYPES = {".css": "text/css", ".html": "text/html", ".js": "javascript", ".svg": "image/svg+xml"}
ELSEWHERE = re.compile(r"(?:https?:|wss?:)?//[\w.-]+\.\w+")
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def text_of(name: str) -> str:
    return (FILES / name).read_text()


def named_in_page() -> set[str]:
    """Return the files that the page names."""
    return set(re.findall(r'(?:href|src)="console/([^"]+)"', text_of("index.html")))


def imported_by(name: str) -> set[str]:
    """Return the modules that a module imports."""
    return set(re.findall(r'^import .* from "\./([^"]+)";$', text_of(name), re.MULTILINE))


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    """Ask for a file and read all of it, so that it is closed."""
    return client.get(path, headers=headers, buffered=True)


def policy_of(client: FlaskClient, path: str) -> dict[str, str]:
    """Return each directive of a file's policy."""
    header = get(client, path).headers["Content-Security-Policy"]
    parts = (directive.strip().partition(" ") for directive in header.split(";"))
    return {name: value for name, _, value in parts}


def test_page_when_asked_for_then_it_runs_its_own_script_only_and_in_no_frame(
    client: FlaskClient,
) -> None:
    policy = policy_of(client, "/")
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    headers = get(client, "/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Permissions-Policy"].startswith("microphone=(self)")
    assert "Set-Cookie" not in headers


def test_page_when_read_then_it_has_no_script_style_or_handler_inside() -> None:
    page = text_of("index.html")
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert re.findall(r"\s(?:style|on\w+)=", page) == []


@pytest.mark.parametrize("name", ["index.html", "main.js", "console.css", "icon.svg"])
def test_file_when_asked_for_then_it_has_its_type_and_the_policy(
    client: FlaskClient, name: str
) -> None:
    answer = get(client, "/" if name == "index.html" else f"/console/{name}")
    assert answer.status_code == 200
    assert TYPES[Path(name).suffix] in answer.headers["Content-Type"]
    assert answer.data == (FILES / name).read_bytes()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_file_when_a_browser_has_it_then_it_is_asked_for_again_and_not_sent_again(
    client: FlaskClient,
) -> None:
    first = get(client, "/console/main.js")
    assert "no-store" not in first.headers["Cache-Control"]
    assert "no-cache" in first.headers["Cache-Control"]
    second = get(client, "/console/main.js", **{"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.data) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "../routes.py", "%2e%2e/routes.py", "..%2froutes.py"])
def test_file_when_it_is_none_of_the_page_then_404(client: FlaskClient, name: str) -> None:
    problem(client.get(f"/console/{name}"), 404, "no_such_route")


def test_door_when_the_house_is_in_production_then_a_key_is_needed_and_the_page_is_open(
    client: FlaskClient, guarded: FlaskClient
) -> None:
    assert client.get("/console/door").get_json() == {"needsKey": False}
    assert guarded.get("/console/door").get_json() == {"needsKey": True}
    assert get(guarded, "/").status_code == get(guarded, "/console/main.js").status_code == 200


def test_page_when_loaded_then_everything_it_names_is_there_and_loaded_at_once() -> None:
    modules = {name for name in NAMES if name.endswith(".js")}
    assert named_in_page() | {"index.html"} == set(NAMES)
    imported = {one for name in modules for one in imported_by(name)}
    assert imported | {"main.js"} == modules


def test_page_when_weighed_then_it_is_light() -> None:
    assert sum((FILES / name).stat().st_size for name in NAMES) <= MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_file_when_read_then_it_names_no_other_host_and_stays_short(name: str) -> None:
    text = text_of(name).replace(SVG_NAMESPACE, "")
    assert ELSEWHERE.findall(text) == []
    if name.endswith(".js"):
        assert "innerHTML" not in text
        assert "document.cookie" not in text
        assert "localStorage" not in text
        assert len(text.splitlines()) < MAX_LINES
        assert re.match(r"// .*\?", text), "its first line is the question that it answers"


def test_addresses_when_a_proxy_puts_the_page_below_a_prefix_then_they_stay_below_it() -> None:
    assert re.findall(r'(?:href|src)="/', text_of("index.html")) == []
    scripts = [text_of(name) for name in NAMES if name.endswith(".js")]
    asked = [
        one for text in scripts for one in re.findall(r'\b(?:ask|read|at)\(["`]([^"`]*)', text)
    ]
    assert len(asked) >= 8
    assert [path for path in asked if path.startswith(("/", "http"))] == []


def test_wheel_when_built_then_the_page_is_inside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in NAMES:
            inside = archive.read(f"orchestrator/console/static/{name}")
            assert inside == (FILES / name).read_bytes()
