"""Failing schedules become simple, and stay the same failure."""

from __future__ import annotations

import asyncio
import random

from aiochan.testing.choosers import RandomWalk, Script
from aiochan.testing.execution import Execution, Found, alone
from aiochan.testing.scenario import Run
from aiochan.testing.schedule import Rules
from aiochan.testing.shrink import shrink

ANY = Rules("any", cancels=1)


def overtaking(run: Run) -> None:
    """Fails if b is done before a, c before b, or anybody is cancelled before c is done."""
    done: list[str] = []

    async def work(name: str) -> None:
        try:
            for _ in range(3):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if "c" not in done:
                raise LookupError("cancelled too early") from None
            raise
        done.append(name)
        assert done == sorted(done), "overtaken"

    for name in "abc":
        run.spawn(work, name, name=name, cancel=True)


def failing_path(kind: str, rules: Rules) -> list[int]:
    """Find a failing schedule, at random: as a rule a wild one."""
    for seed in range(1000):
        chooser = RandomWalk(random.Random(seed), strikes=rules.cancels, length=15)
        try:
            Execution(overtaking, rules, chooser).go()
        except Found as found:
            if found.kind == kind and len(chooser.path) > 5:
                return chooser.path
    raise AssertionError(f"no schedule found that fails as {kind}")


def kind_of(path: list[int], rules: Rules) -> str | None:
    try:
        Execution(overtaking, rules, Script(path, strict=True)).go()
    except Found as found:
        return found.kind
    return None


def test_the_fewest_unusual_choices_are_left() -> None:
    with alone():
        for kind, most in (("task AssertionError", 3), ("task LookupError", 2)):
            path = failing_path(kind, ANY)
            short = shrink(overtaking, ANY, path, kind)
            assert kind_of(short, ANY) == kind, "still the same failure"
            assert sum(choice != 0 for choice in short) <= most < sum(choice != 0 for choice in path)


def test_the_fewest_are_found_even_where_no_single_step_leads_there() -> None:
    """Which of these fail: 0.1 and 3.x.x.x; from the latter no smaller change leads to the former."""

    def scenario(run: Run) -> None:
        steps: list[str] = []

        async def note(name: str) -> None:
            steps.append(name)
            if steps[:2] == ["a", "c"] or steps == ["d", "c", "b", "a"]:
                raise AssertionError("bad")

        for name in "abcd":
            run.spawn(note, name, name=name)

    with alone():
        assert shrink(scenario, Rules("any"), [3, 2, 1], "task AssertionError") == [0, 1]


def test_a_schedule_that_does_not_fail_is_returned_as_it_is() -> None:
    with alone():
        assert shrink(overtaking, ANY, [0, 0, 0], "task AssertionError") == [0, 0, 0]


def test_the_number_of_tries_is_bounded() -> None:
    calls = 0

    def counted(run: Run) -> None:
        nonlocal calls
        calls += 1
        overtaking(run)

    with alone():
        path = failing_path("task AssertionError", ANY)
        shrink(counted, ANY, path, "task AssertionError", runs=10)
    assert calls <= 10
