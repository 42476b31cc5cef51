"""How files of pages travel: packed for whoever can unpack them, and once."""

from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

from tests.support.processes import ROOT

SCRIPT = ROOT / "orchestrator/console/static/main.js"


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "br, *;q=0.1"])
def test_file_when_the_browser_can_unpack_then_it_is_sent_packed(
    client: FlaskClient, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    found = client.get("/console/main.js", headers=headers, buffered=True)
    assert found.headers["Content-Encoding"] == "gzip"
    assert found.headers["Vary"].split(", ").count("Accept-Encoding") == 1
    assert gzip.decompress(found.data) == SCRIPT.read_bytes()
    assert len(found.data) == int(found.headers["Content-Length"]) < SCRIPT.stat().st_size / 2

    headers["If-None-Match"] = found.headers["ETag"]
    again = client.get("/console/main.js", headers=headers, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0"])
def test_file_when_the_browser_cannot_unpack_then_it_is_sent_as_it_is(
    client: FlaskClient, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    found = client.get("/console/main.js", headers=headers, buffered=True)
    assert "Content-Encoding" not in found.headers
    assert found.headers["Vary"] == "Accept-Encoding"
    assert found.data == SCRIPT.read_bytes()


def test_file_when_a_part_is_asked_for_then_it_is_a_part_of_what_it_is(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    found = client.get("/console/main.js", headers=headers, buffered=True)
    assert found.status_code == 206
    assert found.data == SCRIPT.read_bytes()[:10]
