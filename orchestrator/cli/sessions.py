"""Which sessions are there, what happened in one of them, and how is it ended?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import click

from orchestrator.cli.api import Api, ApiError, with_api
from orchestrator.cli.narration import describe
from orchestrator.cli.output import (
    STATE_STYLES,
    Cell,
    ago,
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
)

_PAGE = 200
_EVENTS_PAGE = 1000
_GONE = 410
_STATES = list(STATE_STYLES)
_TIMES = ("claimed", "ready", "ended")
_AMOUNTS = {
    "requests": "requests",
    "inputTokens": "tokens in",
    "outputTokens": "tokens out",
    "characters": "characters",
    "audioMs": "ms of sound",
}
_SPEAKERS = {"assistant": "agent", "user": "caller"}


@click.command
@click.option("--state", type=click.Choice(_STATES), help="Only sessions in this state.")
@click.option("--user", help="Only sessions of this user.")
@click.option(
    "--status", type=click.Choice(["live", "ended", "all"]), default="all", show_default=True
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@json_option
@with_api
def sessions(
    api: Api, state: str | None, user: str | None, status: str, limit: int, as_json: bool
) -> None:
    """List sessions, newest first."""
    found, cursor = _find(api, limit, state=state, userName=user, status=status)
    if as_json:
        print_json({"sessions": found, "nextCursor": cursor})
        return
    if not found:
        click.echo("No sessions.")
        return
    now = time.time_ns() // 1_000_000
    headings = ("session", "state", "user", "channel", "began", "lasted", "end")
    print_table(headings, (_row(session, now) for session in found))
    if cursor:
        click.echo(f"There are more; --limit {limit * 2} shows them.")


@click.command
@click.argument("session")
@click.option("--events", "count", type=click.IntRange(min=0), default=20, show_default=True)
@json_option
@with_api
def show(api: Api, session: str, count: int, as_json: bool) -> None:
    """Show a session, by id or alias: its timeline, config, transcript and last events."""
    found = api.get(f"/orchestrator/session/{quote(session, safe='')}")
    events = _events(api, found["sessionId"])
    if as_json:
        recent = events[len(events) - min(count, len(events)) :]
        print_json({"session": found, "events": recent})
        return
    _print_session(found)
    _print_transcript(found, events)
    _print_events(found, events, count)


@click.command
@click.argument("session")
@json_option
@with_api
def end(api: Api, session: str, as_json: bool) -> None:
    """End a session, by id or alias; ending it twice changes nothing."""
    answer = api.post("/orchestrator/session/end", {"sessionId": session})
    if as_json:
        print_json(answer)
        return
    why = f" ({answer['reason']})" if answer.get("reason") else ""
    click.echo(f"{answer['sessionId']}: {answer['message']}{why}")


def _find(api: Api, limit: int, **filters: Any) -> tuple[list[dict[str, Any]], str | None]:
    """Return up to ``limit`` sessions, page by page, and where the next page begins."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        wanted = min(limit - len(found), _PAGE)
        page = api.get("/orchestrator/sessions", limit=wanted, cursor=cursor, **filters)
        found += page["sessions"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    return found, cursor


def _row(session: Mapping[str, Any], now: int) -> list[Cell]:
    state, ended = session["state"], session["endedAt"]
    return [
        session["sessionId"],
        (state, STATE_STYLES.get(state, "")),
        session["userName"],
        session["channel"],
        f"{ago(now - session['acceptedAt'])} ago",
        ago((ended or now) - session["acceptedAt"]),
        _why(session),
    ]


def _why(session: Mapping[str, Any]) -> str:
    parts = filter(None, (session["reason"], session["fault"] and f"({session['fault']})"))
    return " ".join(parts)


def _events(api: Api, session_id: str) -> list[dict[str, Any]]:
    """Return all events of a session that are still kept."""
    events: list[dict[str, Any]] = []
    since = None
    path = f"/orchestrator/session/{session_id}/events"
    try:
        while True:
            page = api.get(path, since=since, limit=_EVENTS_PAGE)
            events += page["events"]
            since = page["lastId"]
            if len(page["events"]) < _EVENTS_PAGE:
                return events
    except ApiError as error:
        if error.status == _GONE:
            return events
        raise


def _print_session(session: Mapping[str, Any]) -> None:
    state = session["state"]
    print_line((session["sessionId"], "bold"), (state, STATE_STYLES.get(state, "")))
    names = ("userName", "channel", "generation", "recoveries", "worker", "detail")
    facts = [(name, session[name]) for name in names]
    aliases = ", ".join(session["aliases"])
    print_facts("Session", [*facts, ("aliases", aliases), ("end", _why(session))])
    began = session["acceptedAt"]
    stamps = sorted((session["timeline"] or {}).items(), key=lambda stamp: stamp[1])
    offsets = [(name, f"{(at - began) / 1000:8.3f} s") for name, at in stamps]
    if session["endedAt"]:
        offsets.append(("ended", f"{(session['endedAt'] - began) / 1000:8.3f} s"))
    print_facts("Timeline", offsets)
    if session["config"]:
        print_facts("Config", session["config"].items())
    if len(session["generations"]) > 1:
        print_facts("Agents", (_agent(one, began) for one in session["generations"]))
    if session["usage"]:
        print_facts("Usage", _usage(session["usage"]))


def _agent(agent: Mapping[str, Any], began: int) -> tuple[str, str]:
    times = [f"{w} {(at - began) / 1000:.3f} s" for w in _TIMES if (at := agent[f"{w}At"])]
    told = [agent["worker"], ", ".join(times), agent["cause"]]
    return str(agent["number"]), "  ".join(filter(None, told))


def _usage(usage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    heard, played = usage["audioInMs"] / 1000, usage["audioOutMs"] / 1000
    yield "sound", f"{heard:.1f} s heard, {played:.1f} s played"
    for used in usage["models"]:
        amounts = [f"{used[name]} {word}" for name, word in _AMOUNTS.items() if used[name]]
        took = f"{used['modelMs'] / 1000:.1f} s"
        yield used["slot"], f"{used['provider']} {used['model']}: {', '.join([*amounts, took])}"


def _print_transcript(session: Mapping[str, Any], events: list[dict[str, Any]]) -> None:
    turns = session["transcript"]
    if turns is None:
        said = [e["data"] for e in events if e["type"] == "transcript"]
        lines = [(str(data.get("speaker")), data.get("text")) for data in said if data.get("final")]
    else:
        lines = [(_speaker(turn["role"]), turn["text"]) for turn in turns]
    if lines:
        print_facts("Transcript", lines)


def _speaker(role: str) -> str:
    return _SPEAKERS.get(role, role)


def _print_events(session: Mapping[str, Any], events: list[dict[str, Any]], count: int) -> None:
    if not count:
        return
    if not events:
        click.echo("Its events are no longer kept.")
        return
    click.secho(f"Events (the last {min(count, len(events))} of {len(events)})", bold=True)
    for event in events[-count:]:
        print_line(" ", *describe(event, session["acceptedAt"]))
