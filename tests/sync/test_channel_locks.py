"""A channel as a semaphore and as a lock, as the guide shows them (SM02, CH06).

The same two ways stand among the locks of lock_like.py; here it is the very text of the guide that is held to it.
"""

import asyncio
from functools import cache

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from tests.docs.pages import ROOT, Page


@cache  # the search has to meet the same class again and again, or it knows no state again
def built_in_the_guide(name):
    (block,) = (block for block in Page(ROOT / "docs/guide/semaphores.md").blocks() if f"class {name}:" in block.text)
    space = {"__name__": "guide"}
    exec(block.text.partition("async def main()")[0], space)
    return space[name]


def semaphore(n):
    return built_in_the_guide("ChanSemaphore")(n)


def mutex():
    return built_in_the_guide("ChanMutex")()


async def turns(n=4):
    for _ in range(n):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("n", "holders"), [(3, 3), (1, 1), (0, 1), (-2, 1)])
def test_sm02_so_many_at_once_and_one_at_least(run, n, holders):
    async def main():
        it, inside, most = semaphore(n), 0, 0

        async def user():
            nonlocal inside, most
            await it.lock()
            inside += 1
            most = max(most, inside)
            await turns(1)
            inside -= 1
            it.unlock()

        await asyncio.gather(*(user() for _ in range(7)))
        assert most == holders

    run(main)


def test_sm02_first_come_first_served(run):
    async def main():
        it, served = semaphore(2), []

        async def user(number):
            await it.lock()
            served.append(number)

        await it.lock()
        await it.lock()
        tasks = [asyncio.create_task(user(number)) for number in range(4)]
        await turns()
        tasks[1].cancel()
        for _ in range(3):
            it.unlock()
            await turns()
        assert served == [0, 2, 3]

    run(main)


@pytest.mark.parametrize("make", [mutex, lambda: semaphore(1)], ids=["mutex", "semaphore"])
def test_ch06_unlocked_it_cannot_be_unlocked(run, make):
    async def main():
        it = make()
        for _ in range(2):
            with pytest.raises(ac.NotHeld):
                it.unlock()
            await it.lock()
            it.unlock()

    run(main)


def test_ch06_try_and_locked():
    it = mutex()
    assert not it.locked
    assert it.try_lock()
    assert it.locked
    assert not it.try_lock()
    it.unlock()
    assert not it.locked


def test_ch06_a_lock_within_a_time_tells_whether_it_was_got():
    async def main():
        it = mutex()
        assert await it.lock_within(1)
        assert not await it.lock_within(1)
        waiting = asyncio.create_task(it.lock_within(2))
        await asyncio.sleep(1)
        it.unlock()
        assert not it.try_lock()  # it was handed over
        assert await waiting
        it.unlock()
        assert not it.locked  # who gave up has left nothing behind

    virtual.run(main)


def exclusive(make, holders):
    def scenario(run):
        it, inside = make(), set()
        chan = getattr(it, "token", None) or it.places

        async def work(name):
            await it.lock()
            inside.add(name)
            try:
                await asyncio.sleep(0)
            finally:
                inside.discard(name)
                it.unlock()

        def no_more_than_that():
            assert len(inside) <= holders

        def all_came_through():
            assert all(task.done() for task in run.tasks.values())
            assert len(chan) == (chan.capacity if hasattr(it, "token") else 0), "it is not free again"

        run.watch(chan)
        run.always(no_more_than_that)
        run.at_end(all_came_through)
        for number in range(holders + 1):
            run.spawn(work, number, name=f"w{number}", cancel=True)

    return scenario


@pytest.mark.parametrize(("order", "cancels"), [("fifo", 2), ("any", 1)])
@pytest.mark.parametrize(
    ("make", "holders"),
    [(mutex, 1), (lambda: semaphore(1), 1), (lambda: semaphore(2), 2)],
    ids=["mutex", "semaphore of 1", "semaphore of 2"],
)
def test_with_cancellations_anywhere(make, holders, order, cancels):
    assert explore(exclusive(make, holders), order=order, cancels=cancels).check().complete
