"""Spans: off unless somebody collects them, discreet, and never waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from flask.testing import FlaskClient

from orchestrator.app import create_app
from sessions.directory import Directory
from sessions.tracing import (
    current_traceparent,
    flush_spans,
    note,
    record_span,
    span,
    start_tracing,
    stop_tracing,
)
from tests.fixtures.redis import MakeSettings
from tests.support.collector import Collector, collecting
from tests.support.eventually import eventually
from tests.support.http import started
from tests.support.ports import free_port
from tests.support.processes import ROOT
from tests.support.settings import settings_with

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector, to which this process sends its spans."""
    with collecting() as found:
        start_tracing(settings_with(otlp_endpoint=found.url), "test")
        yield found
        stop_tracing()


@contextmanager
def black_hole() -> Iterator[str]:
    """A server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_tracing_when_nobody_collects_then_nothing_is_made_or_imported() -> None:
    code = (
        "import sys, orchestrator.app as front; from tests.support.settings import settings_with;"
        "front.start_tracing(settings_with(), 'web');"
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    )
    environment = {name: value for name, value in os.environ.items() if "OTEL" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    assert done.stdout.strip() == "[]"
    with span("nothing", PARENT):
        note(session_id="s")
        assert current_traceparent() == ""
    record_span("nothing", 1, 2)
    flush_spans()


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", ""])
def test_tracing_when_an_endpoint_is_named_then_spans_arrive(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with collecting() as collector:
        if name:
            monkeypatch.setenv(name, collector.url)
        start_tracing(settings_with(otlp_endpoint="" if name else collector.url), "test")
        with span("outer", PARENT, session_id="s"), span("inner"):
            record_span("before", 1000, 2000)
            inner = current_traceparent()
        flush_spans()
        stop_tracing()
    spans = {one.name: one for one in collector.spans}
    assert spans["outer"].parent == PARENT.split("-")[2]
    assert spans["inner"].parent == spans["outer"].id
    assert spans["before"].parent == spans["inner"].id
    assert (spans["before"].began, spans["before"].ended) == (1_000_000_000, 2_000_000_000)
    assert inner == f"00-{spans['inner'].trace}-{spans['inner'].id}-01"
    assert {one.trace for one in collector.spans} == {PARENT.split("-")[1]}
    assert {one.service for one in collector.spans} == {"switchboard-test"}


@pytest.mark.parametrize("parent", ["", "no", "00-zz-zz-01", PARENT[:-10], "é" * 55])
def test_span_when_its_parent_is_unreadable_then_begins_a_trace_of_its_own(
    collector: Collector, parent: str
) -> None:
    with span("alone", parent):
        pass
    flush_spans()
    (one,) = collector.spans
    assert one.parent == ""


def test_span_when_words_are_noted_on_it_then_only_names_and_numbers_leave(
    collector: Collector,
) -> None:
    def talk() -> None:
        said = {"lk.pii.user_transcript": "marmalade", "gen_ai.output.messages": "marmalade"}
        with span("talk", **said):
            note(**{"session_id": "s1", "lk.eou.delay": 7, "anything": "marmalade"})
            raise ValueError("marmalade")

    with pytest.raises(ValueError, match="marmalade"):
        talk()
    flush_spans()
    (one,) = collector.spans
    assert "marm" not in one.text
    assert "s1" in one.text
    assert "lk.eou.delay" in one.text
    assert "ValueError" in one.text


def test_request_when_it_starts_a_session_then_the_session_keeps_its_trace(
    make_settings: MakeSettings, collector: Collector, directory: Directory
) -> None:
    client: FlaskClient = create_app(make_settings(otlp_endpoint=collector.url)).test_client()
    session_id = started(client, {"traceparent": PARENT}, channel="text")
    flush_spans()
    (one,) = collector.named("POST /orchestrator/session/start")
    session = directory.load(session_id)
    assert session is not None
    assert session.traceparent == f"00-{one.trace}-{one.id}-01"
    assert one.trace == PARENT.split("-")[1]
    assert session_id in one.text
    client.get("/health")
    flush_spans()
    (other,) = collector.named("GET /health")
    assert other.trace != one.trace


@pytest.mark.parametrize("hangs", [False, True])
def test_flush_when_the_collector_is_away_or_hangs_then_nobody_waits(
    monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    with black_hole() as silent:
        address = silent if hangs else f"http://127.0.0.1:{free_port()}"
        tracing = start_tracing(settings_with(otlp_endpoint=address), "test")
        assert tracing is not None
        with span("lost"):
            pass
        began = time.monotonic()
        flush_spans()
        assert time.monotonic() - began < 10
        eventually(lambda: tracing.failing, 20, "the collector is known to be away")
        monkeypatch.setattr("sessions.tracing._FLUSH_SECONDS", 60)
        with span("lost too"):
            pass
        began = time.monotonic()
        flush_spans()
        stop_tracing()
        assert time.monotonic() - began < 10


def test_flush_when_the_collector_is_back_then_spans_arrive_again() -> None:
    port = free_port()
    tracing = start_tracing(settings_with(otlp_endpoint=f"http://127.0.0.1:{port}"), "test")
    assert tracing is not None
    with span("lost"):
        pass
    eventually(lambda: tracing.failing, 10, "the collector is known to be away")
    with collecting(port) as collector:
        with span("found"):
            pass
        eventually(lambda: collector.named("found"), 10, "it has arrived")
        eventually(lambda: not tracing.failing, 20, "it is known")
    stop_tracing()


def test_tracing_when_a_process_forks_before_it_starts_then_the_child_sends_its_own() -> None:
    with collecting() as collector:
        pid = os.fork()
        if pid == 0:
            try:
                start_tracing(settings_with(otlp_endpoint=collector.url), "child")
                with span("in the child"):
                    pass
                flush_spans()
            finally:
                os._exit(0)
        waiting = Thread(target=os.waitpid, args=(pid, 0))
        waiting.start()
        waiting.join(20)
        assert [(one.service, one.name) for one in collector.spans] == [
            ("switchboard-child", "in the child")
        ]
