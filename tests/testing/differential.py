"""A real world of channels and its model, moved together and compared after every move.

`Pair` holds some channels and their models. A move is a small tuple of words and numbers, so that
programs can be drawn, printed, repeated and shortened:

    ("send", c) ("recv", c) ("recv_ok", c) ("reserve", c)      an operation begins, in a task of its own
    ("select", biased, ((kind, c), ...))                       c is None for a case that never happens
    ("send_nowait", c) ("recv_nowait", c) ("select_nowait", biased, cases)
    ("use", i) ("give_up", i)                                  the i-th permit that is held
    ("close", c, with_cause)
    ("run", i)                                                 the i-th of those that were woken
    ("cancel", i) ("kill", i)                                  the i-th of those that have not ended

Numbers that are too large wrap around, and a move that finds nothing to act on is skipped, so any
list of moves is a program. "kill" ends a coroutine where it is, as the garbage collector does.

The loop runs woken tasks one by one, as the search for schedules does, unless `drain` says how many
operations one callback may do, as in production: then "run" lets everybody run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import aiochan as ac
from aiochan import core
from aiochan.testing.innards import waiter_of
from aiochan.testing.loop import StepLoop
from aiochan.testing.model import (
    Answer,
    ModelCase,
    ModelChan,
    ModelSignal,
    Op,
    Outcome,
    select,
    select_nowait,
)
from aiochan.testing.tokens import Overflow
from tests.testing.comparison import (
    LINES,
    PARKED,
    Mismatch,
    Value,
    Watcher,
    compare_channel,
    equal,
    outcome_of,
    same_value,
)

Move: TypeAlias = tuple[Any, ...]
Cases: TypeAlias = tuple[tuple[str, int | None], ...]
Dice: TypeAlias = Callable[[int], int]


class Spec(NamedTuple):
    """How a channel is made; None for a signal."""

    capacity: float | None
    overflow: Overflow = "wait"


@dataclass(eq=False)
class Running:
    """One operation, real and in the model."""

    op: Op
    task: asyncio.Task[Any]
    chan: int | None = None  # for a reservation
    reservation: Any = None

    def __repr__(self) -> str:
        return str(self.op.name)


@dataclass
class Pair:
    """Channels and their models, to be used as a context manager.

    Args:
        specs: How the channels are made.
        dice: Answers the random choices of the real channels.
        drain: None, or the budget of operations for each callback and for each task; 0 is no bound.
    """

    specs: Sequence[Spec]
    dice: Dice = field(default=lambda n: 0)
    drain: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.loop = StepLoop()
        self.loop.single_steps = self.drain is None
        self.real = [_real(spec, f"c{i}") for i, spec in enumerate(self.specs)]
        self.model = [_model(spec) for spec in self.specs]
        self.live: list[Running] = []  # parked or woken
        self.due: list[Running] = []  # woken or cancelled, in the order in which that happened
        self.permits: list[Running] = []
        self.ended: list[Running] = []  # in the order in which that happened
        self.watcher = Watcher()
        self.moves = 0
        self.values = 0
        self._stack = ExitStack()

    def __enter__(self) -> Pair:
        self._stack.enter_context(self.loop.running())
        self._stack.callback(core.set_budget, *core.set_budget(*self.drain or (0, 0)))
        self._stack.callback(core.set_dice, core.set_dice(self.dice))
        self._stack.callback(core.hooks.install, core.hooks.install(self.watcher))
        return self

    def __exit__(self, *_: object) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        while self.loop.ready:
            self.loop.step()
        self._stack.close()

    # -- moves

    def apply(self, move: Move) -> bool:
        """Make a move in both worlds and compare them; False if there is nothing to move."""
        self.moves += 1
        done = bool(getattr(self, f"_{move[0]}")(*move[1:]))
        if done:
            self._compare()
        return done

    def finish(self) -> None:
        """Let everybody run who can, and see that the models agree to the end."""
        while self.apply(("run", 0)):
            pass

    def _send(self, c: int) -> bool:
        if self._is_signal(c):
            return False
        value = self._new_value()
        return self._begin(f"send {value}", self._chan(c).send(value), "send", c, value)

    def _recv(self, c: int) -> bool:
        return self._begin("recv", self._chan(c).recv(), "recv", c)

    def _recv_ok(self, c: int) -> bool:
        return self._begin("recv_ok", self._chan(c).recv_ok(), "recv_ok", c)

    def _reserve(self, c: int) -> bool:
        spec = self.specs[c % len(self.specs)]
        if not spec.capacity or spec.overflow != "wait":
            return False
        reservation = self._chan(c).reserve()
        return self._begin("reserve", reservation.__aenter__(), "reserve", c, None, reservation)

    def _select(self, biased: bool, cases: Cases) -> bool:
        real, model = self._cases(cases)
        running = self._task("select", ac.select(*real, biased=biased))
        outcome = self._step(running)

        def follow(allowed: Sequence[int]) -> int:
            parked = outcome.what == "parked"
            chosen = self._stands_for(running.task) if parked else [outcome.index]
            return next((i for i in chosen if i is not None and i in allowed), -1)

        self._settle(running, outcome, select(running.op, model, follow, biased=biased))
        return True

    def _send_nowait(self, c: int) -> bool:
        if self._is_signal(c):
            return False
        value, chan = self._new_value(), self._chan(c)
        outcome = outcome_of(lambda: chan.send_nowait(value))
        self._same(outcome, self._model(c).send_nowait(value))
        return True

    def _recv_nowait(self, c: int) -> bool:
        self._same(outcome_of(self._chan(c).recv_nowait), self._model(c).recv_nowait())
        return True

    def _select_nowait(self, biased: bool, cases: Cases) -> bool:
        real, model = self._cases(cases)
        outcome = outcome_of(lambda: ac.select_nowait(*real, biased=biased), pair=True)
        answer = select_nowait(model, lambda _: outcome.index or 0, biased=biased)
        self._same(outcome, answer)
        return True

    def _use(self, i: int) -> bool:
        if not self.permits:
            return False
        permit, value = self.permits[i % len(self.permits)], self._new_value()
        assert permit.chan is not None
        outcome = outcome_of(lambda: permit.reservation.send(value))
        self._same(outcome, self._model(permit.chan).use(permit.op, value))
        if outcome.what == "done":
            self._leave(permit)
        return True

    def _give_up(self, i: int) -> bool:
        if not self.permits:
            return False
        permit = self.permits[i % len(self.permits)]
        assert permit.chan is not None
        self._leave(permit)
        self._same(Outcome("done"), self._model(permit.chan).give_up(permit.op))
        return True

    def _close(self, c: int, with_cause: bool = False) -> bool:
        chan, model = self._chan(c), self._model(c)
        args = () if self._is_signal(c) else (KeyError() if with_cause else None,)
        outcome, answer = outcome_of(lambda: chan.close(*args)), model.close(*args)
        if model.closed and outcome.what == "closed":  # "closed already": the model tells no cause
            outcome = Outcome("closed")
        self._same(outcome, answer)
        return True

    def _run(self, i: int) -> bool:
        if not self.due:
            return False
        if self.drain is not None:
            return self._run_all()
        running = self.due.pop(i % len(self.due))
        self._conclude(running, self._step(running))
        return True

    def _run_all(self) -> bool:
        self.ended.clear()
        while self.loop.ready:
            self.loop.step()
        ran: list[Running] = []
        while self.due:
            running = self.due.pop(0)
            ran.append(running)
            self._conclude(running, self._outcome_of(running))
        equal("the loop", "order of ends", self.ended, ran)
        return True

    def _conclude(self, running: Running, outcome: Outcome) -> None:
        """Compare what became of an operation that was woken, or cancelled in its sleep."""
        if running.op.state == "over":  # cancelled in its sleep: the model is done with it
            self._same(outcome, Answer(Outcome("cancelled")))
        else:
            self._same(outcome, ModelChan.run(running.op))
        self._over(running, outcome)

    def _cancel(self, i: int) -> bool:
        if not self.live:
            return False
        running = self.live[i % len(self.live)]
        running.task.cancel()
        if running.op.state == "parked":
            self.due.append(running)  # its CancelledError is on its way
        if running.op.state != "over":
            ModelChan.cancel(running.op)
        return True

    def _kill(self, i: int) -> bool:
        if not self.live:
            return False
        running = self.live[i % len(self.live)]
        if self.drain is not None and running in self.due:
            return False  # its wake-up cannot be taken back
        self.live.remove(running)
        self._end_coroutine(running)
        if running in self.due:
            self.due.remove(running)
        if running.op.state != "over":
            answer = ModelChan.cancel(running.op)
            if running.op.state == "woken":
                answer = ModelChan.run(running.op)
            self._same(Outcome("cancelled"), answer)
        return True

    # -- the real side

    def _is_signal(self, c: int) -> bool:
        return self.specs[c % len(self.specs)].capacity is None

    def _chan(self, c: int) -> Any:
        return self.real[c % len(self.real)]

    def _model(self, c: int) -> ModelChan:
        return self.model[c % len(self.model)]

    def _new_value(self) -> Value:
        self.values += 1
        return Value(self.values)

    def _cases(self, cases: Cases) -> tuple[list[Any], list[ModelCase | None]]:
        real, model = list[Any](), list[ModelCase | None]()
        for kind, c in cases:
            if kind == "send" and c is not None and self._is_signal(c):
                kind = "recv"
            value = self._new_value() if kind == "send" else None
            args = (value,) if kind == "send" else ()
            real.append(getattr(ac, kind)(None if c is None else self._chan(c), *args))
            model.append(None if c is None else ModelCase(self._model(c), kind, value))  # type: ignore[arg-type]
        return real, model

    def _task(self, what: str, awaitable: Awaitable[Any]) -> Running:
        async def program() -> Any:
            try:
                return await awaitable
            finally:
                self.ended.append(running)

        op = Op(f"{what} (move {self.moves})")
        running = Running(op, self.loop.create_task(program(), name=str(op.name)))
        return running

    def _step(self, running: Running) -> Outcome:
        """Run the one callback of the task that is ready, and tell what became of the task."""
        at = [i for i, handle in enumerate(self.loop.ready) if handle.owner is running.task]
        if len(at) != 1:
            raise Mismatch(f"{running} has {len(at)} callbacks ready")
        self.loop.step(at[0])
        if not running.task.done() and waiter_of(running.task) is None:
            return self._step(running)  # it went round the loop first: nothing has happened yet
        return self._outcome_of(running)

    def _outcome_of(self, running: Running) -> Outcome:
        if not running.task.done():
            return PARKED
        return outcome_of(running.task.result, pair=str(running).startswith("select"))

    def _stands_for(self, task: asyncio.Task[Any]) -> list[int | None]:
        shots = [chan._snapshot() for chan in self.real]
        return [
            place.index for shot in shots for line, _ in LINES for place in getattr(shot, line) if place.owner is task
        ]

    def _end_coroutine(self, running: Running) -> None:
        for handle in list(self.loop.ready):
            if handle.owner is running.task:
                handle.cancel()
        running.task._log_destroy_pending = False  # type: ignore[attr-defined]
        coro: Any = running.task.get_coro()
        before = len(self.loop.ready)
        coro.close()
        for handle in list(self.loop.ready)[before:]:
            if handle.owner is running.task:
                raise Mismatch(f"{running} was woken by its own end")

    # -- both sides

    def _begin(
        self,
        what: str,
        coro: Awaitable[Any],
        kind: str,
        c: int,
        value: object = None,
        reservation: Any = None,
    ) -> bool:
        running = self._task(what, coro)
        running.chan, running.reservation = c, reservation
        args = (value,) if kind == "send" else ()
        outcome = self._step(running)
        self._settle(running, outcome, getattr(self._model(c), kind)(running.op, *args))
        return True

    def _settle(self, running: Running, outcome: Outcome, answer: Answer) -> None:
        self.live.append(running)
        self._same(outcome, answer)
        if outcome.what != "parked":
            self._over(running, outcome)

    def _over(self, running: Running, outcome: Outcome) -> None:
        self.live.remove(running)
        if running.reservation is not None and outcome.what == "done":
            self.permits.append(running)

    def _leave(self, permit: Running) -> None:
        """Leave the block of a reservation, which never waits."""
        self.permits.remove(permit)
        leaving = permit.reservation.__aexit__(None, None, None)
        try:
            leaving.send(None)
        except StopIteration:
            return
        raise Mismatch("leaving a reservation waited")

    # -- comparing

    def _same(self, outcome: Outcome, answer: Answer) -> None:
        """Compare an outcome, and expect those to be ready whom the model woke."""
        expected = answer.outcome
        fields = [(getattr(outcome, f), getattr(expected, f)) for f in ("what", "index")]
        same = all(a == b for a, b in fields) and outcome.cause is expected.cause
        if not same or not same_value(outcome.value, expected.value):
            raise Mismatch(f"the outcome is {outcome}, the model says {expected}")
        self.due += [running for op in answer.woken for running in self.live if running.op is op]

    def _compare(self) -> None:
        """Compare everything that can be seen."""
        woken = [handle.owner for handle in self.loop.ready]
        if self.drain is not None:
            equal("the loop", "ready", bool(woken), bool(self.due))
        elif woken != [running.task for running in self.due]:
            names = [task and task.get_name() for task in woken]
            raise Mismatch(f"woken are {names}, the model says {self.due}")
        tasks = {id(running.op): running.task for running in self.live}
        for chan, model in zip(self.real, self.model, strict=True):
            chan._check()
            model.check()
            compare_channel(chan, model, tasks)
        asleep = sum(running.op.state == "parked" for running in self.live)
        equal("observer", "asleep", len(self.watcher.asleep), asleep)
        closed = sum(model.closed for model in self.model)
        equal("observer", "closed", len(self.watcher.closed_channels), closed)
        if self.loop.errors:
            raise Mismatch(f"the loop was told of {self.loop.errors}")


def _real(spec: Spec, name: str) -> Any:
    return ac.Signal(name) if spec.capacity is None else ac.Chan[Any](spec.capacity, name=name, overflow=spec.overflow)


def _model(spec: Spec) -> ModelChan:
    return ModelSignal() if spec.capacity is None else ModelChan(spec.capacity, overflow=spec.overflow)
