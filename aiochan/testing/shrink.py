"""From a failing schedule to one with the fewest unusual choices.

The usual choice is number 0: the oldest callback runs, or the next task starts, nothing is
cancelled. A schedule with few others is easy to follow. Two ways, one after the other: take back
one unusual choice of the given schedule after the other; and look through all schedules with no
unusual choice, with one, with two, as far as that is quickly done (delay bounding).
"""

from __future__ import annotations

from collections.abc import Sequence

from aiochan.testing.choosers import Script
from aiochan.testing.execution import Execution, Found, Scenario
from aiochan.testing.schedule import Rules

__all__ = ["shrink"]

_MOST_RUNS = 2000


def shrink(scenario: Scenario, rules: Rules, path: Sequence[int], kind: str, *, runs: int = _MOST_RUNS) -> list[int]:
    """Return the simplest schedule that breaks the same rule.

    Args:
        scenario: What to run.
        rules: What may happen.
        path: A schedule that fails.
        kind: How it fails (`Found.kind`).
        runs: How many schedules may be tried.
    """
    attempts = _Attempts(scenario, rules, kind, runs)
    best = attempts.failing(path)
    if best is None:
        return list(path)  # not deterministic; whoever repeats it will notice
    simpler: list[int] | None = best
    while simpler is not None:
        best = simpler
        simpler = next(filter(None, (attempts.better(candidate, best) for candidate in _simpler(best))), None)
    return _fewest(attempts, _unusual(best)) or best


class _Attempts:
    """Tries schedules, as long as there are tries left."""

    def __init__(self, scenario: Scenario, rules: Rules, kind: str, runs: int) -> None:
        self._scenario = scenario
        self._rules = rules
        self._kind = kind
        self.left = runs

    def run(self, path: Sequence[int]) -> tuple[Script, bool]:
        """Return how a schedule went, the usual added where it ended, and whether it failed."""
        self.left -= 1
        script = Script(path)
        try:
            Execution(self._scenario, self._rules, script).go()
        except Found as found:
            return script, found.kind == self._kind
        return script, False

    def failing(self, path: Sequence[int]) -> list[int] | None:
        """Return a schedule as far as it was needed to fail, or None if it does not."""
        script, failed = self.run(path)
        return script.path if failed else None

    def better(self, path: Sequence[int], best: list[int]) -> list[int] | None:
        """Return a schedule that fails and is simpler than the best so far, or None."""
        if self.left <= 0:
            return None
        found = self.failing(path)
        return found if found is not None and _cost(found) < _cost(best) else None


def _unusual(path: Sequence[int]) -> int:
    return sum(choice != 0 for choice in path)


def _cost(path: Sequence[int]) -> tuple[int, int, Sequence[int]]:
    return _unusual(path), len(path), path


def _simpler(path: list[int]) -> list[list[int]]:
    """List schedules with one unusual choice less, or a smaller one; the boldest first."""
    candidates: list[list[int]] = []
    for place, choice in enumerate(path):
        if choice:
            before, after = path[:place], path[place + 1 :]
            candidates += [before, [*before, 0, *after], before + after]
            candidates += [[*before, smaller, *after] for smaller in range(1, choice)]
    return candidates


def _fewest(attempts: _Attempts, most: int) -> list[int] | None:
    """Look through the schedules with less than `most` unusual choices, those with fewest first."""
    level: list[list[int]] = [[]]
    for _ in range(most):
        following: list[list[int]] = []
        for path in level:
            if attempts.left <= 0:
                return None
            script, failed = attempts.run(path)
            if failed:
                return script.path
            following += [
                [*script.path[:place], choice]
                for place in range(len(path), len(script.path))
                for choice in range(1, script.counts[place])
            ]
        level = following
    return None
