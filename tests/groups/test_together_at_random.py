"""`all_of` beside `asyncio.gather`; `race`, `first_of` and `last_of` beside a model: random orders, on virtual time."""

import asyncio
import contextlib
import functools
import random

import pytest

import aiochan as ac
from aiochan.testing import virtual

SEEDS = range(150)


class Boom(Exception):
    """What functions fail with."""


class Plan:
    """What some functions are to do: how long each takes, and whether it fails. Two may end at the same time."""

    def __init__(self, seed):
        self.seed = seed
        self.dice = dice = random.Random(seed)
        self.steps = [
            (dice.choice([0, 0, 1, 1, 2, 3, 5, 8]), dice.random() < fails)
            for fails in [dice.random()] * dice.randint(1, 7)
        ]
        self.ended = []  # who has come to an end by himself, in order

    async def one(self, number):
        seconds, fails = self.steps[number]
        if seconds:
            await asyncio.sleep(seconds)
        self.ended.append(number)
        if fails:
            raise Boom(number)
        return number

    @property
    def fns(self):
        return [functools.partial(self.one, number) for number in range(len(self.steps))]

    def failed(self, number):
        return self.steps[number][1]

    def run(self, call):
        """Run a call in an order that the seed says, and return what came out: a result, or an error."""

        async def main():
            self.ended = []
            try:
                return await call(), asyncio.get_running_loop().time()
            except Boom as error:
                return error, asyncio.get_running_loop().time()

        return virtual.run(main, seed=self.seed)


def told(outcome):
    """Say what came out, so that it can be compared: errors compare by identity."""
    result, when = outcome
    return [repr(each) for each in result] if isinstance(result, list | tuple) else repr(result), when


@pytest.mark.parametrize("seed", SEEDS)
def test_all_of_with_errors_is_what_gather_is(seed):
    """GP08."""
    plan = Plan(seed)
    ours = plan.run(lambda: ac.all_of(*plan.fns, return_exceptions=True))
    theirs = plan.run(lambda: asyncio.gather(*(fn() for fn in plan.fns), return_exceptions=True))
    assert told(ours) == told(theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_of_is_what_gather_is(seed):
    """Which leaves the others at work on an error; so they are compared until then."""
    plan = Plan(seed)

    async def gather():
        tasks = [asyncio.ensure_future(fn()) for fn in plan.fns]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    task.exception()

    assert told(plan.run(lambda: ac.all_of(*plan.fns))) == told(plan.run(gather))


@pytest.mark.parametrize("seed", SEEDS)
def test_race_is_what_the_model_says(seed):
    plan = Plan(seed)
    result, when = plan.run(lambda: ac.race(*plan.fns))
    winners = [number for number in plan.ended if not plan.failed(number)]
    if winners:
        assert result == winners[0]
        assert when == plan.steps[result][0] == min(seconds for seconds, fails in plan.steps if not fails)
        assert all(plan.steps[number][0] <= when for number in plan.ended)
    else:
        assert result.args == (plan.ended[-1],)
        assert when == max(seconds for seconds, _ in plan.steps)
        assert sorted(plan.ended) == list(range(len(plan.steps)))


@pytest.mark.parametrize("seed", SEEDS)
def test_first_of_and_last_of_are_what_the_model_says(seed):
    plan = Plan(seed)
    n = plan.dice.randint(1, len(plan.steps) + 1)
    for last in (False, True):
        combinator = ac.last_of if last else ac.first_of
        result, when = plan.run(functools.partial(combinator, n, *plan.fns))
        enough = len(plan.steps) if last else min(n, len(plan.steps))
        failed = [number for number in plan.ended[:enough] if plan.failed(number)]
        if failed:
            assert result.args == (failed[0],)
            assert when == plan.steps[failed[0]][0]
        else:
            assert result == (plan.ended[-n:] if last else plan.ended[:n])
            assert when == plan.steps[plan.ended[enough - 1]][0]
