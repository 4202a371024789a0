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
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import aiochan as ac
from aiochan import core
from aiochan.testing.loop import StepLoop
from aiochan.testing.model import (
    Answer,
    ModelCase,
    ModelChan,
    Op,
    Outcome,
    Overflow,
    select,
    select_nowait,
)

Move: TypeAlias = tuple[Any, ...]
Cases: TypeAlias = tuple[tuple[str, int | None], ...]
Dice: TypeAlias = Callable[[int], int]


class Watcher(core.hooks.Observer):
    """Keeps the set of sleeping operations, from what the core tells."""

    def __init__(self) -> None:
        self.asleep: set[core.Waiter] = set()
        self.closed_channels: list[object] = []

    def parked(self, waiter: core.Waiter) -> None:
        assert waiter not in self.asleep, "told twice"
        self.asleep.add(waiter)

    def woken(self, waiter: core.Waiter) -> None:
        self.asleep.remove(waiter)

    def left(self, waiter: core.Waiter) -> None:
        self.asleep.remove(waiter)

    def closed(self, channel: object) -> None:
        self.closed_channels.append(channel)


LINES = ("recvq", "recv"), ("sendq", "send"), ("slotq", "reserve")


class Spec(NamedTuple):
    """How a channel is made."""

    capacity: float
    overflow: Overflow = "wait"


class Mismatch(AssertionError):
    """The real channel and the model disagree."""


class Value:
    """A value that nobody may look into: it is passed on, and that is all."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"v{self.number}"

    def __bool__(self) -> bool:
        raise AssertionError(f"somebody asked for the truth of {self!r}")

    def __eq__(self, other: object) -> bool:
        raise AssertionError(f"somebody compared {self!r} with {other!r}")

    __hash__ = None  # type: ignore[assignment]


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
    """

    specs: Sequence[Spec]
    dice: Dice = field(default=lambda n: 0)

    def __post_init__(self) -> None:
        self.loop = StepLoop()
        self.real = [
            ac.Chan[Any](spec.capacity, name=f"c{i}", overflow=spec.overflow) for i, spec in enumerate(self.specs)
        ]
        self.model = [ModelChan(spec.capacity, overflow=spec.overflow) for spec in self.specs]
        self.live: list[Running] = []  # parked or woken
        self.due: list[Running] = []  # woken or cancelled, in the order in which that happened
        self.permits: list[Running] = []
        self.watcher = Watcher()
        self.moves = 0
        self.values = 0
        self._stack = ExitStack()

    def __enter__(self) -> Pair:
        self._stack.enter_context(self.loop.running())
        self._stack.callback(core.set_budget, *core.set_budget(0, 0))
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
        value = self._new_value()
        return self._begin(f"send {value}", self._chan(c).send(value), "send", c, value)

    def _recv(self, c: int) -> bool:
        return self._begin("recv", self._chan(c).recv(), "recv", c)

    def _recv_ok(self, c: int) -> bool:
        return self._begin("recv_ok", self._chan(c).recv_ok(), "recv_ok", c)

    def _reserve(self, c: int) -> bool:
        spec = self.specs[c % len(self.specs)]
        if spec.capacity < 1 or spec.overflow != "wait":
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
        value, chan = self._new_value(), self._chan(c)
        outcome = _outcome(lambda: chan.send_nowait(value))
        self._same(outcome, self._model(c).send_nowait(value))
        return True

    def _recv_nowait(self, c: int) -> bool:
        self._same(_outcome(self._chan(c).recv_nowait), self._model(c).recv_nowait())
        return True

    def _select_nowait(self, biased: bool, cases: Cases) -> bool:
        real, model = self._cases(cases)
        outcome = _outcome(lambda: ac.select_nowait(*real, biased=biased), pair=True)
        answer = select_nowait(model, lambda _: outcome.index or 0, biased=biased)
        self._same(outcome, answer)
        return True

    def _use(self, i: int) -> bool:
        if not self.permits:
            return False
        permit, value = self.permits[i % len(self.permits)], self._new_value()
        assert permit.chan is not None
        outcome = _outcome(lambda: permit.reservation.send(value))
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
        cause = KeyError() if with_cause else None
        chan, model = self._chan(c), self._model(c)
        outcome, answer = _outcome(lambda: chan.close(cause)), model.close(cause)
        if model.closed and outcome.what == "closed":  # "closed already": the model tells no cause
            outcome = Outcome("closed")
        self._same(outcome, answer)
        return True

    def _run(self, i: int) -> bool:
        if not self.due:
            return False
        running = self.due.pop(i % len(self.due))
        outcome = self._step(running)
        if running.op.state == "over":  # cancelled in its sleep: the model is done with it
            self._same(outcome, Answer(Outcome("cancelled")))
        else:
            self._same(outcome, ModelChan.run(running.op))
        self._over(running, outcome)
        return True

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
        running = self.live.pop(i % len(self.live))
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

    def _chan(self, c: int) -> ac.Chan[Any]:
        return self.real[c % len(self.real)]

    def _model(self, c: int) -> ModelChan:
        return self.model[c % len(self.model)]

    def _new_value(self) -> Value:
        self.values += 1
        return Value(self.values)

    def _cases(self, cases: Cases) -> tuple[list[Any], list[ModelCase | None]]:
        real, model = list[Any](), list[ModelCase | None]()
        for kind, c in cases:
            value = self._new_value() if kind == "send" else None
            args = (value,) if kind == "send" else ()
            real.append(getattr(ac, kind)(None if c is None else self._chan(c), *args))
            model.append(None if c is None else ModelCase(self._model(c), kind, value))  # type: ignore[arg-type]
        return real, model

    def _task(self, what: str, coro: Awaitable[Any]) -> Running:
        op = Op(f"{what} (move {self.moves})")
        return Running(op, self.loop.create_task(coro, name=str(op.name)))  # type: ignore[arg-type]

    def _step(self, running: Running) -> Outcome:
        """Run the one callback of the task that is ready, and tell what became of the task."""
        at = [i for i, handle in enumerate(self.loop.ready) if handle.owner is running.task]
        if len(at) != 1:
            raise Mismatch(f"{running} has {len(at)} callbacks ready")
        self.loop.step(at[0])
        if not running.task.done():
            return PARKED
        return _outcome(running.task.result, pair=str(running).startswith("select"))

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
        if not same or not _same_value(outcome.value, expected.value):
            raise Mismatch(f"the outcome is {outcome}, the model says {expected}")
        self.due += [running for op in answer.woken for running in self.live if running.op is op]

    def _compare(self) -> None:
        """Compare everything that can be seen."""
        woken = [handle.owner for handle in self.loop.ready]
        if woken != [running.task for running in self.due]:
            names = [task and task.get_name() for task in woken]
            raise Mismatch(f"woken are {names}, the model says {self.due}")
        for chan, model in zip(self.real, self.model, strict=True):
            chan._check()
            model.check()
            self._compare_channel(chan, model)
        asleep = sum(running.op.state == "parked" for running in self.live)
        _equal("observer", "asleep", len(self.watcher.asleep), asleep)
        closed = [chan for chan in self.real if chan in self.watcher.closed_channels]
        _equal("observer", "closed", closed, [chan for chan in self.real if chan.closed])
        if self.loop.errors:
            raise Mismatch(f"the loop was told of {self.loop.errors}")

    def _compare_channel(self, chan: ac.Chan[Any], model: ModelChan) -> None:
        stats, shot = chan.stats(), chan._snapshot()
        for name, expected in model.stats()._asdict().items():
            _equal(chan, name, getattr(stats, name), expected)
        _equal(chan, "len()", len(chan), model.stats().length)
        for name, expected in (
            ("granted", len(model.promised)),
            ("reserved", len(model.places)),
            ("closed", model.closed),
            ("dropped", model.dropped),
            ("received", model.received),
        ):
            _equal(chan, name, getattr(shot, name), expected)
        _equal(chan, "held", [id(v) for v, _ in shot.held], [id(v) for v, _ in model.held])
        for (value, real), (_, modelled) in zip(shot.held, model.held, strict=True):
            if modelled and not real:
                raise Mismatch(f"{chan!r}: {value} cannot be taken back, the model says it can")
        for line, side in LINES:
            real_line = [_place(p.owner, p.kind, p.index, p.value) for p in getattr(shot, line)]
            task = {id(r.op): r.task for r in self.live}
            expected = [_place(task[id(s.op)], s.case.kind, s.index, s.case.value) for s in model.waiting(side)]
            _equal(chan, line, real_line, expected)
        for_room = sorted((*shot.sendq, *shot.slotq), key=lambda place: place.ticket)
        arrived = [place.owner and place.owner.get_name() for place in for_room]
        expected = [s.op.name for s in model.line if s.case.side != "recv"]
        _equal(chan, "those in line for room", arrived, expected)


PARKED = Outcome("parked")


def _place(owner: Any, kind: str, index: int | None, value: object) -> tuple[object, ...]:
    if index is None and kind == "recv_ok":  # the real one is free to be a recv with a wrapper
        kind = "recv"
    return owner and owner.get_name(), kind, index, id(value)


def _equal(chan: object, what: str, real: object, expected: object) -> None:
    if real != expected:
        raise Mismatch(f"{chan!r}: {what} is {real}, the model says {expected}")


def _same_value(real: object, expected: object) -> bool:
    if isinstance(real, tuple) and isinstance(expected, tuple):
        return len(real) == len(expected) and all(a is b for a, b in zip(real, expected, strict=True))
    return real is expected


def _outcome(call: Callable[[], Any], *, pair: bool = False) -> Outcome:
    """Tell what a call did; `pair`: it returns the index of a select and the value."""
    try:
        value = call()
    except ac.WouldBlock:
        return Outcome("blocked")
    except ac.ChannelClosed as error:
        return Outcome("closed", None, error.index, error.__cause__)
    except asyncio.CancelledError:
        return Outcome("cancelled")
    if pair:
        return Outcome("done", value[1], value[0])
    return Outcome("done", None if hasattr(value, "__aenter__") else value)


# -- programs


@dataclass(frozen=True)
class Program:
    """Channels, moves, and the seed of the dice."""

    specs: tuple[Spec, ...]
    moves: tuple[Move, ...]
    seed: int = 0

    def run(self) -> int:
        """Run it to the end, and return how many moves were compared.

        Raises:
            Mismatch: Real and model differ.
        AssertionError: An invariant of either is broken.
        """
        with Pair(self.specs, random.Random(self.seed).randrange) as pair:
            for move in self.moves:
                pair.apply(move)
            pair.finish()
            return pair.moves

    def fails(self) -> Exception | None:
        """Run it, and return what went wrong, if anything did."""
        try:
            self.run()
        except Exception as error:
            return error
        return None

    def shortest(self) -> Program:
        """Leave out moves and cases as long as it still fails."""
        program, shrunk = self, True
        while shrunk:
            shrunk = False
            for smaller in program._smaller():
                if smaller.fails() is not None:
                    program, shrunk = smaller, True
                    break
        return program

    def _smaller(self) -> Iterable[Program]:
        moves = self.moves
        for i, move in enumerate(moves):
            yield Program(self.specs, moves[:i] + moves[i + 1 :], self.seed)
            if move[0].startswith("select"):
                for j in range(len(move[2])):
                    fewer = (move[0], move[1], move[2][:j] + move[2][j + 1 :])
                    yield Program(self.specs, (*moves[:i], fewer, *moves[i + 1 :]), self.seed)


# Often enough to fill lines, seldom enough to let them live for a while.
_WEIGHTS = {
    "send": 6,
    "recv": 5,
    "recv_ok": 2,
    "reserve": 2,
    "select": 6,
    "send_nowait": 3,
    "recv_nowait": 2,
    "select_nowait": 1,
    "use": 2,
    "give_up": 1,
    "close": 1,
    "run": 9,
    "cancel": 5,
    "kill": 1,
}
_SPECS = (
    *(Spec(capacity) for capacity in (0, 0, 1, 1, 2, float("inf"))),
    *(Spec(capacity, "drop_oldest") for capacity in (1, 2)),
    *(Spec(capacity, "drop_newest") for capacity in (1, 2)),
)


def random_program(seed: int, length: int = 25) -> Program:
    """Draw a program; the same seed gives the same program."""
    rng = random.Random(seed)
    specs = tuple(rng.choice(_SPECS) for _ in range(rng.choice((1, 1, 2))))
    names = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=length)
    return Program(specs, tuple(_random_move(rng, name, len(specs)) for name in names), seed)


def _random_move(rng: random.Random, name: str, channels: int) -> Move:
    if name.startswith("select"):
        cases = tuple(
            (
                rng.choice(("recv", "recv", "recv_ok", "send", "send")),
                rng.choice((None, *range(channels), *range(channels))),
            )
            for _ in range(rng.choice((0, 1, 2, 2, 2, 3, 3, 4)))
        )
        return name, rng.random() < 0.2, cases
    if name == "close":
        return name, rng.randrange(channels), rng.random() < 0.3
    if name in ("use", "give_up", "run", "cancel", "kill"):
        return name, rng.choice((0, 0, 0, 1, 2, 3))
    return name, rng.randrange(channels)


def check_programs(seeds: Iterable[int], length: int = 25) -> int:
    """Run the programs of `seeds`, and return how many moves were compared.

    Raises:
        AssertionError: One failed; the message has the shortest program that does.
    """
    compared = 0
    for seed in seeds:
        program = random_program(seed, length)
        try:
            compared += program.run()
        except Exception:
            shortest = program.shortest()
            text = f"program of seed {seed}, shortened:\n{shortest}"
            raise AssertionError(text) from shortest.fails()
    return compared
