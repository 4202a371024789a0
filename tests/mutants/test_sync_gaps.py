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


def test_not_even_where_somebody_waits_is_more_done_than_was_announced(run: Any) -> None:
    """P09, B17: nothing has changed then, and who waits hears of the end when it comes."""

    async def main() -> None:
        pending = ac.WaitGroup()
        pending.add(1)
        task = asyncio.ensure_future(pending.wait())
        await _turns()
        with pytest.raises(ac.MisuseError, match="negative"):
            pending.add(-2)
        assert (pending.count, pending.waiters) == (1, 1)
        pending.done()
        await task

    run(main)


def test_who_waits_for_the_next_value_is_told_of_one_that_was_compared(run: Any) -> None:
    """AT02, AT05: by `changed`, and by a view."""

    async def main() -> None:
        level = ac.Watch("low")
        view = level.watch()
        assert await view.recv() == "low"
        told = [asyncio.ensure_future(level.changed()), asyncio.ensure_future(view.recv())]
        await _turns()
        assert level.compare_and_set("low", "high")
        await _turns()
        assert all(task.done() for task in told)
        assert [task.result() for task in told] == ["high", "high"]

    run(main)
