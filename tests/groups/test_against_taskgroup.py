"""`ErrGroup` beside `asyncio.TaskGroup`: the same random programs come out alike in both.

A program is a few tasks and a body, each of which takes some turns of the loop and then ends, fails, or waits to be
cancelled and does something about it; and cancellations from outside at some turns, of which the last one comes when
everybody else has had time to end. What is compared is how it came out (in peace, cancelled, or with errors), the
errors of tasks that failed by themselves before anything else happened, how every task ended, and what remains counted.

Two differences are allowed for. The body of an `ErrGroup` is cancelled through the loop, one callback later than that
of a `TaskGroup`, so a body that was about to fail still does. And when errors and a cancellation from outside meet,
`cancelling()` is left alone here; what `TaskGroup` does with it depends on the version (docs/design/0011).
"""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from aiochan.groups.errgroup import ErrGroup
from aiochan.testing import virtual

LAST = 40  # turns after which everybody who can end has ended
PROGRAMS = 300


class Boom(Exception):
    pass


@dataclass
class Part:
    """What a task does, or the body."""

    name: str
    turns: int
    then: str  # "return", "raise", "wait"
    cancelled: str  # "go on", "raise", "swallow"
    clean_up: int

    async def __call__(self):
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if self.then == "raise":
                raise Boom(self.name)
            if self.then == "wait":
                await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            for _ in range(self.clean_up):
                await asyncio.sleep(0)
            if self.cancelled == "raise":
                raise Boom(f"{self.name}, cancelled") from None
            if self.cancelled == "go on":
                raise


@dataclass
class Program:
    body: Part
    tasks: list[Part]
    cancellations: list[int]


@dataclass
class Outcome:
    how: str = ""
    errors: set[str] = field(default_factory=set)
    tasks: list[str] = field(default_factory=list)
    counted: int = 0


def draw(seed, *, outside):
    """Draw a program; without `outside` only the last cancellation comes."""
    dice = random.Random(seed)

    def part(name):
        return Part(
            name,
            dice.randrange(6),
            dice.choice(["return", "raise", "wait", "return", "wait"]),
            dice.choice(["go on", "go on", "raise", "swallow"]) if name != "body" else "go on",
            dice.randrange(3),
        )

    tasks = [part(f"task {n}") for n in range(dice.randrange(1, 5))]
    cancellations = sorted(dice.randrange(10) for _ in range(dice.randrange(3))) if outside else []
    return Program(part("body"), tasks, [*cancellations, LAST])


async def perform(program, group, start):
    """Run a program in a group, and tell how it came out."""
    outcome, tasks = Outcome(), []

    async def owner():
        try:
            async with group:
                tasks.extend(start(part) for part in program.tasks)
                await program.body()
        except asyncio.CancelledError:
            outcome.how = "cancelled"
        except ExceptionGroup as errors:
            outcome.how = "errors"
            outcome.errors = {str(error) for error in errors.exceptions}
        else:
            outcome.how = "peace"
        assert all(task.done() for task in tasks), "left before its tasks had ended"
        outcome.counted = asyncio.current_task().cancelling()

    owning = asyncio.create_task(owner())
    turn = 0
    for when in program.cancellations:
        while turn < when and not owning.done():
            await asyncio.sleep(0)
            turn += 1
        owning.cancel()
    await asyncio.wait([owning])
    if not owning.cancelled():  # before it began; or by TaskGroup, which since 3.13 cancels its task once more
        owning.result()
    outcome.tasks = ["cancelled" if task.cancelled() else repr(task.exception()) for task in tasks]
    return outcome


def both(program):
    async def main():
        theirs, ours = asyncio.TaskGroup(), ErrGroup(errors="all")
        return (
            await perform(program, theirs, lambda part: theirs.create_task(part())),
            await perform(program, ours, ours.go),
        )

    return virtual.run(main)


@pytest.mark.parametrize("outside", [False, True], ids=["undisturbed", "cancelled from outside"])
@pytest.mark.parametrize("block", range(5))
def test_the_same_programs_come_out_alike(block, outside):
    seen = set()
    for seed in range(block * PROGRAMS, (block + 1) * PROGRAMS):
        program = draw(seed, outside=outside)
        theirs, ours = both(program)
        told = seed, program, theirs, ours
        assert theirs.how == ours.how, told
        assert theirs.tasks == ours.tasks, told
        assert theirs.errors | {"body"} == ours.errors | {"body"}, told
        assert theirs.errors <= ours.errors, told
        assert ours.how == "errors" or theirs.counted == ours.counted, told
        seen.add(ours.how)
    assert seen >= {"peace", "errors", "cancelled"}
