"""What is every key in Redis called? This is the only file that knows.

The channel that wakes the readers of an event log has the name of the log itself.
"""

from __future__ import annotations

from dataclasses import dataclass

INDEX_TTL_MS = 24 * 3600 * 1000
"""Longer than any session lives, so an index outlasts what it lists."""

DEADLINES = "sessions:deadlines"
QUEUE = "sessions:queue"
LIVE = "sessions:live"
STATES = "sessions:states"
"""Live sessions by state (``states.STATE_SCORES``): how many are in each is one look-up."""
OFFERED = "sessions:offered"
"""Which waiting session a free process has been given and has not claimed yet, until when."""
SLOT_TIMES = "slots:held"
"""How long each of the last calls held its slot, in ms: from that, how long others wait."""
OPEN_QUESTIONS = "questions:open"
ANSWERERS = "answerers"
WORKERS = "workers"
WORKERS_DRAINING = "workers:draining"
"""Those that take no more calls: they are no capacity, so they have an index of their own."""
DRIFT = "drift"
FIGURES = "figures"
SAMPLES = "figures:samples"
"""What the histograms of starts and turns held every ten minutes of the last day."""
REAPED = "upkeep:reaped"
"""When the reaper last went round, in Unix milliseconds."""
PULSE = "house:pulse"
"""When a worker or the reaper last reached Redis, in Unix milliseconds."""
CUT_OFF = "house:cut-off"
"""Lives for a moment after nobody could; see `sessions.pulse`."""
BEAT_LOCK = "redbeat::lock"
"""Whoever holds it is the beat that ticks; it goes by its TTL when nobody does."""
OUTBOX = "webhooks:outbox"
LOOKS = "sessions:looks"
"""Sessions that somebody shall look at because LiveKit has reported something of them."""
LOOKING = "sessions:looking"
"""Whether somebody has been asked to."""
WALKS = "upkeep:walks"
"""How far the reconciler has come in looking through what it does not look through at once."""
RELAY = "kafka:relay"
"""What the relay last said of Kafka; it has a short TTL, so a relay that is gone says nothing."""

EVERY_LOG = "session:*:events"
"""The pattern of the channels that wake the readers of all event logs."""

SESSION_PREFIXES = ("session:", "agent:", "alias:", "user:", "scope:", "question:")
"""How the keys begin that the sweep looks at; never used inside a request."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys of one session, in the order in which every Lua verb receives them."""

    session: str
    config: str
    events: str
    history: str
    control: str
    aliases: str
    lease: str
    pid: str

    @classmethod
    def of(cls, session_id: str) -> SessionKeys:
        """Name the keys of the session ``session_id``."""
        base = f"session:{session_id}"
        agent = f"agent:{session_id}"
        return cls(
            session=base,
            config=f"{base}:config",
            events=f"{base}:events",
            history=f"{base}:history",
            control=f"{base}:control",
            aliases=f"{base}:aliases",
            lease=f"{agent}:lease",
            pid=f"{agent}:pid",
        )

    def as_list(self) -> list[str]:
        """Return the session's own keys followed by the global indexes, as ``KEYS`` of a verb."""
        return [
            self.session,
            self.config,
            self.events,
            self.history,
            self.control,
            self.aliases,
            self.lease,
            self.pid,
            DEADLINES,
            QUEUE,
            LIVE,
            FIGURES,
            OUTBOX,
        ]


def alias(scope: str, name: str) -> str:
    """Name the key under which ``scope`` calls a session ``name``."""
    return f"alias:{scope}:{name}"


def scope_sessions(scope: str) -> str:
    """Name the index of the live sessions that ``scope`` (an API key) started."""
    return f"scope:{scope}:sessions"


def scope_ending(scope: str) -> str:
    """Name the index of those of them that are ending: they count for no limit any more."""
    return f"scope:{scope}:ending"


def user_sessions(scope: str, user_name: str) -> str:
    """Name the index of one user's live sessions, those left out that are ending."""
    return f"user:{scope}:{user_name}:sessions"


def start_rate(scope: str) -> str:
    """Name the counter of the starts of ``scope`` in the current minute."""
    return f"scope:{scope}:starts"


def question(correlation_id: str) -> str:
    """Name the record of a question; a publish on a channel of that name tells of its answer."""
    return f"question:{correlation_id}"


def offer_turn(session_id: str) -> str:
    """Name the lock of whoever has an offer by WHIP for the session answered."""
    return f"session:{session_id}:offer"


def offers_joining(session_id: str) -> str:
    """Name the set of the offers by WHIP that wait to join a session that others have started."""
    return f"session:{session_id}:joining"


def heard(report_id: str) -> str:
    """Name the mark of a report of LiveKit's that has been heard: a second one is a replay."""
    return f"livekit:heard:{report_id}"


def worker(name: str) -> str:
    """Name the record of the worker ``name``."""
    return f"worker:{name}"


def session_id_of(key: str) -> str | None:
    """Return the session that a ``session:<id>...`` or ``agent:<id>...`` key belongs to."""
    kind, _, rest = key.partition(":")
    if kind not in {"session", "agent"}:
        return None
    return rest.partition(":")[0]


def session_of_hash(key: str) -> str | None:
    """Return the session whose own hash ``key`` is, if it is one."""
    session_id = session_id_of(key)
    return session_id if key == f"session:{session_id}" else None


def is_owner_index(key: str) -> bool:
    """Tell whether ``key`` lists the live sessions of a scope or of a user."""
    return key.startswith(("scope:", "user:")) and key.endswith((":sessions", ":ending"))
