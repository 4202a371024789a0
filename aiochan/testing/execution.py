"""One execution of a scenario: what may happen, making it happen, and what must hold.

The engine repeats: check everything, list the options, let the chooser choose, do that. It knows
nothing of searching; `aiochan.testing.explorer` calls it again and again.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeAlias

from aiochan import core
from aiochan.testing.choosers import Chooser
from aiochan.testing.fingerprint import Fingerprinter
from aiochan.testing.innards import (
    exception_of,
    must_cancel,
    never_retrieved,
    result_of,
    sleeps,
    stepped_by,
)
from aiochan.testing.scenario import Interrupt, Run, ScenarioLoop, Spawned
from aiochan.testing.schedule import ADVANCE, CANCEL, END, INTERRUPT, RUN, START, Action, NotDeterministic, Rules
from aiochan.testing.words import callback_words, error_words, stand_words

__all__ = ["Execution", "Found", "Memory", "Scenario", "alone"]

_RUNS_BETWEEN_COLLECTIONS = 25  # little garbage stays in the processor's cache
_RUNS_BETWEEN_LARGE_COLLECTIONS = 20_000  # of what happened to be in use during a small one

Scenario: TypeAlias = Callable[[Run], object]
_Task: TypeAlias = "asyncio.Task[Any]"


class Found(Exception):
    """Something that must not happen did.

    Attributes:
        kind: Which rule was broken; a failure is still the same after shrinking if this is.
        reason: What happened, for people.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@contextmanager
def alone() -> Generator[Callable[[int], None], None, None]:
    """Have the library's dice and budget, and the garbage collector, for oneself.

    The collector is stopped, or finalisers would run at moments that no schedule knows of.

    Yields:
        A function to call after every run, with the number of runs: it collects garbage at times.
    """
    dice, budget, collecting = core.set_dice(None), core.set_budget(0, 0), gc.isenabled()
    gc.disable()
    try:
        yield _collect
    finally:
        core.set_dice(dice)
        core.set_budget(*budget)
        if collecting:
            gc.enable()


def _collect(runs: int) -> None:
    if runs % _RUNS_BETWEEN_COLLECTIONS == 0:
        gc.collect(1 if runs % _RUNS_BETWEEN_LARGE_COLLECTIONS else 2)


class Memory:
    """The states that were met in a search.

    Args:
        states: Their fingerprints; filled in.
        prune: Whether a state that was met before is left alone.
    """

    def __init__(self, states: set[int], *, prune: bool) -> None:
        self._states = states
        self._prune = prune

    def is_done_with(self, state: int) -> bool:
        """Remember a state; return whether it was met before and is to be left alone."""
        if state in self._states:
            return self._prune
        self._states.add(state)
        return False


class Execution:
    """One run of a scenario under a chooser.

    Args:
        scenario: What to run.
        rules: What may happen.
        chooser: Who decides.
        memory: Which states need not be continued; None to continue all.
        trace: A list that gets a line for every step; None for none.

    Attributes:
        steps: How many steps it took.
        new_states: How many states it met first.
    """

    def __init__(
        self,
        scenario: Scenario,
        rules: Rules,
        chooser: Chooser,
        memory: Memory | None = None,
        trace: list[str] | None = None,
    ) -> None:
        self.steps = 0
        self.new_states = 0
        self._scenario = scenario
        self._rules = rules
        self._chooser = chooser
        self._memory = memory
        self._trace = trace
        self._draws: list[str] = []
        self._cancels = rules.cancels
        self._interrupts = rules.interrupts
        self._any = rules.order == "any"
        self._loop = ScenarioLoop(start_at_once=self._any, interrupts=rules.interrupts > 0)
        self._run = Run(self._loop)

    def go(self) -> bool:
        """Run it to its end; False if it came to a state that was seen before.

        Raises:
            Found: Something must not happen and did.
            NotDeterministic: The scenario does not do what it did before.
        """
        return contextvars.Context().run(self._go)

    def _go(self) -> bool:
        core.set_budget(*self._rules.budget or (0, 0))
        core.set_dice(self._draw)
        try:
            with self._loop.running():
                try:
                    self._scenario(self._run)
                    return self._go_on()
                finally:
                    self._loop.abandon()
        finally:
            self._loop.close()

    def forget(self) -> None:
        """Let go of everything, so that little is left for the garbage collector."""
        self._loop.forget()

    def outcome(self) -> tuple[object, ...]:
        """Return how an ended run came out: what became of each task, and what `Run.state` shows."""
        tasks = sorted((label, _fate(task)) for task, label in self._loop.labels.items())
        return *tasks, *(repr(fn()) for fn in self._run.extras)

    def _go_on(self) -> bool:
        chooser, memory = self._chooser, self._memory
        for action in chooser.recorded(self._options):
            if action is END:  # and something was drawn while the end was looked at
                self._check_end()
                return True
            self.steps += 1
            self._do(action)
        while True:
            self._check()
            if memory is not None and memory.is_done_with(self._fingerprint()):
                return False
            self.new_states += 1
            action = chooser.choose(self._options(), self._subject)
            if action is END:
                self._check_end()
                return True
            self.steps += 1
            if self.steps > self._rules.max_steps:
                raise Found("endless", f"no end after {self._rules.max_steps} steps")
            if self._trace is None:
                self._do(action)
            else:
                self._narrate(action, self._trace)

    def _fingerprint(self) -> int:
        """Return the number of the state: of everything that decides what can happen from here on."""
        loop, run = self._loop, self._run
        labels = loop.labels
        walk = Fingerprinter(labels.__getitem__)
        direct = walk.direct
        return walk.number(
            [
                self._cancels,
                self._interrupts,
                loop.time(),
                self._rules.budget and core.budget_left(),
                [(one.name, one.cancels_left) for one in run.spawned],
                [[direct(part) for part in one.program()] for one in run.spawned if one.task is None],
                [
                    (label, walk.task(task), loop.contexts[task] or None)
                    for task, label in sorted(labels.items(), key=_label)
                ],
                [walk.ready(handle) for handle in self._line_of_steps()],
                [direct(timer) for timer in loop.timers],
                [direct(thing) for thing in run.watched],
                [fn() for fn in run.extras],
                [direct(fn) for fn in run.rules],
                [direct(fn) for fn in run.endings],
            ]
        )

    def _line_of_steps(self) -> Iterable[asyncio.Handle]:
        """List what is ready; where any of it may be next, in an order that says nothing."""
        ready, labels = self._loop.ready, self._loop.labels
        if not self._any:
            return ready
        return sorted(ready, key=lambda handle: labels[task] if (task := stepped_by(handle)) else "")

    # -- what may happen, and making it happen

    def _options(self) -> list[Action]:
        """List what can happen now, the usual first."""
        loop, spawned = self._loop, self._run.spawned
        ready = len(loop.ready)
        if not self._any:
            ready = min(ready, 1)
        options = [(RUN, place) for place in range(ready)]
        if not self._any:
            options += [(START, number) for number, one in enumerate(spawned) if one.task is None]
        if not options:
            options.append(END if loop.next_time() is None else ADVANCE)
        if self._cancels:
            options += [(CANCEL, number) for number, one in enumerate(spawned) if one.cancellable]
        if self._interrupts:
            options += [(INTERRUPT, place) for place in range(ready) if stepped_by(loop.ready[place])]
        return options

    def _do(self, action: Action) -> None:
        kind, number = action
        if kind == RUN:
            self._step(self._loop.step, number)
        elif kind == START:
            self._run.spawned[number].start(self._loop)
        elif kind == CANCEL:
            self._cancels -= 1
            self._run.spawned[number].cancel()
        elif kind == INTERRUPT:
            self._interrupts -= 1
            self._step(self._loop.step_interrupted, number)
        else:
            self._loop.advance_to(max(self._loop.time(), self._loop.next_time() or 0.0))

    @staticmethod
    def _step(step: Callable[[int], object], place: int) -> None:
        try:
            step(place)
        except IndexError:
            raise NotDeterministic("the scenario was called again, and less is ready than before") from None
        except Interrupt:
            return  # out of the loop, into the face of the user, who runs the loop again
        except SystemExit as error:
            raise Found("exit", f"a step raised {error_words(error)}") from error

    def _draw(self, n: int) -> int:
        choice = self._chooser.draw(n)
        if self._trace is not None:
            self._draws.append(f"{choice} of {n}")
        return choice

    # -- what is said about it

    def _subject(self, action: Action) -> str:
        """Name the task that an action is about; for a callback, say what it calls."""
        kind, number = action
        if kind in (START, CANCEL):
            return self._run.spawned[number].name
        if kind in (RUN, INTERRUPT):
            return callback_words(self._loop.ready[number])
        return ""

    def _narrate(self, action: Action, trace: list[str]) -> None:
        kind, number = action
        task = stepped_by(self._loop.ready[number]) if kind in (RUN, INTERRUPT) else None
        subject = self._subject(action)
        trace.append(f"{kind} {subject}" if subject else "time goes on")  # also if the step fails
        self._draws.clear()
        self._do(action)
        if action is ADVANCE:
            trace[-1] += f" to {self._loop.time():g}"
        if self._draws:
            trace[-1] += f" (draws {', '.join(self._draws)})"
        if task is not None:
            trace[-1] = trace[-1].replace(subject, stand_words(task), 1)

    # -- what must hold

    def _check(self) -> None:
        """Look at everything that must hold after every step."""
        for context in self._loop.errors:
            raise _heard(context)
        for one in self._run.spawned:
            if one.task is not None and not one.judged and one.task.done():
                one.judged = True
                _judge(one, one.task)
        for thing in self._run.watched:
            _ask("check", thing._check)  # pyright: ignore[reportPrivateUsage]
        for rule in self._run.rules:
            _ask("always", rule)

    def _check_end(self) -> None:
        """Look at everything that must hold when nothing can happen any more."""
        asleep: list[_Task] = []
        for task in self._loop.labels:
            if not task.done():
                if must_cancel(task) or not sleeps(task):
                    raise Found("lost", f"nobody will ever step {stand_words(task)}")
                asleep.append(task)
            elif never_retrieved(task) and not isinstance(exception_of(task), Interrupt):
                error = exception_of(task)
                raise Found(
                    f"task {type(error).__name__}", f"{task.get_name()} failed unseen: {error_words(error)}"
                ) from error
        if asleep and self._rules.must_finish:
            raise Found("asleep", "nobody can go on: " + "; ".join(sorted(map(stand_words, asleep))))
        for ending in self._run.endings:
            _ask("at_end", ending)


def _label(item: tuple[object, str]) -> str:
    return item[1]


def _fate(task: _Task) -> str:
    if not task.done():
        return "waits"
    return "is cancelled" if task.cancelled() else repr(exception_of(task) or result_of(task))


def _heard(context: dict[str, Any]) -> Found:
    error = context.get("exception")
    found = Found("loop", f"the loop's exception handler was called: {context.get('message')}")
    if isinstance(error, BaseException):
        found.reason += f" ({error_words(error)})"
        found.__cause__ = error
    return found


def _judge(one: Spawned, task: _Task) -> None:
    """Complain about a task that ended as it must not."""
    if task.cancelled():
        return
    error = exception_of(task)
    if error is None:
        if task.cancelling() and not one.may_swallow:
            raise Found("swallowed", f"{one.name} was cancelled, but ended as if it had not been")
    elif not isinstance(error, Interrupt):
        raise Found(f"task {type(error).__name__}", f"{one.name} failed: {error_words(error)}") from error


def _ask(kind: str, rule: Callable[[], object]) -> None:
    try:
        rule()
    except Exception as error:
        raise Found(f"{kind} {type(error).__name__}", error_words(error)) from error
