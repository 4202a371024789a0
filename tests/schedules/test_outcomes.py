"""Both cores come to the same: every outcome of a program that one of them has, the other has too.

The states on the way may differ, for an operation of the compiled core is one object and no frame; what becomes of the
tasks and of the values may not.
"""

from __future__ import annotations

import importlib.util

import pytest

from tests.schedules.outcomes import outcomes_elsewhere
from tests.schedules.programs import PROGRAMS

SMALL = [program.title for program in PROGRAMS if len(program.tasks) <= 3]
QUICK = SMALL[::16]

compiled = pytest.mark.skipif(
    importlib.util.find_spec("aiochan.core._speedups") is None, reason="there is no compiled core here"
)


def come_to_the_same(titles: list[str], order: str, cancels: int) -> None:
    pure = outcomes_elsewhere(titles, order, cancels, core="python")
    other = outcomes_elsewhere(titles, order, cancels, core="c")
    assert sorted(pure) == sorted(titles)
    for title in titles:
        assert pure[title], "nothing came out at all"
        assert pure[title] == other[title], title


@compiled
def test_small_programs_come_to_the_same_on_both_cores() -> None:
    come_to_the_same(QUICK, "fifo", 1)


@compiled
@pytest.mark.exhaustive
@pytest.mark.parametrize(("order", "cancels"), [("fifo", 2), ("any", 1)])
@pytest.mark.parametrize("part", range(6))
def test_all_of_up_to_three_tasks_come_to_the_same(order: str, cancels: int, part: int) -> None:
    come_to_the_same(SMALL[part::6], order, cancels)
