"""H1-H4, H6: an item, a wake-up or the end is granted to somebody who is cancelled, or dead already."""

import asyncio
import itertools

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.stage import assert_idle, collect_all, drain, see_off, settle, start, turn

SOME_OF_THREE = [set(some) for n in range(4) for some in itertools.combinations(range(3), n)]


async def collect(ch, into):
    into.append(await ch.recv())


@pytest.mark.parametrize("gone", SOME_OF_THREE, ids=str)
@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_h01_what_was_promised_comes_in_order_whoever_goes(run, capacity, gone):
    async def main():
        ch, got = ac.Chan(capacity), []
        tasks = await start(*(collect(ch, got) for _ in range(3)), on=[ch])
        for value in "abc":
            ch.send_nowait(value)
        for number in gone:
            tasks[number].cancel()
        await settle(*tasks)
        assert [*got, *drain(ch)] == ["a", "b", "c"]
        assert len(got) == 3 - len(gone)
        assert_idle(ch)

    run(main)


def test_h01_what_comes_later_stays_behind_what_was_given_back(run):
    async def main():
        ch = ac.Chan(3)
        [task] = await start(ch.recv(), on=[ch])
        ch.send_nowait("first")
        ch.send_nowait("second")
        task.cancel()
        await settle(task)
        ch.send_nowait("third")
        assert drain(ch) == ["first", "second", "third"]

    run(main)


async def falls(operation, number, tasks, gone):
    """Wait; if cancelled, cancel the next: what this one was promised has been passed on to it just now."""
    try:
        return await operation()
    except asyncio.CancelledError:
        if number + 1 < gone:
            tasks[number + 1].cancel()
        raise


@pytest.mark.parametrize("gone", range(1, 5))
def test_h02_a_wake_up_is_passed_on_until_somebody_lives(run, gone):
    async def main():
        ch, tasks = ac.Chan(), []
        tasks += await start(*(falls(ch.recv, number, tasks, gone) for number in range(5)), on=[ch])
        ch.send_nowait("value")
        tasks[0].cancel()
        assert await tasks[gone] == "value"
        assert [task.cancelled() for task in tasks[:gone]] == [True] * gone
        assert ch.stats().parked_receivers == 4 - gone
        await see_off(*tasks)
        assert_idle(ch)

    run(main)


@pytest.mark.parametrize("gone", range(1, 4))
def test_h02_the_same_for_a_wait_queue(run, gone):
    async def main():
        queue, tasks = WaitQueue(), []
        makers = [falls(queue.park, number, tasks, gone) for number in range(4)]
        tasks += await start(*makers, on=[queue])
        assert queue.wake() == 1
        tasks[0].cancel()
        await tasks[gone]
        assert [task.cancelled() for task in tasks[:gone]] == [True] * gone
        assert len(queue) == 3 - gone
        await see_off(*tasks)
        assert_idle(queue)

    run(main)


def test_h02_a_place_is_passed_on_too(run):
    async def main():
        ch, tasks = ac.Chan(1), []
        ch.send_nowait("old")
        makers = [falls(lambda value=value: ch.send(value), value, tasks, 2) for value in range(4)]
        tasks += await start(*makers, on=[ch])
        assert ch.recv_nowait() == "old"
        tasks[0].cancel()
        await tasks[2]
        assert ch.recv_nowait() == 2
        await tasks[3]
        assert drain(ch) == [3]
        assert_idle(ch)

    run(main)


def test_h03_the_dead_get_nothing(run):
    async def main():
        ch, got = ac.Chan(), []
        tasks = await start(*(collect(ch, got) for _ in range(3)), on=[ch])
        tasks[0].cancel()
        tasks[2].cancel()
        ch.send_nowait("value")  # their handlers have not run
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait("nobody is left for this one")
        await settle(*tasks)
        assert got == ["value"]
        assert [task.cancelled() for task in tasks] == [True, False, True]

    run(main)


def test_h03_the_dead_do_not_hear_the_end(run):
    async def main():
        ch = ac.Chan()
        tasks = await start(ch.recv(), ch.recv(), on=[ch])
        tasks[0].cancel()
        ch.close()
        await settle(*tasks)
        assert tasks[0].cancelled()
        assert isinstance(tasks[1].exception(), ac.ChannelClosed)

    run(main)


def test_h03_waking_counts_the_living(run):
    async def main():
        queue = WaitQueue()
        tasks = await start(*(queue.park(number) for number in range(4)), on=[queue])
        tasks[0].cancel()
        tasks[2].cancel()
        assert (queue.first, list(queue), len(queue)) == (1, [1, 3], 2)
        assert queue.wake(4) == 2
        await settle(*tasks)
        assert [task.cancelled() for task in tasks] == [True, False, True, False]

    run(main)


class Lock:
    """The lock in the docstring of `WaitQueue`."""

    def __init__(self):
        self.line = WaitQueue()
        self.locked = False

    async def lock(self):
        if self.locked:
            await self.line.park(give_back=self.unlock)
        self.locked = True

    def unlock(self):
        if not self.line.wake():
            self.locked = False


@pytest.mark.parametrize("cancelled", [False, True])
def test_h04_one_release_lets_one_in(run, cancelled):
    """A newcomer that comes between the release and the first step of the woken one waits its turn."""

    async def main():
        lock, inside = Lock(), []

        async def enter(name):
            await lock.lock()
            assert not inside
            inside.append(name)
            await turn()
            inside.remove(name)
            log.append(name)
            lock.unlock()

        log = []
        await lock.lock()
        first, second = await start(enter("first"), enter("second"), on=[lock.line])
        lock.unlock()
        newcomer = asyncio.create_task(enter("newcomer"))
        if cancelled:
            first.cancel()
        await settle(first, second, newcomer)
        assert log == (["second", "newcomer"] if cancelled else ["first", "second", "newcomer"])
        assert not lock.locked

    run(main)


@pytest.mark.parametrize("gone", SOME_OF_THREE, ids=str)
def test_h06_everybody_hears_the_end_whoever_goes(run, gone):
    """Closed while values are only promised, with a receiver that came later and must not be forgotten."""

    async def main():
        ch, got = ac.Chan(2), []
        tasks = await start(*(collect_all(ch, got) for _ in range(3)), on=[ch])
        ch.send_nowait("a")
        ch.send_nowait("b")
        ch.close()
        late = asyncio.create_task(collect_all(ch, got))
        for number in gone:
            tasks[number].cancel()
        await settle(*tasks, late)
        assert got == ["a", "b"]
        assert [number for number, task in enumerate(tasks) if task.cancelled()] == sorted(gone)
        assert_idle(ch)

    run(main)


def test_h06_a_value_given_back_to_a_closed_channel_is_read_before_the_end(run):
    async def main():
        ch = ac.Chan()
        first, second = await start(ch.recv(), ch.recv(), on=[ch])
        ch.send_nowait("value")
        ch.close()
        first.cancel()
        assert await second == "value"
        assert await ch.recv_ok() == (None, False)

    run(main)
