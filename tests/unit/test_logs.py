"""How does Switchboard log, and what never reaches a line?"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from sessions.logs import about, configure_logging
from sessions.models import Session
from sessions.settings import Mode, Settings
from tests.fixtures.redis import MakeSettings
from tests.support.settings import settings_with

SECRET = "do-not-tell"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A request that another test made in this process has left its ids behind.
    structlog.contextvars.clear_contextvars()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("multiprocessing").handlers.clear()
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def production(**values: object) -> Settings:
    return settings_with(mode=Mode.PRODUCTION, **values)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_line_when_logged_then_is_one_json_object_with_level_name_and_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(production())
    structlog.get_logger("workers.reap").warning("session_reaped", reason="idle\ntimeout")
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "session_reaped",
        "reason": "idle\ntimeout",
        "level": "warning",
        "logger": "workers.reap",
    }


def test_ids_when_bound_then_stand_in_every_line_of_libraries_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(production())
    with structlog.contextvars.bound_contextvars(session_id="session_1", correlation_id="c1"):
        structlog.get_logger("ours").info("one")
        logging.getLogger("theirs").info("two %s", "words")
    structlog.get_logger("ours").info("three")
    one, two, three = lines(capsys)
    for line in (one, two):
        assert (line["session_id"], line["correlation_id"]) == ("session_1", "c1")
    assert two["event"] == "two words"
    assert "session_id" not in three


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "livekit_api_secret",
        "password",
        "api_key",
        "apiKey",
        "Authorization",
        "systemPrompt",
        "system_prompt",
        "openingLine",
        "opening_line",
        "recovery_line",
    ],
)
def test_secret_when_given_to_a_line_then_is_hidden_at_any_depth(
    capsys: pytest.CaptureFixture[str], mode: Mode, name: str
) -> None:
    configure_logging(settings_with(mode=mode))
    log = structlog.get_logger("ours")
    log.info("one", **{name: SECRET})
    log.info("two", config={"outer": {name: SECRET}, "kept": "visible"})
    printed = capsys.readouterr().err
    assert SECRET not in printed
    assert "visible" in printed


@pytest.mark.parametrize("mode", list(Mode))
def test_error_when_logged_then_shows_the_traceback_but_no_local_variable(
    capsys: pytest.CaptureFixture[str], mode: Mode
) -> None:
    configure_logging(settings_with(mode=mode))

    def fail(system_prompt: str) -> None:
        raise ValueError(f"{len(system_prompt)} characters")

    try:
        fail(SECRET + " ever")
    except ValueError:
        structlog.get_logger("ours").exception("it_failed")
        logging.getLogger("theirs").exception("it failed")
    printed = capsys.readouterr().err
    assert printed.count("ValueError: 16 characters") == 2
    assert "in fail" in printed
    assert SECRET not in printed


def test_line_when_no_terminal_reads_then_development_shows_it_without_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(settings_with(mode=Mode.DEVELOPMENT))
    structlog.get_logger("workers.reap").warning("session_reaped", reason="idle\ntimeout", count=2)
    logging.getLogger("theirs").info("two words")
    ours, theirs = capsys.readouterr().err.splitlines()
    assert "[warning ] session_reaped" in ours
    assert ours.endswith("[workers.reap] reason='idle\\ntimeout' count=2")
    assert theirs.rstrip().endswith("[theirs]")
    assert "\x1b" not in ours + theirs


def test_line_when_nobody_reads_then_the_writer_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging(production())
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    structlog.get_logger("ours").info("unheard")


def test_level_when_set_then_less_is_not_logged_and_chatty_libraries_are_quiet(
    capsys: pytest.CaptureFixture[str], make_settings: MakeSettings
) -> None:
    configure_logging(production(log_level="warning"))
    logging.getLogger("ours").info("no")
    configure_logging(production(log_level="info"))
    logging.getLogger("httpx").info("no")
    logging.getLogger("httpx").warning("yes")
    logging.getLogger("ours").info("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes", "yes"]


def test_about_when_a_session_is_at_hand_then_every_line_of_the_block_names_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(production())
    fields = {"id": "s1", "channel": "voice", "state": "ready", "generation": "2"}
    fields |= {"scope": "a", "userName": "Ann", "correlationId": "c1", "owned": "2"}
    with about(Session.from_hash({**fields, "accepted": "1", "expiresAt": "2"})):
        structlog.get_logger("ours").info("one")
        logging.getLogger("theirs").info("two")
    with about(None):
        structlog.get_logger("ours").info("three")
    one, two, three = lines(capsys)
    for line in (one, two):
        named = (line["session_id"], line["correlation_id"], line["generation"])
        assert named == ("s1", "c1", 2)
    assert "session_id" not in three


def test_line_when_a_library_passes_nothing_on_then_is_json_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from billiard.util import get_logger

    configure_logging(production())
    get_logger().error("Process %r exited with %r", "ForkPoolWorker-3", "signal 9 (SIGKILL)")
    [line] = lines(capsys)
    assert line["event"] == "Process 'ForkPoolWorker-3' exited with 'signal 9 (SIGKILL)'"
