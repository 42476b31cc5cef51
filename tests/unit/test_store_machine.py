"""Does any interleaving of the verbs keep a session's invariants?

Hypothesis plays orchestrator, agents, reaper and network against a real Redis: right and wrong
generations, duplicates, late messages, leases that expire. A model in plain Python predicts every
reply, and after every step the whole database must look exactly as the model says.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from sessions import keys
from sessions.errors import (
    LimitReachedError,
    NoCapacityError,
    StaleGenerationError,
    UnknownSessionError,
)
from sessions.fleet import WorkerRecord
from sessions.keys import SessionKeys
from sessions.limits import Limits
from sessions.outcomes import AliasTaken, Claim, Refusal
from sessions.states import Channel, Reason, State
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.sessions import config_for, new_session, owner_of
from tests.support.store_invariants import LINGER, StoreInvariants
from tests.support.store_model import FREQUENT, MOVES, Model, Move, Passing

HOUR = 3600
TAKEOVERS = 2
MOST_AT_ONCE = 3


class StoreMachine(StoreInvariants):
    # One rule for all moves: of many rules Hypothesis leaves most out of any one example.
    @rule(step=st.one_of(*MOVES, *FREQUENT))
    def moves(self, step: Move) -> None:
        name, arguments = step
        getattr(self, name)(**arguments)

    # -- who is there

    @initialize()
    def house_opens(self) -> None:
        self.worker_comes_or_goes()
        self.create("key_a", "Ada", True, [], 0, 0)

    def picked(self, number: int) -> Model:
        """Return mostly an active session, sometimes one that is ending, over or never was."""
        active = self.active()
        ending = [model for model in self.living() if model not in active]
        over = [model for model in self.models.values() if not model.live]
        pool = [*active * 3, *ending * 3, *over[-1:], self.ghost]
        return pool[number % len(pool)]

    def worker_comes_or_goes(self) -> None:
        self.worker = not self.worker
        heard = self.store.now() - (0 if self.worker else 2 * HOUR * 1000)
        self.fleet.report(WorkerRecord("w", "host", 1, "boot", "0", 3, 0, heard))

    def create(
        self, scope: str, user: str, voice: bool, aliases: list[str], live: int, per_user: int
    ) -> None:
        if len(self.active()) == MOST_AT_ONCE:
            return
        new = new_session(
            scope=scope,
            user=user,
            channel=Channel.VOICE if voice else Channel.TEXT,
            aliases=aliases,
            limits=Limits(live=live, live_per_user=per_user),
        )
        mine = [model for model in self.living() if model.scope == scope]
        counted = [model for model in self.active() if model.scope == scope]
        taken = {alias: model.id for model in mine for alias in model.aliases}
        wanted = next((taken[alias] for alias in aliases if alias in taken), None)
        over = (live and len(counted) >= live) or (
            per_user and len([model for model in counted if model.user == user]) >= per_user
        )
        try:
            answer = self.store.create(new)
        except LimitReachedError:
            assert wanted is None
            assert over
            return
        except NoCapacityError:
            assert wanted is None
            assert not over
            assert voice
            assert not self.worker
            return
        if isinstance(answer, AliasTaken):
            assert answer == AliasTaken(wanted or "")
            return
        assert answer.id == new.id
        assert wanted is None
        assert not over
        assert self.worker or not voice
        model = Model(new.id, scope, user, user, voice, live=True, aliases=set(aliases))
        model.generation = 1 if voice else 0
        model.enter(State.QUEUED if voice else State.READY)
        model.stamps["accepted"] = ""
        self.models[model.id] = model
        self.started.add(scope)

    def create_the_same_again(self, pick: int) -> None:
        model = self.picked(pick)
        if model.live:
            again = new_session(id=model.id, scope=model.scope, user=model.user)
            assert self.store.create(again) == AliasTaken(model.id)

    # -- what agents do

    def claim(self, pick: int, offset: int, pid: int) -> None:
        model = self.picked(pick)
        generation = model.generation + offset
        owner = owner_of(generation, pid)
        reply = self.store.claim(model.id, generation, owner, "w", "task", pid)
        if not model.live:
            assert reply == Refusal("gone")
        elif model.stale(generation):
            assert reply == Refusal("stale")
        elif model.owned >= generation:
            assert reply == Refusal("owned")
        elif model.state not in {State.QUEUED, State.RECOVERING}:
            assert reply == Refusal("over")
        else:
            assert isinstance(reply, Claim)
            assert (model.id, generation) not in self.claims
            self.claims.add((model.id, generation))
            assert reply.config_fields["userName"] == model.config_user
            model.owned, model.owner = generation, owner
            model.leased = model.has_pid = True
            model.stamps.setdefault("claimed", "")
            if model.state == State.QUEUED:
                model.enter(State.STARTING)
            model.look_later()
            assert reply.session.state == model.state

    def agent_comes(self, pick: int) -> None:
        self.claim(pick, 0, 7)
        self.ready(pick, 0)

    def ready(self, pick: int, offset: int) -> None:
        model = self.picked(pick)
        generation = model.generation + offset
        reply = self.store.ready(model.id, generation, {"joined": self.store.now()})
        if not model.live:
            assert reply == Refusal("gone")
        elif model.stale(generation):
            assert reply == Refusal("stale")
        elif model.state not in {State.STARTING, State.RECOVERING} or model.owned != generation:
            assert reply == Refusal("state")
        else:
            assert reply is None
            back = model.state == State.RECOVERING
            model.enter(State.READY)
            if back:
                model.events.append(("agent_recovered", ""))
            model.stamps |= {"joined": "", "ready": ""}
            model.look_later()

    def renew(self, pick: int, offset: int, signature: str) -> None:
        model = self.picked(pick)
        generation, owner = model.generation + offset, model.signed(signature)
        try:
            state = self.store.renew(model.id, generation, owner)
        except StaleGenerationError:
            assert not self._owns(model, generation, owner)
            return
        assert self._owns(model, generation, owner)
        assert state == model.state
        model.leased = True
        if state != State.ENDING:
            model.look_later()

    def _owns(self, model: Model, generation: int, owner: str) -> bool:
        return (
            model.live
            and generation == model.generation == model.owned
            and owner == model.owner != ""
        )

    def release(self, pick: int, signature: str) -> None:
        model = self.picked(pick)
        owner = model.signed(signature)
        reply = self.store.release(model.id, owner)
        if not model.live:
            assert reply == Refusal("gone")
        elif not self._owns(model, model.generation, owner):
            assert reply == Refusal("stale")
        else:
            assert reply is None
            model.leased = model.has_pid = False
            model.owner = ""
            self.slots_freed += model.state == State.ENDING
            model.due = True

    def emit(self, pick: int, offset: int | None, text: str | None, stamp: str | None) -> None:
        model = self.picked(pick)
        turn = None if text is None else {"role": "user", "text": text}
        stale = not model.live or model.stale(model.given(offset))
        try:
            event_id = self.store.emit(
                model.id,
                "transcript",
                {"text": text},
                generation=model.given(offset),
                turn=turn,
                stamps=[stamp] if stamp else [],
            )
        except StaleGenerationError:
            assert stale
            return
        assert not stale
        assert event_id == self.log.last_id(model.id)
        model.events.append(("transcript", ""))
        if text is not None:
            model.turns.append(text)
        if stamp:
            model.stamps.setdefault(stamp, "")

    # -- what the house does

    def begin_ending(self, pick: int, reason: Reason, offset: int | None) -> None:
        if len(self.active()) == 1:
            return
        model = self.picked(pick)
        reply = self.store.begin_ending(model.id, reason, generation=model.given(offset))
        if not model.live:
            assert reply == Refusal("gone")
        elif model.stale(model.given(offset)):
            assert reply == Refusal("stale")
        elif model.state == State.ENDING:
            assert reply == Refusal("state")
        else:
            assert reply is None
            self._ends(model, reason)

    def _ends(self, model: Model, reason: Reason) -> None:
        model.reason = reason
        model.enter(State.ENDING)
        model.commanded = True
        model.due = not model.leased

    def recover(self, pick: int, offset: int | None, unless_leased: bool) -> None:
        model = self.picked(pick)
        reply = self.store.recover(
            model.id, "crash", generation=model.given(offset), unless_leased=unless_leased
        )
        if not model.live:
            assert reply == Refusal("gone")
        elif model.stale(model.given(offset)):
            assert reply == Refusal("stale")
        elif model.state not in {State.STARTING, State.READY, State.RECOVERING}:
            assert reply == Refusal("state")
        elif unless_leased and model.leased:
            assert reply == Refusal("leased")
        elif model.takeovers == TAKEOVERS:
            assert reply == Refusal("given_up")
            model.leased = model.has_pid = False
            self._ends(model, Reason.RECOVERY_FAILED)
        else:
            model.generation += 1
            model.takeovers += 1
            assert reply == model.generation
            model.enter(State.RECOVERING)
            model.events.append(("agent_recovering", ""))
            model.leased = model.has_pid = False
            model.look_later()

    def configure(self, pick: int, offset: int | None, user: str) -> None:
        model = self.picked(pick)
        reply = self.store.write_config(model.id, config_for(user), generation=model.given(offset))
        if not model.live:
            assert reply == Refusal("gone")
        elif model.stale(model.given(offset)):
            assert reply == Refusal("stale")
        else:
            assert reply is None
            model.config_user = user

    def alias(self, pick: int, name: str) -> None:
        model = self.picked(pick)
        session = self.directory.load(model.id)
        if session is None:
            assert not model.live
            return
        other = [m for m in self.living() if m.scope == model.scope and name in m.aliases]
        reply = self.store.add_alias(session, name)
        if other and other[0] is not model:
            assert reply == AliasTaken(other[0].id)
        else:
            assert reply is None
            model.aliases.add(name)

    def finish(self, pick: int) -> None:
        model = self.picked(pick)
        session = self.directory.load(model.id)
        if session is None:
            assert not model.live
            return
        reply = self.store.finish(session)
        if model.state != State.ENDING:
            assert reply == Refusal("state")
            return
        assert reply is None
        self._is_over(model)
        assert self.store.finish(session) == Refusal("gone")
        with pytest.raises(UnknownSessionError):
            self.store.add_alias(session, "late")

    def _is_over(self, model: Model) -> None:
        model.enter(State.ENDED)
        model.events.append(("session_ended", ""))
        model.live = False

    def due(self, limit: int) -> None:
        waiting = [model for model in self.living() if model.due]
        given = self.store.due(limit, hold_seconds=HOUR)
        assert len(given) == min(limit, len(waiting))
        assert set(given) <= {model.id for model in waiting}
        for session_id in given:
            self.models[session_id].due = False

    # -- what time and the network do

    def time_passes(self, pick: int, what: Passing) -> None:
        model = self.picked(pick)
        own = SessionKeys.of(model.id)
        if what is Passing.LEASE:
            self.redis.pexpire(own.lease, 1)
            eventually(lambda: not self.redis.exists(own.lease), step=0.001)
            model.leased = False
        elif what is Passing.DEADLINE and model.live:
            self.redis.zadd(keys.DEADLINES, {model.id: self.store.now() - HOUR * 1000})
            model.due = True
        elif what is Passing.HARD_LIMIT and model.live:
            self.redis.hset(own.session, "expiresAt", self.store.now() - 1000)
            model.past_limit = True
        elif what is Passing.SCRIPTS:
            self.redis.script_flush()


@pytest.mark.timeout(300)
def test_verbs_in_any_order_keep_every_invariant(redis: Redis, make_settings: MakeSettings) -> None:
    # Every timeout is an hour, so that time passes only where a rule lets it.
    settings = make_settings(
        lease_seconds=HOUR,
        renudge_seconds=HOUR,
        idle_timeout_seconds=HOUR,
        ending_grace_seconds=HOUR,
        recovery_window_seconds=HOUR,
        worker_lost_seconds=HOUR,
        recoveries_max=TAKEOVERS,
        event_linger_seconds=LINGER,
    )

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(redis, settings)

    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            max_examples=80,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow],
            # Add Phase.shrink for the shortest way to a failure: it takes Hypothesis minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
