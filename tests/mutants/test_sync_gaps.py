"""Questions about aiochan/sync that no other test asks; mutants lived because of that. The job `sync` does them too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import aiochan as ac


async def _turns(n: int = 5) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def test_who_was_told_raises_the_cancellation_that_arrived(run: Any) -> None:
    """gh-111693: also while it takes the lock again, and whatever arrives after that (SY03)."""

    async def main() -> None:
        cond = ac.Cond()

        async def waiting() -> None:
            async with cond:
                await cond.wait()

        task = asyncio.ensure_future(waiting())
        await _turns()
        async with cond:
            cond.signal()
            await _turns()  # it wants the lock, which is ours
            for n in range(3):
                task.cancel(f"no {n}")
                await _turns()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert raised.value.args == ("no 0",)

    run(main)


def test_who_waits_for_a_condition_gets_its_lock_back_as_often_as_it_had_it(run: Any) -> None:
    """SY05: it is given up whole, or nobody could ever signal."""

    async def main() -> None:
        mutex = ac.ReentrantMutex()
        cond = ac.Cond(mutex)

        async def waiting() -> tuple[int, int]:
            async with mutex, mutex, cond:
                await cond.wait()
                inside = mutex.depth
            return inside, mutex.depth

        task = asyncio.ensure_future(waiting())
        await _turns()
        assert not mutex.locked
        async with cond:
            cond.signal()
        assert await task == (3, 0)

    run(main)
