"""The primitives that the guide builds hold in every order, with a cancellation at every point."""

import asyncio
from functools import cache

import pytest

from aiochan.testing import explore
from tests.docs.pages import ROOT, Page


@cache  # the search has to meet the same class again and again, or it knows no state again
def built_in_the_guide(name):
    """Get a class that the guide to the core shows."""
    (block,) = (block for block in Page(ROOT / "docs/guide/core.md").blocks() if f"class {name}:" in block.text)
    space = {"__name__": "guide"}
    exec(block.text.partition("async def main()")[0], space)
    return space[name]


def turnstile(run):
    gate, passed = built_in_the_guide("Turnstile")(), []

    async def guest():
        await gate.pass_through()
        passed.append(True)

    async def porter():
        gate.knock()

    def no_knock_is_lost():
        assert len(passed) + gate.saved == 1
        assert not (gate.saved and len(gate.queue))

    for cancel in (True, True, False):
        run.spawn(guest, cancel=cancel)
    run.spawn(porter)
    run.watch(gate.queue)
    run.state(lambda: gate.saved)
    run.at_end(no_knock_is_lost)


def weighted(run):
    places, taken = built_in_the_guide("Weighted")(3), []

    async def user(n):
        await places.acquire(n)
        taken.append(n)
        try:
            await asyncio.sleep(0)
        finally:
            taken.remove(n)
            places.release(n)

    def no_place_is_given_twice():
        assert 0 <= places.free <= 3 - sum(taken)

    def every_place_is_free():
        assert places.free == 3
        assert not len(places.queue)

    for n in (2, 3, 1):
        run.spawn(user, n, cancel=True)
    run.watch(places.queue)
    run.state(lambda: (places.free, tuple(taken)))
    run.always(no_place_is_given_twice)
    run.at_end(every_place_is_free)


@pytest.mark.parametrize("order", ["fifo", "any"])
@pytest.mark.parametrize("scenario", [turnstile, weighted])
def test_what_the_guide_builds_holds_in_every_order(scenario, order):
    result = explore(scenario, cancels=1, order=order, must_finish=scenario is weighted).check()
    assert result.complete
