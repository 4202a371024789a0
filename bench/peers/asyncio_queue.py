"""The standard library: `asyncio.Queue`, without rendezvous (maxsize 1 stands in) or select.

A race of tasks stands in for select: whoever wants the first of ten values starts ten `get`s, waits
for one, and cancels the others and waits for them, because only then is it sure that no value was
lost.
"""

from __future__ import annotations

import asyncio


async def stream(count: int) -> None:
    """Send `count` values through a queue of 100; None is the end."""
    queue: asyncio.Queue[int | None] = asyncio.Queue(100)

    async def produce() -> None:
        for value in range(count):
            await queue.put(value)
        await queue.put(None)

    producer = asyncio.create_task(produce())
    while await queue.get() is not None:
        pass
    await producer


async def ping_pong(count: int) -> None:
    """Send a value there and back, `count` times, over two queues of 1."""
    there: asyncio.Queue[int | None] = asyncio.Queue(1)
    back: asyncio.Queue[int] = asyncio.Queue(1)

    async def answer() -> None:
        while (value := await there.get()) is not None:
            await back.put(value)

    answering = asyncio.create_task(answer())
    for value in range(count):
        await there.put(value)
        await back.get()
    await there.put(None)
    await answering


async def select_ready(count: int) -> None:
    """Race for the first value of ten queues, one of which holds one."""
    queues: list[asyncio.Queue[int]] = [asyncio.Queue(1) for _ in range(10)]
    for value in range(count):
        queues[value % 10].put_nowait(value)
        racers = [asyncio.create_task(queue.get()) for queue in queues]
        _, losers = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        for loser in losers:
            loser.cancel()
        await asyncio.gather(*losers, return_exceptions=True)
