"""What a `SingleFlight` costs with a crowd before it, and what is left of it (SF02, H19, H23)."""

import asyncio
import contextlib
import gc
import sys
import weakref

import pytest

import aiochan as ac
from aiochan.core import hooks
from tests.conformance.kit import asleep
from tests.groups.kit import Calls, flights, settle


async def answer(value):
    return value


# -- cost, and what is left


class Count(hooks.Observer):
    """Counts who is woken, and who leaves."""

    def __init__(self):
        self.woken_, self.left_ = 0, 0

    def woken(self, waiter):
        self.woken_ += 1

    def left(self, waiter):
        self.left_ += 1


@pytest.fixture
def count():
    count = Count()
    before = hooks.install(count)
    yield count
    hooks.install(before)


CROWD = 10_000


def test_a_crowd_is_woken_once_each(run, count):
    async def main():
        group, calls = ac.SingleFlight(), Calls()
        tasks = [asyncio.create_task(group.do("ann", calls)) for _ in range(CROWD)]
        await asyncio.sleep(0)
        calls.end("value") if calls else asyncio.get_running_loop().call_soon(calls.end, "value")
        assert await asyncio.gather(*tasks) == [("value", True)] * CROWD
        assert len(calls) == 1
        assert (count.woken_, count.left_) == (CROWD, 0)

    run(main)


def test_leaving_costs_the_same_however_many_there_are(run):
    async def main():
        spent = {n: await cost_of_leaving(n) for n in (200, 400)}
        assert spent[400] < 2.1 * spent[200]

    async def cost_of_leaving(n):
        group, calls, steps = ac.SingleFlight(), Calls(), 0
        tasks = [asyncio.create_task(group.do("ann", calls)) for _ in range(n)]
        await settle()

        def count(frame, event, argument):
            nonlocal steps
            steps += event in ("call", "c_call", "line")

        sys.setprofile(count)
        try:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        finally:
            sys.setprofile(None)
        await settle()
        assert calls.cancelled == [0]
        return steps

    run(main)


class Thing:
    """Something a weak reference can be made to."""


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("how", ["value", "error", "cancelled", "left"])
def test_nothing_waits_for_the_collector(run, how, nested):
    """H23: flights, values and errors die when they are over, while the collector is off."""

    async def main():
        group, thing = flights(), Thing()
        alive = weakref.ref(thing)

        async def load(thing):
            await asyncio.sleep(0)
            if how == "error":
                raise LookupError(thing)
            if how == "cancelled":
                raise asyncio.CancelledError(thing)
            if how == "left":
                await asyncio.get_running_loop().create_future()
            return thing

        async def ask(thing):
            with contextlib.suppress(LookupError, ac.Canceled):
                if nested:
                    await group.do("bob", group.do, "ann", load, thing)
                else:
                    await group.do("ann", load, thing)

        tasks = [asyncio.create_task(ask(thing)) for _ in range(3)]
        del thing
        await settle() if how == "left" else await asyncio.wait(tasks)
        while tasks and how == "left":
            tasks.pop().cancel()
        tasks.clear()
        await settle()
        assert alive() is None

    gc.collect()
    gc.disable()
    try:
        run(main)
    finally:
        gc.enable()


def test_nobody_needs_to_keep_the_group_or_the_call(run):
    """H19: nobody else refers to the task, nor to what it waits for."""

    async def main():
        ended, futures = asyncio.Event(), weakref.WeakSet()

        async def load():
            future = asyncio.get_running_loop().create_future()
            futures.add(future)
            await future
            ended.set()

        ac.SingleFlight().do_chan("ann", load)
        await settle()
        gc.collect()
        (future,) = futures
        future.set_result(None)
        await ended.wait()

    run(main)


def test_a_call_that_goes_on_does_not_keep_the_results_that_it_got(run):
    async def main():
        group, calls, alive = flights(), Calls(), []

        async def make():
            thing = Thing()
            alive.append(weakref.ref(thing))
            return thing

        async def load():
            await group.do_chan("bob", make).recv()
            await group.do("cid", make)
            await calls()

        (task,) = await asleep(group.do("ann", load))
        await settle()
        gc.collect()
        assert [thing() for thing in alive] == [None, None]
        calls.end()
        await settle()
        assert task.result() == (None, False)

    run(main)


def test_a_task_factory_that_fails_leaves_nothing_behind(run):
    async def main():
        def refuse(loop, coro, **options):
            raise ZeroDivisionError

        group, loop = flights(), asyncio.get_running_loop()
        before = loop.get_task_factory()
        loop.set_task_factory(refuse)
        try:
            with pytest.raises(ZeroDivisionError):
                group.do_chan("ann", answer, 7)
        finally:
            loop.set_task_factory(before)
        assert group._snapshot() == ()

    run(main)
