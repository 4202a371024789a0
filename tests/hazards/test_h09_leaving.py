"""H9, H10: a sender that leaves after its value was admitted; what those who left cost those who stay."""

import asyncio
import contextvars
import gc
import random
import weakref

import pytest

import aiochan as ac
from aiochan.core import Waiter, WaitQueue
from tests.hazards.awaits import every_wait, full
from tests.hazards.stage import assert_idle, drain, parked, see_off, settle, start, turn, until

CROWD = 200
TOMBSTONES = 40  # dead waiters that a line may keep, for some time


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_h09_a_send_that_is_tried_again_is_sent_once(run, attempts):
    async def main():
        ch = full()
        for _ in range(attempts):
            [task] = await start(ch.send("mine"), on=[ch])
            old = ch.recv_nowait()
            task.cancel()
            await settle(task)
            ch.send_nowait(old)
        drain(ch)
        await ch.send("mine")
        assert drain(ch) == ["mine"]

    run(main)


@every_wait
def test_h10_who_leaves_is_out_of_the_count_at_once(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        task.cancel()
        assert wait.asleep() == 0
        for thing in wait.things:
            thing._check()
        await settle(task)

    run(main)


@every_wait
def test_h10_who_leaves_an_idle_thing_leaves_no_memory(run, make):
    async def main():
        wait = make()
        before = waiters()
        for _ in range(3 * TOMBSTONES):
            await see_off(*await start(wait.operation(), on=wait.things))
        assert wait.asleep() == 0
        assert waiters() - before <= TOMBSTONES * len(wait.things)

    run(main)


def waiters():
    gc.collect()
    return sum(type(thing) is Waiter for thing in gc.get_objects())


ORDERS = {
    "first come, first gone": lambda tasks: tasks,
    "last come, first gone": lambda tasks: tasks[::-1],
    "in disorder": lambda tasks: random.Random(1).sample(tasks, len(tasks)),
    "all but the first": lambda tasks: tasks[1:],
    "all but the last": lambda tasks: tasks[:-1],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("make", [ac.Chan, WaitQueue])
def test_h10_a_crowd_leaves_in_any_order(run, make, order):
    async def main():
        thing = make()
        wait = thing.recv if isinstance(thing, ac.Chan) else thing.park
        tasks = [asyncio.create_task(wait()) for _ in range(CROWD)]
        await until(lambda: parked(thing) == CROWD)
        leaving = order(tasks)
        for number, task in enumerate(leaving, 1):
            task.cancel()
            assert parked(thing) == CROWD - number
        thing._check()
        await settle(*leaving)
        await see_off(*tasks)
        assert_idle(thing)

    run(main)


class Thing:
    """Something whose end can be seen."""


@every_wait
def test_h10_a_task_that_left_is_forgotten(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        task.cancel()
        await settle(task)
        seen = weakref.ref(task)
        del task
        gc.collect()
        assert seen() is None

    run(main)


SENDS = {
    "send": lambda ch, value: ch.send(value),
    "select": lambda ch, value: ac.select(ac.send(ch, value), ac.recv(ac.Chan())),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS.keys())
def test_h10_what_it_would_have_sent_is_forgotten(run, send):
    async def main():
        ch, value = ac.Chan(), Thing()
        seen = weakref.ref(value)
        [task] = await start(send(ch, value), on=[ch])
        task.cancel()
        await settle(task)
        del value, task
        gc.collect()
        assert seen() is None

    run(main)


def test_h10_what_it_would_have_wanted_is_forgotten(run):
    async def main():
        queue, tag = WaitQueue(), Thing()
        seen = weakref.ref(tag)
        [task] = await start(queue.park(tag), on=[queue])
        task.cancel()
        await settle(task)
        del tag, task
        gc.collect()
        assert seen() is None

    run(main)


def test_h10_the_context_it_ran_in_is_forgotten(run):
    async def main():
        ch, variable = ac.Chan(), contextvars.ContextVar("variable")
        context = contextvars.copy_context()
        context.run(variable.set, Thing())
        seen = weakref.ref(context[variable])
        task = asyncio.create_task(ch.recv(), context=context)
        await turn()
        task.cancel()
        await settle(task)
        del task, context
        gc.collect()
        assert seen() is None

    run(main)
