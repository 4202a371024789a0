"""aiochan 0.2.7 by zh217, which PyPI knows as ``aiochan``: channels and a select after core.async.

It is imported by the name of this project, so it runs in an environment of its own. None cannot be sent, and is what a
closed channel gives. No more than 1,024 operations may wait on one channel.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiochan
from bench.peers import base

if not hasattr(aiochan, "Dup"):
    raise ImportError("this is another aiochan")


class Peer(base.Peer):
    async def stream(self, count: int) -> int:
        chan = aiochan.Chan(100)
        total = 0

        async def produce() -> None:
            for value in range(count):
                await chan.put(value)
            chan.close()

        producer = asyncio.create_task(produce())
        async for value in chan:
            total += value
        await producer
        return total

    async def ping_pong(self, count: int) -> int:
        there, back = aiochan.Chan(), aiochan.Chan()
        total = 0

        async def answer() -> None:
            async for value in there:
                await back.put(value)

        answering = asyncio.create_task(answer())
        for value in range(count):
            await there.put(value)
            total += await back.get()
        there.close()
        await answering
        return total

    async def never_waits(self, count: int) -> int:
        chan = aiochan.Chan(1)
        total = 0
        for value in range(count):
            await chan.put(value)
            total += await chan.get()
        return total

    async def producers(self, count: int, width: int) -> int:
        chan = aiochan.Chan()
        total = 0

        async def produce(first: int) -> None:
            for value in range(first, count, width):
                await chan.put(value)

        tasks = [asyncio.create_task(produce(first)) for first in range(width)]
        for _ in range(count):
            total += await chan.get()
        await asyncio.gather(*tasks)
        return total

    async def select_ready(self, count: int, width: int) -> int:
        chans = [aiochan.Chan(1) for _ in range(width)]
        total = 0
        for value in range(count):
            chans[value % width].put_nowait(value)
            got, _ = await aiochan.select(*chans)
            total += got
        return total

    async def select_wait(self, count: int, width: int) -> int:
        chans = [aiochan.Chan() for _ in range(width)]
        wanted = aiochan.Chan()
        total = 0

        async def feed() -> None:
            async for value in wanted:
                await chans[value % width].put(value)

        feeder = asyncio.create_task(feed())
        await base.settle()
        for value in range(count):
            await wanted.put(value)
            got, _ = await aiochan.select(*chans)
            total += got
        wanted.close()
        await feeder
        return total

    async def workers(self, count: int, width: int) -> int:
        jobs, results = aiochan.Chan(), aiochan.Chan()
        total = 0

        async def produce() -> None:
            for value in range(count):
                await jobs.put(value)
            jobs.close()

        async def work() -> None:
            async for value in jobs:
                await results.put(value)

        tasks = [asyncio.create_task(work()) for _ in range(width)]
        tasks.append(asyncio.create_task(produce()))
        for _ in range(count):
            total += await results.get()
        await asyncio.gather(*tasks)
        return total

    async def sieve(self, count: int, capacity: int | None = None) -> int:
        async def generate(out: Any) -> None:
            value = 2
            while True:
                await out.put(value)
                value += 1

        async def strain(left: Any, right: Any, prime: int) -> None:
            async for value in left:
                if value % prime:
                    await right.put(value)

        chan = aiochan.Chan(capacity)
        tasks = [asyncio.create_task(generate(chan))]
        total = 0
        for _ in range(count):
            prime = await chan.get()
            total += prime
            strained = aiochan.Chan(capacity)
            tasks.append(asyncio.create_task(strain(chan, strained, prime)))
            chan = strained
        await base.end(tasks)
        return total

    async def ring(self, count: int, width: int) -> int:
        chans = [aiochan.Chan() for _ in range(width + 1)]

        async def forward(left: Any, right: Any) -> None:
            async for token in left:
                await right.put(token + 1)

        tasks = [asyncio.create_task(forward(chans[k], chans[k + 1])) for k in range(width)]
        await base.settle()
        token = 0
        self.watch.start()
        for _ in range(count):
            await chans[0].put(token)
            token = await chans[-1].get()
        self.watch.stop()
        await base.end(tasks)
        return token

    async def or_done(self, count: int, width: int) -> int:
        chans = [aiochan.Chan() for _ in range(width)]
        wanted = aiochan.Chan()
        total = 0

        async def close() -> None:
            async for index in wanted:
                chans[index].close()

        closer = asyncio.create_task(close())
        await base.settle()
        for number in range(count):
            index = number % width
            await wanted.put(index)
            _, closed = await aiochan.select(*chans)
            if closed is chans[index]:
                total += index
            chans[index] = aiochan.Chan()
        wanted.close()
        await closer
        return total

    async def flow(self, capacity: int) -> None:
        chan = aiochan.Chan(capacity)

        async def produce() -> None:
            while True:
                await chan.put(1)

        producer = asyncio.create_task(produce())
        try:
            while True:
                await chan.get()
        finally:
            await base.end([producer])

    def channel(self) -> Any:
        return aiochan.Chan()

    async def wait_on(self, channel: Any) -> None:
        await channel.get()
