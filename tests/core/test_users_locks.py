"""Locks that people might build on a WaitQueue, with cancellations at the worst moment: nothing granted is lost."""

import asyncio
import itertools

import pytest

from aiochan import core
from tests.conformance.kit import asleep, begin, dismiss, ended, finish, go, settle


class Lock:
    """As the docstring of WaitQueue shows it."""

    def __init__(self):
        self.locked = False
        self.line = core.WaitQueue("lock")

    async def lock(self):
        if self.locked:
            await self.line.park(give_back=self.unlock)
        self.locked = True

    def unlock(self):
        if not self.line.wake():
            self.locked = False


class Semaphore:
    """So many units; who asks for more than there are waits, and everybody behind it, too."""

    def __init__(self, units):
        self.free = self.units = units
        self.line = core.WaitQueue("semaphore")

    async def acquire(self, k):
        if len(self.line) or self.free < k:
            await self.line.park(k, lambda: self.release(k))
        else:
            self.free -= k

    def release(self, k):
        self.free += k
        self.serve()

    def serve(self):
        while (needed := self.line.first) is not None and needed <= self.free:
            self.free -= needed
            self.line.wake()


class FairSemaphore(Semaphore):
    """A large request that is given up makes way for the smaller ones behind it."""

    async def acquire(self, k):
        try:
            await super().acquire(k)
        except BaseException:
            self.serve()
            raise


# -- the lock


def test_the_lock_is_handed_to_the_longest_waiting(run):
    async def main():
        lock, log = Lock(), []

        async def work(name):
            await lock.lock()
            log.append(name)

        await lock.lock()
        await asleep(*(work(i) for i in range(4)))
        for i in range(4):
            assert log == list(range(i))
            lock.unlock()
            assert lock.locked  # nobody can slip in before the next one runs
            await settle()
        lock.unlock()
        assert not lock.locked
        assert log == [0, 1, 2, 3]

    run(main)


def test_nobody_slips_in_between_the_unlock_and_the_next_holder(run):
    async def main():
        lock = Lock()
        await lock.lock()
        (waiting,) = await asleep(lock.lock())
        lock.unlock()
        newcomer = begin(lock.lock())
        await settle()
        assert waiting.done()
        newcomer.close()
        lock.unlock()
        assert not lock.locked

    run(main)


def test_a_lock_granted_to_a_cancelled_task_goes_to_the_next(run):
    async def main():
        lock = Lock()
        await lock.lock()
        first, second, third = await asleep(lock.lock(), lock.lock(), lock.lock())
        lock.unlock()
        await dismiss(first)
        assert second.done()
        assert not third.done()
        lock.unlock()
        await dismiss(third)
        assert not lock.locked

    run(main)


@pytest.mark.parametrize("cancelled", [c for n in range(4) for c in itertools.combinations(range(3), n)], ids=str)
def test_whoever_is_cancelled_the_lock_ends_up_free(run, cancelled):
    """Before the lock is free, and again right after it was granted."""

    async def main():
        for unlock_first in (False, True):
            lock, inside, entered = Lock(), 0, []

            async def work(i, lock=lock, entered=entered):
                nonlocal inside
                await lock.lock()
                inside += 1
                assert inside == 1
                entered.append(i)
                inside -= 1
                lock.unlock()

            await lock.lock()
            tasks = await asleep(*(work(i) for i in range(3)))
            if unlock_first:
                lock.unlock()
            for i in cancelled:
                tasks[i].cancel()
            if not unlock_first:
                lock.unlock()
            await settle()
            assert entered == [i for i in range(3) if i not in cancelled]
            assert not lock.locked
            assert len(lock.line) == 0

    run(main)


# -- the semaphore


def test_the_head_of_the_line_is_served_first_however_much_it_wants(run):
    async def main():
        semaphore = Semaphore(3)
        await ended(semaphore.acquire(2))
        large, small = await asleep(semaphore.acquire(3), semaphore.acquire(1))
        assert list(semaphore.line) == [3, 1]
        semaphore.release(2)
        await settle()
        assert (large.done(), small.done()) == (True, False)
        semaphore.release(3)
        await settle()
        assert small.done()
        assert semaphore.free == 2

    run(main)


def test_what_a_cancelled_holder_was_granted_is_enough_for_several(run):
    async def main():
        semaphore = Semaphore(4)
        await ended(semaphore.acquire(4))
        large, *small = await asleep(semaphore.acquire(4), *(semaphore.acquire(1) for _ in range(5)))
        semaphore.release(4)
        assert semaphore.free == 0
        await dismiss(large)
        assert [task.done() for task in small] == [True] * 4 + [False]
        await dismiss(small[4])
        assert semaphore.free == 0

    run(main)


def test_a_large_request_that_is_given_up_lets_the_small_ones_in(run):
    async def main():
        semaphore = FairSemaphore(4)
        await ended(semaphore.acquire(2))
        large, *small = await asleep(semaphore.acquire(3), semaphore.acquire(1), semaphore.acquire(1))
        await dismiss(large)
        assert all(task.done() for task in small)
        assert semaphore.free == 0

    run(main)


@pytest.mark.parametrize("stride", range(1, 8))
def test_no_unit_is_lost_whoever_is_cancelled(run, stride):
    """Many tasks; in every round some of those just granted, and some asleep, are cancelled."""

    async def main():
        semaphore = FairSemaphore(5)
        held = 0

        async def work(k):
            nonlocal held
            await semaphore.acquire(k)
            held += k
            assert held <= 5
            try:
                await core.WaitQueue().park()  # until it is cancelled
            finally:
                held -= k
                semaphore.release(k)

        tasks = [go(work(1 + i * stride % 5)) for i in range(40)]
        await settle()
        while any(not task.done() for task in tasks):
            alive = [task for task in tasks if not task.done()]
            alive[0].cancel()  # a holder: others are granted when it runs
            asyncio.get_running_loop().call_soon(alive[len(alive) // 2].cancel)
            if len(alive) > stride:
                alive[stride].cancel()
            await settle()
            assert semaphore.free + held == 5
        assert (semaphore.free, held, len(semaphore.line)) == (5, 0, 0)

    run(main)


def test_a_wake_up_of_a_task_that_is_closed_by_hand_goes_on_too(run):
    async def main():
        semaphore = Semaphore(1)
        await ended(semaphore.acquire(1))
        first, second = begin(semaphore.acquire(1)), begin(semaphore.acquire(1))
        semaphore.release(1)
        first.close()
        assert finish(second) is None
        semaphore.release(1)
        assert semaphore.free == 1

    run(main)
