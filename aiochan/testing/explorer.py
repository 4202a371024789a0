"""Searching through the schedules of a small program: all of them, or many at random.

`explore` runs a scenario under every schedule there is. Whenever more than one thing can happen
next - this callback or that one, a task that starts, a task that is cancelled, one answer of the
library's dice or another - it tries each, depth first, by running the scenario from the start again
and again. States that were met before are not continued twice (`aiochan.testing.fingerprint`).
`sample` and `pct` draw schedules at random, for programs that are too large for that.

What is found is shrunk to the fewest unusual choices, told step by step, and repeated by `replay`
from one line.

After loom (Rust), Go's `testing/synctest`, Kotlin's Lincheck and PCT (Burckhardt et al., 2010).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiochan.testing.choosers import Chooser, DepthFirst, Priorities, RandomWalk
from aiochan.testing.execution import Execution, Found, Memory, Scenario, alone
from aiochan.testing.failure import Failure, tell
from aiochan.testing.schedule import ReadyOrder, Rules

__all__ = ["Result", "cross_check", "explore", "pct", "sample"]

_FIRST_GUESS = 40  # steps of a run, before there was one


@dataclass(frozen=True, slots=True)
class Result:
    """What a search did and found.

    Attributes:
        complete: Whether every schedule was covered. Never true for random ones.
        runs: How many times the scenario was called.
        states: How many different states were met. A search that does not recognise states (random, or
            without pruning) counts each as often as it was met.
        failure: The first thing found that must not happen, shrunk; None if nothing was found.
    """

    complete: bool
    runs: int
    states: int
    failure: Failure | None

    def check(self) -> Result:
        """Return this result, or raise the failure if there is one."""
        if self.failure is not None:
            raise self.failure
        return self


def explore(
    scenario: Scenario,
    *,
    cancels: int = 0,
    order: ReadyOrder = "fifo",
    interrupts: int = 0,
    prune: bool = True,
    limit_s: float | None = None,
    max_steps: int = 500,
    must_finish: bool = False,
    budget: tuple[int, int] | None = None,
) -> Result:
    """Run a scenario under every schedule there is, or until something is found.

    Args:
        scenario: Called with a new `Run` for every schedule. It may depend on nothing else.
        cancels: How many times in all the search cancels tasks that were spawned with `cancel=`,
            each at every moment after its start.
        order: `"fifo"`: ready callbacks run in order, as asyncio does it, and when each task starts
            is a choice. `"any"`: all tasks are started at once, and any ready callback may run next:
            harsher than asyncio, and a guard against relying on its order.
        interrupts: How many times a step of a task is hit by a KeyboardInterrupt, which ends the
            task; everything else goes on.
        prune: Whether states that were met before are not continued again.
        limit_s: Stop after so many seconds; the result is then not complete.
        max_steps: A schedule with more steps is a failure.
        must_finish: Whether it is a failure if tasks wait for ever (a deadlock).
        budget: The two bounds of `aiochan.core.set_budget`; by default there are none, so that no
            task yields without need.

    Raises:
        ValueError: An argument is out of range.
        NotDeterministic: The scenario depends on more than the schedule.
        TypeError: The state of the program cannot be compared; see `prune`.
    """
    rules = Rules(order, cancels, interrupts, max_steps, must_finish, budget)
    return _exhaust(scenario, rules, prune, limit_s, None)


def sample(
    scenario: Scenario,
    *,
    runs: int = 1000,
    seed: int = 0,
    cancels: int = 0,
    order: ReadyOrder = "fifo",
    interrupts: int = 0,
    limit_s: float | None = None,
    max_steps: int = 10_000,
    must_finish: bool = False,
    budget: tuple[int, int] | None = None,
) -> Result:
    """Run a scenario under schedules that are drawn at random.

    Args:
        scenario: As in `explore`.
        runs: How many schedules.
        seed: The same seed gives the same schedules.
        cancels: As in `explore`; each run draws how many, and when.
        order: As in `explore`.
        interrupts: As in `explore`.
        limit_s: As in `explore`.
        max_steps: As in `explore`.
        must_finish: As in `explore`.
        budget: As in `explore`.

    Raises:
        ValueError: An argument is out of range.
    """
    rules = Rules(order, cancels, interrupts, max_steps, must_finish, budget)
    strikes = cancels + interrupts

    def chooser(dice: random.Random, length: int) -> Chooser:
        return RandomWalk(dice, strikes=strikes, length=length)

    return _draw(scenario, rules, chooser, runs, seed, limit_s)


def pct(
    scenario: Scenario,
    *,
    runs: int = 1000,
    depth: int = 3,
    seed: int = 0,
    cancels: int = 0,
    order: ReadyOrder = "any",
    interrupts: int = 0,
    limit_s: float | None = None,
    max_steps: int = 10_000,
    must_finish: bool = False,
    budget: tuple[int, int] | None = None,
) -> Result:
    """Run a scenario under random priorities of tasks, which change `depth` - 1 times in a run.

    Finds a bug that needs `depth` events in one order with a known probability in every run, which
    drawing each step on its own does not; see `aiochan.testing.choosers.Priorities`.

    Args:
        scenario: As in `explore`.
        runs: How many schedules.
        depth: How many events in one order the bug needs; 2 or 3 for most.
        seed: The same seed gives the same schedules.
        cancels: As in `sample`.
        order: As in `explore`; `"fifo"` leaves only the starts to the priorities.
        interrupts: As in `explore`.
        limit_s: As in `explore`.
        max_steps: As in `explore`.
        must_finish: As in `explore`.
        budget: As in `explore`.

    Raises:
        ValueError: An argument is out of range.
    """
    rules = Rules(order, cancels, interrupts, max_steps, must_finish, budget)
    if depth < 1:
        raise ValueError(f"depth must be a whole number from 1 up, not {depth!r}")
    strikes = cancels + interrupts

    def chooser(dice: random.Random, length: int) -> Chooser:
        return Priorities(dice, strikes=strikes, length=length, depth=depth)

    return _draw(scenario, rules, chooser, runs, seed, limit_s)


def cross_check(
    scenario: Scenario,
    *,
    cancels: int = 0,
    order: ReadyOrder = "fifo",
    interrupts: int = 0,
    limit_s: float = 60.0,
    max_steps: int = 500,
    must_finish: bool = False,
    budget: tuple[int, int] | None = None,
) -> tuple[Result, Result]:
    """Search a small program with pruning and without, and compare all that can come out.

    This is how to convince oneself that the fingerprint of a kind of program leaves nothing out.
    What comes out of a run is what became of each task, what `Run.state` shows, or how it failed.
    Also compared is which states are met: if two different states have one fingerprint, what follows
    from one of them is missing.

    Args:
        scenario: As in `explore`.
        cancels: As in `explore`.
        order: As in `explore`.
        interrupts: As in `explore`.
        limit_s: How long the search without pruning may take.
        max_steps: As in `explore`.
        must_finish: As in `explore`.
        budget: As in `explore`.

    Returns:
        The results with pruning and without. Failures do not stop them, and are not in them.

    Raises:
        AssertionError: Pruning left out something, or found something that does not exist.
        ValueError: The program is too large, or an argument is out of range.
    """
    rules = Rules(order, cancels, interrupts, max_steps, must_finish, budget)
    pruned, plain = _Findings(), _Findings()
    results = _exhaust(scenario, rules, True, limit_s, pruned), _exhaust(scenario, rules, False, limit_s, plain)
    if not all(result.complete for result in results):
        raise ValueError(f"the program is too large to be searched without pruning in {limit_s} s")
    if pruned.outcomes != plain.outcomes:
        missing = sorted(map(str, plain.outcomes - pruned.outcomes))
        invented = sorted(map(str, pruned.outcomes - plain.outcomes))
        raise AssertionError(f"pruning left out the outcomes {missing} and invented {invented}")
    if pruned.states != plain.states:
        raise AssertionError(f"pruning left out {len(plain.states - pruned.states)} of {len(plain.states)} states")
    return results


# -- inside


class _Findings:
    """What a search came by that does not stop at failures."""

    def __init__(self) -> None:
        self.outcomes: set[object] = set()
        self.states: set[int] = set()


def _exhaust(
    scenario: Scenario, rules: Rules, prune: bool, limit_s: float | None, findings: _Findings | None
) -> Result:
    """Go through all schedules; collect what comes out of them, or stop at a failure."""
    seen = set[int]() if findings is None else findings.states
    memory = Memory(seen, prune=prune) if prune or findings else None
    chooser, states, runs = DepthFirst(), 0, 0
    stop = None if limit_s is None else time.monotonic() + limit_s
    with alone() as collect_garbage:
        while True:
            execution, runs = Execution(scenario, rules, chooser, memory), runs + 1
            try:
                ended = execution.go()
                if ended and findings is not None:
                    findings.outcomes.add(execution.outcome())
            except Found as found:
                if findings is None:
                    failure = tell(scenario, rules, chooser.path, found)
                    return Result(False, runs, states + execution.new_states, failure)
                findings.outcomes.add(("fails", found.reason))
            states += execution.new_states
            execution.forget()
            del execution
            if not chooser.next():
                return Result(True, runs, states, None)
            if stop is not None and time.monotonic() > stop:
                return Result(False, runs, states, None)
            collect_garbage(runs)


def _draw(
    scenario: Scenario,
    rules: Rules,
    make: Callable[[random.Random, int], Chooser],
    runs: int,
    seed: int,
    limit_s: float | None,
) -> Result:
    """Go through schedules that are drawn."""
    if runs < 1:
        raise ValueError(f"runs must be a whole number from 1 up, not {runs!r}")
    dice, length, states = random.Random(seed), _FIRST_GUESS, 0
    stop = None if limit_s is None else time.monotonic() + limit_s
    with alone() as collect_garbage:
        for run in range(1, runs + 1):
            chooser = make(dice, length)
            execution = Execution(scenario, rules, chooser)
            try:
                execution.go()
            except Found as found:
                failure = tell(scenario, rules, chooser.path, found)
                return Result(False, run, states + execution.steps, failure)
            states += execution.steps
            execution.forget()
            length = max(length, execution.steps) if run > 1 else execution.steps
            if stop is not None and time.monotonic() > stop:
                return Result(False, run, states, None)
            collect_garbage(run)
    return Result(False, runs, states, None)
