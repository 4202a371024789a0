"""H23: a group leaves nothing behind, least of all a circle of an error and the frames that it went through."""

import asyncio
import contextlib
import gc
import weakref

import pytest

import aiochan as ac
from aiochan.groups.errgroup import ErrGroup
from aiochan.groups.errwaitgroup import ErrWaitGroup

SOME = 100
SLACK = 40  # objects: what the loop keeps for its next turn
MODES = ["first", "all", "collect"]


@pytest.fixture(autouse=True)
def not_in_debug_mode(loop_kind):
    if loop_kind == "debug":
        pytest.skip("debug mode keeps the stack of every task and callback, for as long as that is known")


class Boom(Exception):
    pass


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def nothing():
    await asyncio.sleep(0)


async def fails():
    await asyncio.sleep(0)
    raise Boom


async def fails_when_cancelled():
    try:
        await for_ever()
    finally:
        raise Boom


async def in_peace(errors):
    async with ErrGroup(errors=errors, limit=2) as g:
        for _ in range(3):
            g.go(nothing)
        await g.submit(nothing)
        await g.wait()


async def a_task_fails(errors):
    with contextlib.suppress(Boom, ExceptionGroup):
        async with ErrGroup(errors=errors) as g:
            g.go(fails)


async def two_tasks_fail(errors):
    with contextlib.suppress(Boom, ExceptionGroup):
        async with ErrGroup(errors=errors) as g:
            g.go(fails)
            g.go(fails)


async def the_body_fails(errors):
    with contextlib.suppress(Boom, ExceptionGroup):
        async with ErrGroup(errors=errors) as g:
            g.go(nothing)
            raise Boom


async def a_task_fails_late(errors):
    with contextlib.suppress(Boom, ExceptionGroup, ac.Canceled):
        async with ErrGroup(errors=errors) as g:
            g.go(fails_when_cancelled)
            await nothing()
            g.ctx.cancel()


async def the_context_ends(errors):
    with contextlib.suppress(ac.Canceled):
        async with ErrGroup(errors=errors, limit=1) as g:
            g.go(for_ever)
            g.go(for_ever)
            await nothing()
            g.ctx.cancel()
            await for_ever()


async def somebody_waits_for_the_error(errors):
    async def waits():
        with contextlib.suppress(Boom, ExceptionGroup):
            await g.wait()

    with contextlib.suppress(Boom, ExceptionGroup):
        async with ErrGroup(errors=errors) as g:
            g.go(fails)
            await asyncio.create_task(waits())


async def cancelled_from_outside(errors):
    async def owner():
        async with ErrGroup(errors=errors) as g:
            g.go(for_ever)

    task = asyncio.create_task(owner())
    await nothing()
    await nothing()
    task.cancel()
    await asyncio.wait([task])


PROGRAMS = [
    in_peace,
    a_task_fails,
    two_tasks_fail,
    the_body_fails,
    a_task_fails_late,
    the_context_ends,
    somebody_waits_for_the_error,
    cancelled_from_outside,
]


async def growth(once, times):
    """Count the objects that are there after `once` was awaited so often, and were not before."""
    for _ in range(10):  # so that what is kept once, or of the last one, is there before
        await once()
    await nothing()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(times):
            await once()
        await nothing()
        return len(gc.get_objects()) - before
    finally:
        gc.enable()


@pytest.mark.parametrize("errors", MODES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_h23_groups_leave_nothing_behind(run, program, errors):
    async def main():
        return await growth(lambda: program(errors), SOME)

    assert run(main) <= SLACK


@pytest.mark.parametrize("errors", MODES)
def test_h23_an_error_dies_with_the_last_who_wants_it_although_the_group_is_kept(run, loop_kind, errors):
    if loop_kind == "eager":
        pytest.skip("asyncio itself keeps an eager task that failed in its first step")

    class Local(Exception):
        pass

    async def main():
        groups = []

        async def fails():
            raise Local

        async def once():
            async with ErrGroup(errors=errors) as g:
                groups.append(g)
                g.go(fails)

        gc.disable()
        try:
            dead = None
            try:
                await once()
            except Local as error:
                dead = weakref.ref(error)
            except ExceptionGroup as error:
                dead = weakref.ref(error.exceptions[0])
            await nothing()
            assert dead() is None
        finally:
            gc.enable()
        assert groups[0].errors == ()

    run(main)


def test_h23_a_task_that_has_ended_is_not_kept(run):
    async def main():
        async with ErrGroup(limit=1) as g:
            tasks = [weakref.ref(g.go(nothing)) for _ in range(3)]
            await g.wait()
            await nothing()
            assert [task() for task in tasks] == [None] * 3

    run(main)


def test_h19_a_task_is_kept_by_its_group(run):
    async def main():
        async def waits(ch):
            return await ch.recv()

        async with ErrGroup() as g:
            ch = ac.Chan()
            task = weakref.ref(g.go(waits, ch))
            await nothing()
            gc.collect()
            assert task() is not None
            await ch.send("value")

    run(main)


def test_h23_a_wait_group_leaves_nothing_behind(run):
    async def main():
        async def once():
            group = ErrWaitGroup()
            group.add(2)
            waiting = asyncio.create_task(group.wait())
            await nothing()
            for _ in range(2):
                group.error(Boom())
                group.done()
            await asyncio.wait([waiting])
            waiting.exception()

        return await growth(once, SOME)

    assert run(main) <= SLACK
