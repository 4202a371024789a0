"""What all peers do that are queues: `maxsize` 1 stands in for a rendezvous, a race of tasks for a select.

Whoever wants the first of ten values starts ten `get`s, waits for one, cancels the others and waits for them, because
only then is it sure that nobody else took a value. A queue has no end here: a None says that nothing follows, and
tasks that serve for ever are cancelled. A subclass says how its queue is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from bench.peers import base


class Queue(Protocol):
    """What the workloads use of a queue."""

    async def put(self, value: Any, /) -> Any: ...
    async def get(self) -> Any: ...
    def put_nowait(self, value: Any, /) -> Any: ...


async def race(queues: Sequence[Queue]) -> Any:
    """Get one value from whichever queue has one first."""
    racers = [asyncio.create_task(queue.get()) for queue in queues]
    done, losers = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    for loser in losers:
        loser.cancel()
    await asyncio.gather(*losers, return_exceptions=True)
    (winner,) = done
    return winner.result()


class QueuePeer(base.Peer):
    def queue(self, maxsize: int) -> Any:
        raise NotImplementedError

    async def stream(self, count: int) -> int:
        queue = self.queue(100)
        total = 0

        async def produce() -> None:
            for value in range(count):
                await queue.put(value)
            await queue.put(None)

        producer = asyncio.create_task(produce())
        while (value := await queue.get()) is not None:
            total += value
        await producer
        return total

    async def ping_pong(self, count: int) -> int:
        there, back = self.queue(1), self.queue(1)
        total = 0

        async def answer() -> None:
            while (value := await there.get()) is not None:
                await back.put(value)

        answering = asyncio.create_task(answer())
        for value in range(count):
            await there.put(value)
            total += await back.get()
        await there.put(None)
        await answering
        return total

    async def never_waits(self, count: int) -> int:
        queue = self.queue(1)
        total = 0
        for value in range(count):
            await queue.put(value)
            total += await queue.get()
        return total

    async def producers(self, count: int, width: int) -> int:
        queue = self.queue(1)
        total = 0

        async def produce(first: int) -> None:
            for value in range(first, count, width):
                await queue.put(value)

        tasks = [asyncio.create_task(produce(first)) for first in range(width)]
        for _ in range(count):
            total += await queue.get()
        await asyncio.gather(*tasks)
        return total

    async def select_ready(self, count: int, width: int) -> int:
        queues = [self.queue(1) for _ in range(width)]
        total = 0
        for value in range(count):
            queues[value % width].put_nowait(value)
            total += await race(queues)
        return total

    async def select_wait(self, count: int, width: int) -> int:
        queues = [self.queue(1) for _ in range(width)]
        wanted = self.queue(1)
        total = 0

        async def feed() -> None:
            while (value := await wanted.get()) is not None:
                await queues[value % width].put(value)

        feeder = asyncio.create_task(feed())
        await base.settle()
        for value in range(count):
            await wanted.put(value)
            total += await race(queues)
        await wanted.put(None)
        await feeder
        return total

    async def workers(self, count: int, width: int) -> int:
        jobs, results = self.queue(1), self.queue(1)
        total = 0

        async def produce() -> None:
            for value in range(count):
                await jobs.put(value)

        async def work() -> None:
            while True:
                await results.put(await jobs.get())

        tasks = [asyncio.create_task(work()) for _ in range(width)]
        producer = asyncio.create_task(produce())
        for _ in range(count):
            total += await results.get()
        await producer
        await base.end(tasks)
        return total

    async def sieve(self, count: int, maxsize: int = 1) -> int:
        async def generate(out: Queue) -> None:
            value = 2
            while True:
                await out.put(value)
                value += 1

        async def strain(left: Queue, right: Queue, prime: int) -> None:
            while True:
                value = await left.get()
                if value % prime:
                    await right.put(value)

        queue = self.queue(maxsize)
        tasks = [asyncio.create_task(generate(queue))]
        total = 0
        for _ in range(count):
            prime = await queue.get()
            total += prime
            strained = self.queue(maxsize)
            tasks.append(asyncio.create_task(strain(queue, strained, prime)))
            queue = strained
        await base.end(tasks)
        return total

    async def ring(self, count: int, width: int) -> int:
        queues = [self.queue(1) for _ in range(width + 1)]

        async def forward(left: Queue, right: Queue) -> None:
            while True:
                await right.put(await left.get() + 1)

        tasks = [asyncio.create_task(forward(queues[k], queues[k + 1])) for k in range(width)]
        await base.settle()
        token = 0
        self.watch.start()
        for _ in range(count):
            await queues[0].put(token)
            token = await queues[-1].get()
        self.watch.stop()
        await base.end(tasks)
        return token

    async def or_done(self, count: int, width: int) -> int:
        queues = [self.queue(1) for _ in range(width)]
        wanted = self.queue(1)
        total = 0

        async def close() -> None:
            while (index := await wanted.get()) is not None:
                await queues[index].put(index)  # nothing to close: a value is the signal

        closer = asyncio.create_task(close())
        await base.settle()
        for number in range(count):
            await wanted.put(number % width)
            index = await race(queues)
            total += index
            queues[index] = self.queue(1)
        await wanted.put(None)
        await closer
        return total

    # -- growth

    async def waiters(self, count: int, width: int) -> int:
        queue = self.queue(1)
        total = taken = 0
        all_taken = asyncio.Event()

        async def take() -> None:
            nonlocal total, taken
            while True:
                value = await queue.get()
                total += value
                taken += 1
                if taken == count:
                    all_taken.set()

        tasks = [asyncio.create_task(take()) for _ in range(width)]
        await base.settle()
        self.watch.start()
        for value in range(count):
            await queue.put(value)
        await all_taken.wait()
        self.watch.stop()
        await base.end(tasks)
        return total

    async def buffered(self, count: int, width: int) -> int:
        queue = self.queue(width)
        for value in range(width):
            await queue.put(value)
        total = 0
        self.watch.start()
        for value in range(count):
            total += await queue.get()
            await queue.put(width + value)
        self.watch.stop()
        return total

    async def cancel_one(self, count: int, width: int) -> int:
        return await base.cancel_some(self.watch, self.queue(1).get, count, width)

    # -- timers and memory

    async def flow(self, capacity: int) -> None:
        queue = self.queue(capacity)

        async def produce() -> None:
            while True:
                await queue.put(1)

        producer = asyncio.create_task(produce())
        try:
            while True:
                await queue.get()
        finally:
            await base.end([producer])

    def channel(self) -> Any:
        return self.queue(1)

    async def wait_on(self, channel: Any) -> None:
        await channel.get()
