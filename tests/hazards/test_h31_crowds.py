"""H31: ten thousand asleep on one thing: waking them is a loop and no recursion, and nobody is left out."""

import asyncio
import sys

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.awaits import full
from tests.hazards.stage import assert_idle, parked, settle, until

CROWD = 10_000


@pytest.fixture
def no_debug(loop_kind):
    if loop_kind == "debug":
        pytest.skip("debug mode takes a stack for every task and is as right with ten as with ten thousand")


@pytest.fixture
def shallow():
    """Leave little room for recursion: far less than one frame for each of the crowd."""
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    yield
    sys.setrecursionlimit(old)


async def crowd(operation, on):
    tasks = [asyncio.create_task(operation(number)) for number in range(CROWD)]
    await until(lambda: parked(on) == CROWD)
    return tasks


def ends(tasks):
    """What became of tasks: their results, and the kinds of their errors."""
    return [task.result() if task.exception() is None else type(task.exception()) for task in tasks]


ASLEEP = {
    "recv": (ac.Chan, lambda ch: ch.recv(), ac.ChannelClosed),
    "recv_ok": (ac.Chan, lambda ch: ch.recv_ok(), (None, False)),
    "send": (ac.Chan, lambda ch: ch.send("value"), ac.ChannelClosed),
    "send to a ring": (full, lambda ch: ch.send("value"), ac.ChannelClosed),
    "reserve": (full, lambda ch: ch.reserve().__aenter__(), ac.ChannelClosed),
    "select": (ac.Chan, lambda ch: ac.select(ac.recv_ok(ch), ac.recv(None)), (0, (None, False))),
    "signal": (ac.Signal, lambda signal: signal.wait(), None),
}


@pytest.mark.parametrize(("make", "operation", "end"), ASLEEP.values(), ids=ASLEEP.keys())
def test_h31_a_crowd_hears_the_end(run, no_debug, shallow, make, operation, end):
    async def main():
        thing = make()
        tasks = await crowd(lambda _: operation(thing), thing)
        thing.close()
        assert parked(thing) == 0
        await settle(*tasks)
        assert ends(tasks) == [end] * CROWD
        assert_idle(thing)

    run(main)


def test_h31_a_crowd_is_woken_in_its_order(run, no_debug, shallow):
    async def main():
        queue, log = WaitQueue(), []

        async def sleeps(number):
            await queue.park()
            log.append(number)

        tasks = await crowd(sleeps, queue)
        assert queue.wake_all() == CROWD
        await settle(*tasks)
        assert log == list(range(CROWD))

    run(main)


def test_h31_waking_one_wakes_one(run, no_debug):
    """Not all, of whom all but one would go back to sleep."""

    async def main():
        ch = ac.Chan()
        tasks = await crowd(lambda _: ch.recv(), ch)
        for number in range(10):
            ch.send_nowait(number)
            assert parked(ch) == CROWD - 1 - number
        ch.close()
        await settle(*tasks)
        assert ends(tasks) == [*range(10), *[ac.ChannelClosed] * (CROWD - 10)]

    run(main)


def test_h31_a_permit_goes_through_a_whole_crowd(run, no_debug, shallow):
    """Each of them is cancelled after it was granted, and passes it on: one by one, not one inside the other."""

    async def main():
        ch = ac.Chan()
        tasks = []

        async def falls(number):
            try:
                return await ch.recv()
            except asyncio.CancelledError:
                if number + 2 < CROWD:
                    tasks[number + 1].cancel()
                raise

        tasks += await crowd(falls, ch)
        ch.send_nowait("value")
        tasks[0].cancel()
        await settle(*tasks)
        assert tasks[-1].result() == "value"
        assert sum(task.cancelled() for task in tasks) == CROWD - 1
        assert_idle(ch)

    run(main)


def test_h31_a_value_goes_through_a_chain_of_channels(run, no_debug, shallow):
    async def main():
        channels = [ac.Chan() for _ in range(CROWD + 1)]

        async def relay(number):
            await channels[number + 1].send(await channels[number].recv() + 1)

        tasks = [asyncio.create_task(relay(number)) for number in range(CROWD)]
        await channels[0].send(0)
        assert await channels[-1].recv() == CROWD
        await settle(*tasks)

    run(main)


def test_h31_a_select_of_ten_thousand_cases(run, no_debug, shallow):
    async def main():
        channels = [ac.Chan() for _ in range(CROWD)]
        task = asyncio.create_task(ac.select(*map(ac.recv, channels)))
        await until(lambda: parked(*channels) == CROWD)
        channels[1234].send_nowait("value")
        assert parked(*channels) == 0
        assert await task == (1234, "value")
        task = asyncio.create_task(ac.select(*[ac.recv(channels[0])] * CROWD))
        await until(lambda: parked(channels[0]))
        assert parked(channels[0]) == 1
        task.cancel()
        await settle(task)
        assert_idle(*channels)

    run(main)


def test_h31_a_crowd_that_is_cancelled_costs_no_recursion_either(run, no_debug, shallow):
    async def main():
        ch = full()
        tasks = await crowd(ch.send, ch)
        for task in tasks:
            task.cancel()
        assert parked(ch) == 0
        await settle(*tasks)
        assert all(task.cancelled() for task in tasks)
        assert_idle(ch)

    run(main)
