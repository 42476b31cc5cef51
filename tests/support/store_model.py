"""What may happen to a session, and what should it look like afterwards? Plain Python, no Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hypothesis import strategies as st

from sessions.states import Reason, State
from tests.support.sessions import owner_of


class Passing(Enum):
    """What time, or the network, does to a session."""

    LEASE = auto()
    DEADLINE = auto()
    HARD_LIMIT = auto()
    SCRIPTS = auto()


Move = tuple[str, dict[str, Any]]

picks = st.integers(0, 59)
scopes = st.sampled_from(["key_a", "key_b"])
users = st.sampled_from(["Ada", "Bob"])
names = st.sampled_from(["one", "two", "three"])
offsets = st.sampled_from([0, 0, 0, 0, 0, 0, -1, 1])
maybe_offsets = st.sampled_from([None, None, 0, 0, -1, 1])
pids = st.sampled_from([7, 8])
signatures = st.sampled_from(["owner", "owner", "owner", "namesake", "successor"])


def move(name: str, /, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Move]:
    """Return calls of the machine's method ``name``."""
    return st.fixed_dictionaries(arguments).map(lambda drawn: (name, drawn))


MOVES: list[st.SearchStrategy[Move]] = [
    move(
        "create",
        scope=scopes,
        user=users,
        voice=st.sampled_from([True, True, True, False]),
        aliases=st.lists(names, max_size=2),
        live=st.sampled_from([0, 0, 0, 2]),
        per_user=st.sampled_from([0, 0, 0, 1]),
    ),
    move("create_the_same_again", pick=picks),
    move("worker_comes_or_goes"),
    move("claim", pick=picks, offset=offsets, pid=pids),
    move("ready", pick=picks, offset=offsets),
    move("agent_comes", pick=picks),
    move("renew", pick=picks, offset=offsets, signature=signatures),
    move("release", pick=picks, signature=signatures),
    move(
        "emit",
        pick=picks,
        offset=maybe_offsets,
        text=st.none() | st.text(max_size=5),
        stamp=st.sampled_from([None, "userJoined", "firstAudio"]),
    ),
    move("begin_ending", pick=picks, reason=st.sampled_from(list(Reason)), offset=maybe_offsets),
    move("recover", pick=picks, offset=maybe_offsets, unless_leased=st.booleans()),
    move("configure", pick=picks, offset=maybe_offsets, user=users),
    move("alias", pick=picks, name=names),
    move("finish", pick=picks),
    move("due", limit=st.sampled_from([1, 2, 200])),
    move("time_passes", pick=picks, what=st.sampled_from(list(Passing))),
]

FREQUENT = [
    move("agent_comes", pick=picks),
    move("recover", pick=picks, offset=st.just(0), unless_leased=st.just(False)),
    move("finish", pick=picks),
]


@dataclass
class Model:
    """What a session should be."""

    id: str
    scope: str = "key_a"
    user: str = "Ada"
    config_user: str = "Ada"
    voice: bool = True
    live: bool = False
    state: str = ""
    generation: int = 0
    owned: int = 0
    owner: str = ""
    leased: bool = False
    has_pid: bool = False
    takeovers: int = 0
    due: bool = False
    past_limit: bool = False
    commanded: bool = False
    reason: str = ""
    aliases: set[str] = field(default_factory=set)
    stamps: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)

    def enter(self, state: State) -> None:
        self.state = state
        self.events.append(("session_state", state))

    def look_later(self) -> None:
        self.due = self.past_limit

    def stale(self, generation: int | None) -> bool:
        return generation is not None and generation != self.generation

    def signed(self, by: str) -> str:
        """Return how a lease is signed by the last owner, another process, or the next owner."""
        match by:
            case "owner":
                return self.owner or owner_of(self.generation)
            case "namesake":
                return owner_of(self.owned, 9)
            case _:
                return owner_of(self.generation + 1)

    def given(self, offset: int | None) -> int | None:
        return None if offset is None else self.generation + offset
