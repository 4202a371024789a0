"""The world that the state machine of machine.py moves: `Pair` of tests/testing, with more moves and sharper eyes.

Moves in addition to those of `Pair`:

    ("next", c)                         one step of `async for v in ch`
    ("loop", biased, cases)             a `select_loop` is made
    ("round", i)                        one round of it, in a task of its own; several tasks may share a loop
    ("within", seconds, move)           the operation that `move` begins stands in an `asyncio.timeout`
    ("wait_for", seconds, move)         or in an `asyncio.wait_for` (Python 3.12 and later: before, that is a task more)
    ("advance", seconds)                virtual time passes: alarms that are due get ready, behind those already woken
    ("step_many", k)                    the k callbacks that are ready longest run, one after the other
    ("cancel_woken", i) ("cancel_again", i)    cancel who was woken and has not run; cancel who was cancelled already
    ("renew", c, spec)                  a closed channel in which nothing is left makes room for a new one

What `Pair` compares is compared after each of them, and besides:

- Alarms: which are set, for when, and where they stand among the callbacks that are ready.
- Dice: machine_dice.py follows every roll, so that a choice that is not uniform is a difference, without statistics.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

import aiochan as ac
from aiochan.testing.innards import stepped_by
from aiochan.testing.model import (
    Answer,
    ModelCase,
    ModelChan,
    ModelSignal,
    Op,
    Outcome,
)
from tests.testing.comparison import Mismatch, equal
from tests.testing.differential import Cases, Dice, Move, Running, Spec, _model, _real
from tests.volume.machine_dice import Follower
from tests.volume.machine_events import Events

WAIT_FOR_IS_A_TIMEOUT = sys.version_info >= (3, 12)


class Word:
    """What an operation came to that is no value: to be compared by identity."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


ENDED, TIMED_OUT = Word("ended"), Word("timed out")


@dataclass(eq=False)
class Alarm:
    """The timeout around one operation."""

    running: Running
    when: float

    @property
    def task(self) -> asyncio.Task[Any]:
        return self.running.task

    def __repr__(self) -> str:
        return f"alarm of {self.running}"


@dataclass(eq=False)
class Looping:
    """A select_loop, and what the model knows of it: the cases that are left, and their numbers."""

    real: Any
    cases: list[ModelCase]
    numbers: list[int]
    biased: bool
    rounds: int = 0  # that are under way


@dataclass(eq=False)
class Round:
    """A task in the middle of a select_loop, over the cases that were left when it began."""

    looping: Looping
    cases: list[ModelCase]
    numbers: list[int]


class World(Follower):
    """Channels, tasks and time, real and in the model, to be used as a context manager.

    Args:
        specs: How the channels are made.
        dice: Answers the random choices of the real channels.
        drain: As for `Pair`. A loop that drains knows no alarms and no rounds.
        events: Where it is counted what happened.
    """

    due: list[Any]  # of Running, and of Alarm: both have a task

    def __init__(self, specs: Sequence[Spec], dice: Dice, drain: tuple[int, int] | None, events: Events) -> None:
        super().__init__(specs, dice, drain, events)
        self.loops: list[Looping] = []
        self.rounds: dict[Running, Round] = {}
        self.alarms: dict[Running, Alarm] = {}  # that are set, or ready
        self.rung: set[Running] = set()
        self.cancels: Counter[Running] = Counter()
        self.dropped: list[int] = [0] * len(specs)
        self._limit: tuple[str, float] | None = None
        for spec in specs:
            events.makes(spec)

    # -- moves

    def _next(self, c: int) -> bool:
        chan = self._chan(c)

        async def step() -> Any:
            try:
                return await anext(chan)
            except StopAsyncIteration:
                return ENDED

        return self._begin("async for", step(), "recv", c)

    def _within(self, seconds: float, move: Move) -> bool:
        return self._limited("timeout", seconds, move)

    def _wait_for(self, seconds: float, move: Move) -> bool:
        return self._limited("wait_for" if WAIT_FOR_IS_A_TIMEOUT else "timeout", seconds, move)

    def _limited(self, how: str, seconds: float, move: Move) -> bool:
        self._limit = how, seconds
        try:
            return bool(getattr(self, f"_{move[0]}")(*move[1:]))
        finally:
            self._limit = None

    def _advance(self, seconds: float) -> bool:
        now = self.loop.time() + seconds
        self.loop.advance_to(now)
        due = [alarm for alarm in self.alarms.values() if alarm.when <= now and alarm not in self.due]
        self.due += sorted(due, key=lambda alarm: alarm.when)
        return True

    def _step_many(self, k: int) -> bool:
        ran = [self._run(0) for _ in range(k)]
        return ran[0]

    def _run(self, i: int) -> bool:
        if not self.due:
            return False
        if self.drain is not None:
            self.events.saw("drained")
            return self._run_all()
        at = i % len(self.due)
        if at:
            self.events.saw("ran out of turn")
        entry: Running | Alarm = self.due.pop(at)
        if isinstance(entry, Alarm):
            self._ring(entry, at)
        else:
            self._conclude(entry, self._step(entry))
        return True

    def _cancel(self, i: int) -> bool:
        return self._cancel_one(self.live, i)

    def _cancel_woken(self, i: int) -> bool:
        return self._cancel_one([running for running in self.live if running.op.state == "woken"], i)

    def _cancel_again(self, i: int) -> bool:
        return self._cancel_one([running for running in self.live if self.cancels[running]], i)

    def _cancel_one(self, among: list[Running], i: int) -> bool:
        if not among:
            return False
        running = among[i % len(among)]
        self.events.cancels(running.op, again=bool(self.cancels[running] or running in self.rung))
        self.cancels[running] += 1
        running.task.cancel()
        self._model_cancel(running)
        return True

    def _kill(self, i: int) -> bool:
        if not self.live:
            return False
        running = self.live[i % len(self.live)]
        self.events.saw(f"killed: {running.op.state}")
        if not super()._kill(i):
            return False
        self._forget(running)
        return True

    def _select(self, biased: bool, cases: Cases) -> bool:
        real, model = self._cases(cases)
        running = self._task("select", ac.select(*real, biased=biased))
        outcome = self._step(running)
        answer = self._model_select(running.op, model, biased)
        self._settle(running, outcome, answer)
        return True

    def _loop(self, biased: bool, cases: Cases) -> bool:
        if self.drain is not None:
            return False
        real, model = self._cases(cases)
        left = [(i, case) for i, case in enumerate(model) if case is not None]
        loop = ac.select_loop(*real, biased=biased)
        self.loops = [
            *self.loops[-2:],
            Looping(loop, [case for _, case in left], [i for i, _ in left], biased),
        ]
        return True

    def _round(self, i: int) -> bool:
        if not self.loops:
            return False
        looping = self.loops[i % len(self.loops)]

        async def step() -> Any:
            try:
                return await anext(looping.real)
            except StopAsyncIteration:
                return ENDED

        running = self._task("select_loop", step())
        outcome = self._step(running)
        self.events.saw("two rounds of one select_loop", looping.rounds > 0)
        looping.rounds += 1
        self._settle(running, outcome, self._model_round(running, looping))
        return True

    def _use(self, i: int) -> bool:
        if self.permits:
            chan = self._model(self.permits[i % len(self.permits)].chan or 0)
            self.events.saw("place: used", not chan.closed)
            self.events.saw("place: refused, the channel is closed", chan.closed)
        return super()._use(i)

    def _close(self, c: int, with_cause: bool = False) -> bool:
        self.events.closes(self._model(c))
        return super()._close(c, with_cause)

    def _renew(self, c: int, spec: Spec) -> bool:
        at = c % len(self.real)
        old, real = self.model[at], self.real[at]
        if not old.closed or old.held or old.line or old.promised or old.places or self._is_bound(at):
            return False
        shared: Any = ac.recv(real)[0]  # of a signal, too
        self.watcher.closed_channels.remove(shared)
        assert isinstance(self.specs, list)
        self.specs[at], self.real[at], self.model[at] = spec, _real(spec, f"c{at}"), _model(spec)
        self.dropped[at] = 0
        self.events.makes(spec)
        return True

    def _is_bound(self, at: int) -> bool:
        bound = (running.chan for running in (*self.permits, *self.live))
        return any(c is not None and c % len(self.real) == at for c in bound)

    def end(self) -> None:
        """Cancel everybody, and see that nothing is left: nobody in a line, no callback, no alarm."""
        self.finish()
        for running in list(self.live):
            self.apply(("cancel", self.live.index(running)))
        self.finish()
        while self.permits:
            self.apply(("give_up", 0))
        self.finish()
        left = self.live, list(self.loop.ready), self.loop.timers, list(self.watcher.asleep)
        equal("the world", "left over", left, ([], [], [], []))

    # -- what becomes of operations

    def _settle(self, running: Running, outcome: Outcome, answer: Answer) -> None:
        answer = self._translated(running, answer)
        self.events.begins(str(running), outcome)
        super()._settle(running, outcome, answer)
        if outcome.what == "parked" and self._limit is not None:
            _, seconds = self._limit
            self.alarms[running] = alarm = Alarm(running, self.loop.time() + seconds)
            if seconds <= 0:
                self.due.append(alarm)

    def _conclude(self, running: Running, outcome: Outcome) -> None:
        op = running.op
        if op.state == "over":  # cancelled in its sleep: the model is done with it
            answer = Answer(Outcome("cancelled"))
        else:
            with self.events.concluding(op):
                answer = ModelChan.run(op)
            self.events.concludes(op, answer)
        answer = self._translated(running, answer)
        self._same(outcome, answer)
        if outcome.what == "parked":
            self.events.saw("select_loop: went on to sleep")
        else:
            self._over(running, outcome)

    def _over(self, running: Running, outcome: Outcome) -> None:
        timed_out = outcome.value is TIMED_OUT
        super()._over(running, Outcome("cancelled") if timed_out else outcome)  # it has not got its place
        if running in self.alarms and outcome.what == "done":
            self.events.saw("timeout: in time")
            self.events.saw("timeout: due and yet in time", self.alarms[running] in self.due)
        self._forget(running)

    def _forget(self, running: Running) -> None:
        """Take away what an operation that has ended leaves behind."""
        alarm = self.alarms.pop(running, None)
        if alarm in self.due:  # its callback was ready, but the operation was quicker
            self.due.remove(alarm)
        self.rung.discard(running)
        self.cancels.pop(running, None)
        around = self.rounds.pop(running, None)
        if around is not None:
            around.looping.rounds -= 1

    def _translated(self, running: Running, answer: Answer) -> Answer:
        """Say what the program around an operation makes of its outcome."""
        outcome = answer.outcome
        if outcome.what == "cancelled":
            if running in self.rung and not self.cancels[running]:
                self.events.saw("timeout: told")
                return Answer(Outcome("done", TIMED_OUT), answer.woken)
            return answer
        if running in self.rounds and running.op.state == "over" and outcome.value is not ENDED:
            around = self.rounds[running]
            if around.cases:
                return self._after_round(running, around, answer)
        if str(running).startswith("async for") and self._has_ended(running, outcome):
            self.events.saw("async for: ended")
            return Answer(Outcome("done", ENDED), answer.woken)
        return answer

    def _has_ended(self, running: Running, outcome: Outcome) -> bool:
        assert running.chan is not None
        if self._is_signal(running.chan):
            return outcome.what == "done"
        return outcome.what == "closed" and outcome.cause is None

    def _model_cancel(self, running: Running) -> None:
        if running.op.state == "parked":
            self.due.append(running)  # its CancelledError is on its way
        if running.op.state != "over":
            ModelChan.cancel(running.op)

    def _ring(self, alarm: Alarm, at: int) -> None:
        running = alarm.running
        self.loop.step(at)
        del self.alarms[running]
        self.events.saw("timeout: rang in sleep", running.op.state == "parked")
        self.events.saw("timeout: rang in the turn of the wake-up", running.op.state == "woken")
        self.events.saw("timeout: rang after a cancel", bool(self.cancels[running]))
        self.rung.add(running)
        self._model_cancel(running)

    # -- select_loop

    def _model_round(self, running: Running, looping: Looping) -> Answer:
        around = Round(looping, looping.cases, looping.numbers)
        self.rounds[running] = around
        if not around.cases:
            self.events.saw("select_loop: ended")
            return Answer(Outcome("done", ENDED))
        return self._model_select(running.op, around.cases, looping.biased)

    def _after_round(self, running: Running, around: Round, answer: Answer) -> Answer:
        """Say what a round of a select_loop came to; if its channel has ended, that may be another round."""
        outcome, looping = answer.outcome, around.looping
        assert outcome.index is not None
        number, case = around.numbers[outcome.index], around.cases[outcome.index]
        if outcome.what == "closed" and (case.kind != "recv" or outcome.cause is not None):
            self.events.saw("select_loop: raised")
            return Answer(Outcome("closed", None, number, outcome.cause), answer.woken)
        signal = case.kind == "recv" and isinstance(case.chan, ModelSignal)
        value: Any = outcome.value
        if outcome.what == "closed" or signal or (case.kind == "recv_ok" and not value[1]):
            left = [(n, c) for n, c in zip(looping.numbers, looping.cases, strict=True) if n != number]
            looping.numbers, looping.cases = [n for n, _ in left], [c for _, c in left]
            self.events.saw("select_loop: a case left")
        if outcome.what == "done":
            return Answer(Outcome("done", value, number), answer.woken)
        running.op = Op(running.op.name)
        around.cases, around.numbers = looping.cases, looping.numbers
        if not around.cases:
            running.op.state = "over"
            self.events.saw("select_loop: ended")
            return Answer(Outcome("done", ENDED), answer.woken)
        again = self._model_select(running.op, around.cases, looping.biased)
        if running.op.state == "over":
            again = self._after_round(running, around, again)
        return Answer(again.outcome, (*answer.woken, *again.woken))

    # -- the real side

    def _task(self, what: str, awaitable: Awaitable[Any]) -> Running:
        if self._limit is not None and self.drain is None:
            awaitable = _limited(awaitable, *self._limit)
        else:
            self._limit = None
        return super()._task(what, awaitable)

    def _step(self, running: Running) -> Outcome:
        """Run the one callback that steps the task, and tell what became of it."""
        at = [i for i, handle in enumerate(self.loop.ready) if stepped_by(handle) is running.task]
        if len(at) != 1:
            raise Mismatch(f"{running} is stepped by {len(at)} callbacks")
        self.loop.step(at[0])
        if not running.task.done() and running.task._fut_waiter is None:  # type: ignore[attr-defined]
            return self._step(running)  # it went round the loop first: nothing has happened yet
        return self._outcome_of(running)

    def _outcome_of(self, running: Running) -> Outcome:
        task = running.task
        if task.done() and not task.cancelled() and task.exception() is None:
            for word in (ENDED, TIMED_OUT):
                if task.result() is word:
                    return Outcome("done", word)
        return super()._outcome_of(running)

    # -- comparing

    def _compare(self) -> None:
        super()._compare()
        if self.drain is None:
            stepped = [stepped_by(handle) for handle in self.loop.ready]
            expected = [None if isinstance(entry, Alarm) else entry.task for entry in self.due]
            equal("the loop", "callbacks", stepped, expected)
        if self.alarms or self.loop.next_time() is not None:
            waiting = [alarm for alarm in self.alarms.values() if alarm not in self.due]
            when = [(alarm.when, alarm.task) for alarm in sorted(waiting, key=lambda alarm: alarm.when)]
            equal("the loop", "timers", [(timer.when(), timer.owner) for timer in self.loop.timers], when)
        self._note_state()

    def _note_state(self) -> None:
        for i, model in enumerate(self.model):
            if model.dropped != self.dropped[i]:
                self.events.saw(model.overflow, count=model.dropped - self.dropped[i])
                self.dropped[i] = model.dropped
            self.events.states(model)


async def _limited(awaitable: Awaitable[Any], how: str, seconds: float) -> Any:
    try:
        if how == "wait_for":
            return await asyncio.wait_for(awaitable, seconds)
        async with asyncio.timeout(seconds):
            return await awaitable
    except TimeoutError:
        return TIMED_OUT
