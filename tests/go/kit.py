"""What Go's programs take for granted: channels, goroutines, and an end of `main` that ends them all.

A program whose goroutines all come to their end uses `asyncio.TaskGroup`, which waits for them. One whose goroutines
run for ever uses `program`. In both a goroutine that fails ends the program, as a panic does.

To be sure that somebody sleeps before the next thing happens, a test uses `asleep` and `settle` of the conformance kit,
where the originals sleep for a while and hope.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiochan as ac
from tests.conformance.kit import watched

Go = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


def make(capacity: float = 0) -> ac.Chan[Any]:
    """Make a channel that `settle` checks after every turn of the loop."""
    ch: ac.Chan[Any] = ac.Chan(capacity)
    watched.add(ch)
    return ch


@contextlib.asynccontextmanager
async def program() -> AsyncIterator[Go]:
    """Give `go`, which starts a task; whatever still runs at the end of the block is cancelled."""
    tasks: list[asyncio.Task[Any]] = []
    async with asyncio.TaskGroup() as group:

        def go(coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
            tasks.append(group.create_task(coro))
            return tasks[-1]

        yield go
        for task in tasks:
            task.cancel()


async def send_all(ch: ac.Chan[Any], values: Any) -> None:
    for value in values:
        await ch.send(value)


async def receive_many(ch: ac.Chan[Any], n: int) -> list[Any]:
    return [await ch.recv() for _ in range(n)]
