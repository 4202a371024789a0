"""H5, H28: somebody who is running takes what somebody who was woken has been promised."""

import asyncio
import itertools

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.stage import assert_idle, see_off, settle, start, turn


@pytest.mark.parametrize("capacity", [0, 1, 2])
def test_h05_a_running_receiver_cannot_take_what_is_promised(run, capacity):
    async def main():
        ch = ac.Chan(capacity)
        [sleeper] = await start(ch.recv(), on=[ch])
        ch.send_nowait("promised")
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(ch))
        assert len(ch) == 0
        assert await sleeper == "promised"

    run(main)


def test_h05_a_newcomer_comes_after_those_who_wait(run):
    async def main():
        ch, log = ac.Chan(), []

        async def receive(name):
            log.append((name, await ch.recv()))

        first, second = await start(receive("first"), receive("second"), on=[ch])
        ch.send_nowait(1)
        barging = asyncio.create_task(receive("barging"))
        await settle(first)
        ch.send_nowait(2)
        await settle(second)
        ch.send_nowait(3)
        await settle(barging)
        assert log == [("first", 1), ("second", 2), ("barging", 3)]

    run(main)


def test_h05_a_running_sender_cannot_take_a_place_that_was_given(run):
    async def main():
        ch = ac.Chan(1)
        ch.send_nowait("old")
        [sleeper] = await start(ch.send("first"), on=[ch])
        assert ch.recv_nowait() == "old"
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait("barging")
        await settle(sleeper)
        assert ch.recv_nowait() == "first"

    run(main)


def test_h05_senders_and_reservations_share_one_line(run):
    async def main():
        ch = ac.Chan(1)
        ch.send_nowait("old")

        async def reserve(value):
            async with ch.reserve() as place:
                place.send(value)

        makers = [ch.send(1), reserve(2), ch.send(3), reserve(4)]
        tasks = await start(*makers, on=[ch])
        assert ch.recv_nowait() == "old"
        for value, task in enumerate(tasks, 1):
            await settle(task)  # a reserved place is used only when its task has run
            assert ch.recv_nowait() == value
        assert_idle(ch)

    run(main)


@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_h28_who_sends_again_at_once_does_not_overtake(run, capacity):
    """The values are numbered as their sends begin, and come in that order: nobody who waits is overtaken."""

    async def main():
        ch, numbers, took = ac.Chan(capacity), itertools.count(), []

        async def produce():
            while True:
                await ch.send(next(numbers))

        tasks = await start(*(produce() for _ in range(3)), on=[ch])
        while len(took) < 100:
            took.append(await ch.recv())
        assert took == list(range(100))
        await see_off(*tasks)

    run(main)


def test_h28_who_locks_again_at_once_does_not_overtake(run):
    """The releaser tries again before the woken one has run; handed over, the lock is taken already."""

    async def main():
        queue, log, locked = WaitQueue(), [], True

        async def lock():
            nonlocal locked
            if locked:
                await queue.park(give_back=unlock)
            locked = True

        def unlock():
            nonlocal locked
            if not queue.wake():
                locked = False

        async def greedy(name):
            for _ in range(5):
                await lock()
                log.append(name)
                unlock()

        tasks = await start(greedy("a"), greedy("b"), on=[queue])
        unlock()
        await settle(*tasks)
        await turn()
        assert log == ["a", "b"] * 5
        assert not locked

    run(main)
