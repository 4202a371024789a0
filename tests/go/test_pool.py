"""Go's `sync/pool_test.go`, as far as it is about what a pool does (PL01, P13).

Go's collector empties its pools, in two cycles; here `sweep` is a cycle. What is left out is about the insides of the
original: the queues of each processor (`TestPoolDequeue`, `TestPoolChain`), and that it cannot be copied, which here is
true of no object that has a lock or a file either.
"""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from aiochan.pools import ObjectPool


class Thing:
    """Something that can be referred to weakly."""


def test_pool():
    """`TestPool`: an empty pool gives nothing; what was put comes back, also after one cycle, but not after two."""
    pool: ObjectPool[str | None] = ObjectPool(lambda: None, max_idle=100)
    assert pool.get() is None
    pool.put("a")
    pool.put("b")
    assert sorted([pool.get() or "", pool.get() or ""]) == ["a", "b"]
    assert pool.get() is None

    for number in range(100):
        pool.put(f"c{number}")
    pool.sweep()
    assert pool.get() == "c99", "it has to be among the victims after one cycle"
    pool.sweep()
    assert pool.get() is None, "it has to be gone after two"


def test_pool_new():
    """`TestPoolNew`: New is called when there is nothing, and not when there is something."""
    made = 0

    def new() -> int:
        nonlocal made
        made += 1
        return made

    pool = ObjectPool(new)
    assert [pool.get(), pool.get()] == [1, 2]
    pool.put(42)
    assert pool.get() == 42
    assert pool.get() == 3


@pytest.mark.parametrize("drain", [False, True])
def test_pool_gc(drain):
    """`TestPoolGC` and `TestPoolRelease`: whatever a pool has let go of dies, whether or not it was used meanwhile."""
    things = 100
    pool: ObjectPool[Thing] = ObjectPool(Thing, max_idle=things)
    known = []
    for _ in range(things):
        thing = Thing()
        known.append(weakref.ref(thing))
        pool.put(thing)
    del thing
    for _ in range(5):
        if drain:
            pool.put(pool.get())
        pool.sweep()
    gc.collect()
    alive = sum(ref() is not None for ref in known)
    assert alive == (1 if drain else 0), "what is used again and again stays, and nothing else"


def test_pool_stress(run):
    """`TestPoolStress`: many put and get at the same time, and nobody gets nothing or what another one has."""

    async def main():
        pool: ObjectPool[list[int]] = ObjectPool(list)

        async def work(number: int) -> None:
            for _ in range(100):
                mine = pool.get()
                assert not mine, "somebody else has it"
                mine.append(number)
                await asyncio.sleep(0)
                assert mine.pop() == number
                pool.put(mine)

        async with asyncio.TaskGroup() as tasks:
            for number in range(10):
                tasks.create_task(work(number))
        assert pool.made <= 10

    run(main)
