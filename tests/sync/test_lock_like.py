"""One suite over everything that excludes (LK01-LK05, B04, B06, CH06, SM02, P01, P06).

A new thing that does gets a line in `lock_like.py`. The same is searched in every order, with cancellations
anywhere, by tests/schedules/test_locks.py.
"""

import asyncio
import gc
import random
import weakref

import pytest

from aiochan.sync.locker import Locker
from tests.sync.lock_like import LOCKS

every_lock = pytest.mark.parametrize("make", LOCKS.values(), ids=LOCKS)


async def turn():
    await asyncio.sleep(0)


def in_line(lock, names, got):
    """Start tasks that stand in line, one behind the other, and say when they have it."""

    async def work(name):
        async with lock:
            got.append(name)
            await turn()

    return [asyncio.create_task(work(name)) for name in names]


@every_lock
def test_it_has_the_methods_of_a_locker(make):
    """LK01."""
    assert isinstance(make(), Locker)


@every_lock
def test_one_at_a_time(run, loop_kind, make):
    """LK02, CH06, SM02: a read, a turn of the loop and a write stay together."""
    times = 5 if loop_kind == "debug" else 20

    async def main():
        lock, count = make(), 0

        async def add():
            nonlocal count
            for _ in range(times):
                async with lock:
                    seen = count
                    await turn()
                    count = seen + 1

        await asyncio.gather(*[add() for _ in range(10)])
        assert count == 10 * times
        assert lock.is_free()

    run(main)


@every_lock
def test_first_come_first_served(run, make):
    async def main():
        lock, got = make(), []
        await lock.lock()
        tasks = in_line(lock, "abcde", got)
        await turn()
        lock.unlock()
        await asyncio.gather(*tasks)
        assert got == list("abcde")

    run(main)


@every_lock
def test_nobody_slips_in_while_it_is_handed_over(run, make):
    """LK02, LK03, P06: not by trying, and not by waiting."""

    async def main():
        lock, got = make(), []
        await lock.lock()
        tasks = in_line(lock, "a", got)
        await turn()
        lock.unlock()
        assert not lock.try_lock()
        await lock.lock()
        assert got == ["a"]
        lock.unlock()
        await asyncio.gather(*tasks)

    run(main)


@every_lock
@pytest.mark.parametrize("n", [0, 1, 2, 11])
def test_it_knows_how_many_wait(run, make, n):
    """LK05."""

    async def main():
        lock, got = make(), []
        await lock.lock()
        tasks = in_line(lock, range(n), got)
        for _ in range(10):  # a channel sends some who come once round the loop
            await turn()
        assert lock.waiting() == n
        lock.unlock()
        assert lock.waiting() == max(n - 1, 0)
        await asyncio.gather(*tasks)
        assert lock.waiting() == 0
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("place", range(3))
def test_who_gives_up_in_line_is_passed_over(run, make, place):
    async def main():
        lock, got = make(), []
        await lock.lock()
        tasks = in_line(lock, range(3), got)
        await turn()
        tasks[place].cancel()
        assert lock.waiting() == 2  # at once
        lock.unlock()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert got == [number for number in range(3) if number != place]
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("behind", [0, 1, 2])
def test_who_is_cancelled_when_it_is_handed_over_hands_it_on(run, make, behind):
    """LK04: in the step in which the cancellation arrives."""

    async def main():
        lock, got = make(), []
        await lock.lock()
        first, *others = in_line(lock, range(1 + behind), got)
        await turn()
        lock.unlock()
        first.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
        assert got == list(range(1, 1 + behind))
        assert lock.is_free()

    run(main)


@every_lock
def test_everybody_is_cancelled_in_the_turn_of_the_hand_over(run, make):
    async def main():
        lock, got = make(), []
        await lock.lock()
        tasks = in_line(lock, range(5), got)
        await turn()
        lock.unlock()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert got == []
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("granted", [False, True], ids=["in line", "granted"])
def test_a_coroutine_that_is_closed(run, make, granted):
    """The end of a coroutine is the end of its wait, as a cancellation is."""

    async def main():
        lock, over = make(), asyncio.Event()
        holding = asyncio.create_task(_hold(lock, over))
        await turn()
        waiting = lock.lock()
        waiting.send(None)
        if granted:
            over.set()
            await holding
        waiting.close()
        assert lock.waiting() == 0
        assert lock.is_free() == granted
        over.set()
        await holding
        assert lock.is_free()

    run(main)


@every_lock
def test_time_runs_out(run, make):
    """LK04."""

    async def main():
        lock, over = make(), asyncio.Event()
        holding = asyncio.create_task(_hold(lock, over))
        await turn()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await lock.lock()
        assert lock.waiting() == 0
        over.set()
        await holding
        assert lock.is_free()

    run(main)


async def _hold(lock, until):
    async with lock:
        await until.wait()


@every_lock
def test_free_it_cannot_be_unlocked(run, make):
    """P01: it is refused, and nothing is changed by that."""

    async def main():
        lock = make()
        for _ in range(2):
            with pytest.raises(lock.refusal):
                lock.unlock()
            async with lock:
                assert not lock.is_free() or make is LOCKS["ReentrantMutex"]
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("how", ["return", "raise", "cancel"])
def test_every_way_out_unlocks(run, make, how):
    """B04, B06."""

    async def main():
        lock = make()

        async def work():
            async with lock:
                await turn()
                if how == "return":
                    return
                if how == "raise":
                    raise LookupError
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        for _ in range(3):
            await turn()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("seed", range(3))
def test_cancellations_at_random(run, make, seed):
    """Many tasks, cancelled at any moment: at most one is in, and in the end it is free."""

    async def main():
        lock, dice = make(), random.Random(seed)
        inside = served = 0

        async def work():
            nonlocal inside, served
            for _ in range(5):
                async with lock:
                    inside += 1
                    try:
                        assert inside == 1, "not alone"
                        await turn()
                        served += 1
                    finally:
                        inside -= 1

        tasks = [asyncio.create_task(work()) for _ in range(20)]
        while not all(task.done() for task in tasks):
            for task in dice.sample(tasks, 2):
                if dice.random() < 0.15:
                    task.cancel()
            lock.thing._check()
            await turn()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ended} == {type(None), asyncio.CancelledError}
        assert served
        assert lock.is_free()

    run(main)


@every_lock
@pytest.mark.parametrize("granted", [False, True])
def test_who_is_cancelled_in_line_dies_without_the_collector(run, loop_kind, make, granted):
    """The error of a cancelled task leads to the frames that it came through; these must not lead back to the task."""
    if loop_kind == "debug":
        pytest.skip("its tasks know where they were made")

    async def main():
        lock = make()
        await lock.lock()
        task = asyncio.create_task(lock.lock())
        await turn()
        if granted:
            lock.unlock()
        task.cancel()
        await asyncio.wait([task])
        await turn()
        known = weakref.ref(task)
        gc.disable()
        try:
            del task
            assert known() is None
        finally:
            gc.enable()

    run(main)
