"""What type checkers know of schedules and pools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, assert_type

import aiochan as ac


async def length(text: str, times: int = 1) -> int:
    return len(text) * times


async def schedules(s: ac.Schedule) -> None:
    assert_type(s.delay(0, length, "text"), Callable[[], bool])
    assert_type(s.at(0.5, length, "text", 2), Callable[[], bool])
    take_back = s.delay(3600, length, "text")
    assert_type(take_back(), bool)
    assert_type(len(s), int)
    assert_type(await s.wait(), None)


async def pools(pool: ac.WorkerPool) -> None:
    job = await pool.submit(length, "text", 2)
    _ = assert_type(job, asyncio.Future[int])
    assert_type(await job, int)
    assert_type(await pool.submit_wait(length, "text"), int)
    results = pool.map(length, ["a", "b"])
    assert_type(results, AsyncGenerator[int, None])
    async for result in results:
        assert_type(result, int)
    assert_type(pool.resize(3), None)
    assert_type((pool.size, pool.running, pool.waiting), tuple[int, int, int])
    assert_type((pool.done, pool.failed, pool.cancelled), tuple[int, int, int])
    assert_type(await pool.stop(), None)
    assert_type(pool.results, ac.RecvChan[Any])
    assert_type(pool.errors, ac.RecvChan[Exception])


# -- and run


def test_schedules_run() -> None:
    async def main() -> None:
        async with ac.Schedule(name="typed") as s:
            assert_type(s, ac.Schedule)
            await schedules(s)

    asyncio.run(main())


def test_pools_run() -> None:
    async def main() -> None:
        async with ac.WorkerPool(2, queue=3, results=True, errors=True) as pool:
            assert_type(pool, ac.WorkerPool)
            await pools(pool)

    asyncio.run(main())
