"""The ways in which schedules are drawn, and how many of them each program gets.

Run this file to repeat a schedule that failed: python -m tests.volume.ways "the title" "the line"
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aiochan.testing import Failure, Result, pct, replay, sample
from tests.volume.stage import Tally, Workload
from tests.volume.workloads import WORKLOADS, named

BUDGET = (3, 5)  # tasks yield after so few operations that every program does; off in the other ways


class Way(NamedTuple):
    """A name, and what draws: called with a scenario, and `runs`, `seed`, `cancels` and `must_finish`."""

    name: str
    draw: Callable[..., Result]


WAYS = [
    Way("random", sample),
    Way("random, any order", partial(sample, order="any")),
    Way("random, any order, a small budget", partial(sample, order="any", budget=BUDGET)),
    *(Way(f"priorities, depth {depth}", partial(pct, depth=depth)) for depth in (1, 2, 3)),
]


class Drawn(NamedTuple):
    """What was drawn of a program."""

    schedules: int
    steps: int
    tally: Tally


def draw(workload: Workload, schedules: int, seed: int) -> Drawn:
    """Draw at least so many schedules of a program, in equal parts by each way; raise the first failure."""
    each = -(-schedules // len(WAYS))
    place = WORKLOADS.index(workload)
    workload.tally, steps = Tally(), 0
    for number, way in enumerate(WAYS):
        steps += draw_one_way(workload, way, each, 1000 * seed + len(WAYS) * place + number).states
    return Drawn(each * len(WAYS), steps, workload.tally)


def draw_one_way(workload: Workload, way: Way, schedules: int, seed: int) -> Result:
    """Draw schedules of a program by one way; raise the first failure."""
    result = way.draw(workload, runs=schedules, seed=seed, cancels=workload.cancels, must_finish=True)
    if (failure := result.failure) is not None:
        failure.add_note(f"{workload.title}, {way.name}, schedule {result.runs} of seed {seed}; to repeat it:")
        failure.add_note(f'  python -m tests.volume.ways "{workload.title}" "{failure.line}"')
        raise failure
    return result


if __name__ == "__main__":
    try:
        print(*replay(named(sys.argv[1]), sys.argv[2]), "it does not fail", sep="\n")
    except Failure as failure:
        sys.exit(str(failure))
