"""A loop cranked by hand that wakes tasks in batches, as a plain loop does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from aiochan.testing.loop import StepLoop

STEPS = 10_000


class BatchLoop(StepLoop):
    """It is not looked at step by step. What one `step` runs, a real loop runs as one callback."""

    single_steps = False


@contextmanager
def running(loop: StepLoop) -> Iterator[StepLoop]:
    """Run the loop for the time of a block, then see that nothing was left or went wrong."""
    with loop.running():
        yield loop
        settle(loop)
    loop.close()
    assert loop.errors == []


def settle(loop: StepLoop) -> None:
    for _ in range(STEPS):
        if not loop.ready:
            return
        loop.step()
    raise AssertionError(f"never came to rest: {loop.ready}")


def asleep(loop: StepLoop, *coros: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Start tasks, and let them run until they sleep."""
    tasks = [loop.create_task(coro) for coro in coros]
    settle(loop)
    return tasks


async def log_when_woken(log: list[Any], name: Any, coro: Coroutine[Any, Any, Any]) -> None:
    await coro
    log.append(name)
