"""golang.org/x/sync/semaphore: semaphore_test.go, and the example of its documentation (SM01, P25, P26, SM04).

| Go | here |
| --- | --- |
| `TestWeighted` | `test_hammer`, `test_hammer_in_every_order` |
| `TestWeightedPanic` | `test_release_of_what_was_not_acquired` |
| `TestWeightedTryAcquire` | `test_try_acquire` |
| `TestWeightedAcquire` | `test_acquire` |
| `TestWeightedDoesntBlockIfTooBig` | `test_too_much_does_not_block_others` |
| `TestLargeAcquireDoesntStarve` | `test_a_large_acquire_does_not_starve` |
| `TestAllocCancelDoesntStarve` | `test_a_cancelled_acquire_does_not_starve_others`, in every order |
| `TestWeightedAcquireCanceled` | `test_an_acquire_that_was_cancelled_first_fails`, in every order |
| the end of that test | `test_acquire_with_a_context_that_is_done` |
| `Example_workerPool` | `test_worker_pool` |
| the benchmarks | in bench |

What had to become something else: who wants more than there is waits there for its context, beside the line, and here
is refused at once. To acquire nothing, as the first worker of `TestWeighted` does, is refused too. And since its issue
63615 Go's `Acquire` looks whether its context is done before it takes what is free; here only who waits notices that.
"""

from __future__ import annotations

import asyncio
import random

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual

WORKERS = 4


async def hammer(semaphore, n, loops):
    for _ in range(loops):
        await semaphore.acquire(n)
        await asyncio.sleep(random.random() / 1000)
        semaphore.release(n)


@pytest.mark.parametrize("loops", [250, pytest.param(10_000, marks=pytest.mark.stress)])
def test_hammer(loops):
    """Each wants another amount, again and again; all come to an end, and nothing is left."""

    async def main():
        semaphore = ac.Semaphore(WORKERS)
        await asyncio.gather(*(hammer(semaphore, n, loops // n) for n in range(1, WORKERS + 1)))
        assert semaphore.free == WORKERS

    virtual.run(main)


def test_hammer_in_every_order():
    def scenario(run):
        semaphore = ac.Semaphore(2)

        async def worker(n):
            for _ in range(2):
                await semaphore.acquire(n)
                await asyncio.sleep(0)
                semaphore.release(n)

        def all_is_free():
            assert semaphore.free == 2

        run.watch(semaphore)
        for n in (1, 2, 1):
            run.spawn(worker, n)
        run.at_end(all_is_free)

    for order in ("fifo", "any"):
        assert explore(scenario, order=order, must_finish=True).check().complete


def test_release_of_what_was_not_acquired():
    with pytest.raises(ac.NotHeld, match="released more than held"):
        ac.Semaphore(1).release(1)


def test_try_acquire(run):
    async def main():
        semaphore = ac.Semaphore(2)
        await semaphore.acquire(1)
        tries = [semaphore.try_acquire(1), semaphore.try_acquire(1)]
        semaphore.release(2)
        tries.append(semaphore.try_acquire(1))
        await semaphore.acquire(1)
        tries.append(semaphore.try_acquire(1))
        assert tries == [True, False, True, False]

    run(main)


def test_acquire():
    async def main():
        semaphore = ac.Semaphore(2)

        async def acquired(n):
            try:
                with ac.background().with_timeout(0.01) as ctx:
                    await ctx.run(semaphore.acquire, n)
            except ac.DeadlineExceeded:
                return False
            return True

        await semaphore.acquire(1)
        tries = [await acquired(1), await acquired(1)]
        semaphore.release(2)
        tries.append(await acquired(1))
        await semaphore.acquire(1)
        tries.append(await acquired(1))
        assert tries == [True, False, True, False]

    virtual.run(main)


def test_too_much_does_not_block_others(run):
    n = 2

    async def main():
        semaphore = ac.Semaphore(n)
        served = []

        async def user():
            async with semaphore:
                await asyncio.sleep(0)
                served.append(True)

        async with ac.ErrGroup() as g:
            for _ in range(n * 3):
                g.go(user)
            await asyncio.sleep(0)
            with pytest.raises(ValueError, match="never has 3"):
                await semaphore.acquire(n + 1)
        assert len(served) == n * 3

    run(main)


def test_a_large_acquire_does_not_starve(run):
    """The others give back and take again without a pause; who wants all is served in its turn nevertheless."""
    n = WORKERS

    async def main():
        semaphore, running = ac.Semaphore(n), True
        turns = 0

        async def worker():
            nonlocal turns
            while running:
                await asyncio.sleep(0)
                semaphore.release(1)
                await semaphore.acquire(1)
                turns += 1
            semaphore.release(1)

        await semaphore.acquire(n)
        workers = [asyncio.create_task(worker()) for _ in range(n)]
        await semaphore.acquire(n)
        assert turns == 0  # nobody has overtaken
        running = False
        semaphore.release(n)
        await asyncio.gather(*workers)
        assert semaphore.free == n

    run(main)


def test_a_cancelled_acquire_does_not_starve_others():
    """golang/go#37852: who gave up stood first in line, and there was enough for the next."""

    def scenario(run):
        semaphore = ac.Semaphore(10)
        assert semaphore.try_acquire(1)

        async def small():
            await semaphore.acquire(1)
            semaphore.release(1)

        large = run.spawn(semaphore.acquire, 10, name="large", cancel=True)

        def small_has_come_through():
            assert run.tasks["small"].done() or not large.task.cancelled()
            assert semaphore.held == 1

        run.watch(semaphore)
        run.spawn(small)
        run.at_end(small_has_come_through)

    for order in ("fifo", "any"):
        assert explore(scenario, order=order, cancels=1).check().complete


@pytest.mark.parametrize("order", ["fifo", "any"])
def test_an_acquire_that_was_cancelled_first_fails(order):
    """golang/go#63615: it is cancelled, and only then there is enough."""

    def scenario(run):
        semaphore = ac.Semaphore(2)
        assert semaphore.try_acquire(1)
        outcome = []

        async def acquires():
            try:
                await semaphore.acquire(2)
            except asyncio.CancelledError:
                outcome.append("cancelled")
                raise

        async def cancels():
            while semaphore.try_acquire(1):  # until the other one stands in line
                semaphore.release(1)
                await asyncio.sleep(0)
            run.tasks["acquires"].cancel()
            semaphore.release(1)

        def it_failed():
            assert outcome == ["cancelled"]
            assert semaphore.try_acquire(2)

        run.watch(semaphore)
        run.spawn(acquires)
        run.spawn(cancels)
        run.at_end(it_failed)

    assert explore(scenario, order=order, must_finish=True).check().complete


def test_acquire_with_a_context_that_is_done(run):
    """It takes nothing where it would have to wait; where it need not, it does not notice, as everywhere in asyncio."""

    async def main():
        semaphore, ctx = ac.Semaphore(2), ac.background().with_cancel()
        ctx.cancel()
        await ctx.run(semaphore.acquire, 1)
        with pytest.raises(ac.Canceled):
            await ctx.run(semaphore.acquire, 2)
        assert semaphore.free == 1

    run(main)


def collatz_steps(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def test_worker_pool(run):
    """The dispatcher takes a place for each task; in the end it takes all, which waits for all (SM04)."""

    async def main():
        semaphore, out = ac.Semaphore(WORKERS), [0] * 32
        busy = most = 0

        async def work(number):
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            out[number] = collatz_steps(number + 1)
            busy -= 1
            semaphore.release()

        for number in range(32):
            await semaphore.acquire()
            ac.go(work, number)
        await semaphore.acquire(WORKERS)
        assert most == WORKERS
        assert out == [
            *(0, 1, 7, 2, 5, 8, 16, 3, 19, 6, 14, 9, 9, 17, 17, 4),
            *(12, 20, 20, 7, 7, 15, 15, 10, 23, 10, 111, 18, 18, 18, 106, 5),
        ]

    run(main)
