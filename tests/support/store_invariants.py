"""What must hold after every step, whatever the steps were? The database against the models."""

from __future__ import annotations

from collections import Counter

from hypothesis.stateful import RuleBasedStateMachine, invariant
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.events import BEGINNING, EventLog
from sessions.figures import Figures
from sessions.fleet import Fleet
from sessions.history import read_history
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.settings import Settings
from sessions.states import STATE_SCORES, State
from sessions.store import SessionStore
from tests.support.store_model import Model

LINGER = 60
"""Seconds for which the event log of an ended session can be read."""

ALLOWED = {
    (None, "queued"),
    (None, "ready"),
    ("queued", "starting"),
    ("queued", "ending"),
    ("starting", "ready"),
    ("starting", "recovering"),
    ("starting", "ending"),
    ("ready", "recovering"),
    ("ready", "ending"),
    ("recovering", "recovering"),
    ("recovering", "ready"),
    ("recovering", "ending"),
    ("ending", "ended"),
}
"""Which state may follow which in the event log."""


class StoreInvariants(RuleBasedStateMachine):
    """A database, the models of its sessions, and that the two agree."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        super().__init__()
        redis.flushdb()
        self.redis = redis
        self.store = SessionStore(redis, settings)
        self.directory = Directory(redis)
        self.log = EventLog(redis)
        self.fleet = Fleet(redis, settings)
        self.models: dict[str, Model] = {}
        self.claims: set[tuple[str, int]] = set()
        self.seen: dict[str, list[tuple[str, str]]] = {}
        self.cursor: dict[str, str] = {}
        self.highest: dict[str, int] = {}
        self.started: set[str] = set()
        self.worker = False
        self.slots_freed = 0
        self.ghost = Model(new_session_id())

    def living(self) -> list[Model]:
        return [model for model in self.models.values() if model.live]

    def active(self) -> list[Model]:
        return [model for model in self.living() if model.state != State.ENDING]

    @invariant()
    def the_database_holds_exactly_what_the_model_says(self) -> None:
        found = set(self.redis.scan_iter(count=1000)) - {keys.FIGURES}
        assert found == self._expected_keys()

    @invariant()
    def every_key_has_a_ttl(self) -> None:
        found = sorted(self.redis.scan_iter(count=1000))
        with self.redis.pipeline(transaction=False) as pipeline:
            for name in found:
                pipeline.pttl(name)
            lives = dict(zip(found, pipeline.execute(), strict=True))
        assert {name for name, ttl in lives.items() if ttl < 0} == set()
        for model in self.models.values():
            if not model.live:
                assert lives[SessionKeys.of(model.id).events] <= LINGER * 1000

    @invariant()
    def every_index_holds_the_sessions_that_belong_in_it(self) -> None:
        expected: dict[str, set[str]] = {keys.DEADLINES: set(), keys.LIVE: set(), keys.QUEUE: set()}
        for model in self.models.values():
            scope = keys.scope_sessions(model.scope)
            user = keys.user_sessions(model.scope, model.user)
            for name in (keys.DEADLINES, keys.LIVE, scope):
                expected.setdefault(name, set()).update({model.id} if model.live else ())
            ending = model.live and model.state == State.ENDING
            counted = keys.scope_ending(model.scope) if ending else user
            for name in (user, keys.scope_ending(model.scope)):
                expected.setdefault(name, set())
            expected[counted].update({model.id} if model.live else ())
            if model.live and model.state == State.QUEUED:
                expected[keys.QUEUE].add(model.id)
        with self.redis.pipeline(transaction=False) as pipeline:
            for name in expected:
                pipeline.zrange(name, 0, -1)
            found = dict(zip(expected, map(set, pipeline.execute()), strict=True))
        assert found == expected

    @invariant()
    def the_reconciler_finds_no_index_wrong(self) -> None:
        off = {model.id: self.store.reindex(model.id) for model in self.models.values()}
        assert not any(off.values())

    @invariant()
    def the_figures_agree_with_what_happened(self) -> None:
        living = Counter(model.state for model in self.living())
        assert self.directory.count_by_state() == {s: living[s] for s in STATE_SCORES}
        counters = Figures(self.redis).read().counters

        def counted(*start: str) -> int:
            return sum(n for labels, n in counters.items() if labels[: len(start)] == start)

        ended = sum(not model.live for model in self.models.values())
        taken_over = sum(kind == "agent_recovering" for s in self.seen.values() for kind, _ in s)
        created = sum(n for labels, n in counters.items() if labels[-1] == "created")
        assert created == len(self.models)
        assert (counted("ends"), counted("recoveries")) == (ended, taken_over)

    @invariant()
    def each_generation_has_at_most_one_owner(self) -> None:
        living = self.living()
        loaded = self.directory.load_many([model.id for model in living])
        with self.redis.pipeline(transaction=False) as pipeline:
            for model in living:
                pipeline.get(SessionKeys.of(model.id).lease)
            leases: list[str | None] = pipeline.execute()
        for model, session, lease in zip(living, loaded, leases, strict=True):
            assert session is not None
            assert (session.state, session.generation) == (model.state, model.generation)
            assert (session.owned_generation, session.owner) == (model.owned, model.owner)
            assert session.recoveries == model.takeovers
            assert (session.reason or "") == model.reason
            assert set(session.timeline) == set(model.stamps)
            assert session.generation >= self.highest.get(model.id, 0)
            self.highest[model.id] = session.generation
            assert (lease is not None) == model.leased
            if lease is not None:
                assert lease == session.owner
                assert lease.partition(":")[0] == str(session.generation)

    @invariant()
    def stamps_never_change(self) -> None:
        for model, session in self._loaded():
            for name, at in session.timeline.items():
                assert model.stamps[name] in {"", str(at)}
                model.stamps[name] = str(at)

    @invariant()
    def each_transition_is_in_the_log_once_and_in_order(self) -> None:
        cursors = {id_: self.cursor.get(id_, BEGINNING) for id_ in self.models}
        for session_id, events in self.log.read_many(cursors).items():
            seen = self.seen.setdefault(session_id, [])
            for event in events:
                assert event.data["session_id"] == session_id
                before = next((s for k, s in reversed(seen) if k == "session_state"), None)
                if event.type == "session_state":
                    assert event.data.get("previous") == before
                    assert (before, event.data["state"]) in ALLOWED
                seen.append((event.type, event.data.get("state", "")))
                self.cursor[session_id] = event.id
            assert seen == self.models[session_id].events
            assert self.redis.xlen(SessionKeys.of(session_id).events) == len(seen)
            ids = [event.position for event in self.log.read(session_id)]
            assert ids == sorted(set(ids))

    @invariant()
    def the_history_holds_every_turn(self) -> None:
        for model in self.living():
            assert [turn.text for turn in read_history(self.redis, model.id)] == model.turns

    @invariant()
    def aliases_lead_both_ways(self) -> None:
        for model, session in self._loaded():
            assert self.directory.aliases(session) == sorted(model.aliases)
            for alias in model.aliases:
                assert self.directory.by_alias(model.scope, alias) == model.id

    def _loaded(self):
        living = self.living()
        loaded = self.directory.load_many([model.id for model in living])
        return [(m, session) for m, session in zip(living, loaded, strict=True) if session]

    def _expected_keys(self) -> set[str]:
        expected = {keys.WORKERS, keys.worker("w")}
        expected |= {keys.start_rate(scope) for scope in self.started}
        expected |= {keys.SLOT_TIMES} if self.slots_freed else set()
        for model in self.models.values():
            own = SessionKeys.of(model.id)
            expected.add(own.events)
            if not model.live:
                continue
            expected |= {own.session, own.config, keys.DEADLINES, keys.LIVE, keys.STATES}
            expected |= {keys.scope_sessions(model.scope)}
            ending = model.state == State.ENDING
            user = keys.user_sessions(model.scope, model.user)
            expected |= {keys.scope_ending(model.scope) if ending else user}
            expected |= {keys.alias(model.scope, name) for name in model.aliases}
            for name, there in (
                (own.history, model.turns),
                (own.control, model.commanded),
                (own.aliases, model.aliases),
                (own.lease, model.leased),
                (own.pid, model.has_pid),
                (keys.QUEUE, model.state == State.QUEUED),
            ):
                if there:
                    expected.add(name)
        return expected
