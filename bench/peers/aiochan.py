"""Channels: rendezvous where the workload asks for it, and a real select."""

from __future__ import annotations

import asyncio

import aiochan as ac
from bench.peers import base


class Peer(base.Peer):
    async def stream(self, count: int) -> int:
        chan: ac.Chan[int] = ac.Chan(100)
        total = 0

        async def produce() -> None:
            for value in range(count):
                await chan.send(value)
            chan.close()

        producer = asyncio.create_task(produce())
        async for value in chan:
            total += value
        await producer
        return total

    async def ping_pong(self, count: int) -> int:
        there: ac.Chan[int] = ac.Chan()
        back: ac.Chan[int] = ac.Chan()
        total = 0

        async def answer() -> None:
            async for value in there:
                await back.send(value)

        answering = asyncio.create_task(answer())
        for value in range(count):
            await there.send(value)
            total += await back.recv()
        there.close()
        await answering
        return total

    async def never_waits(self, count: int) -> int:
        chan: ac.Chan[int] = ac.Chan(1)
        total = 0
        for value in range(count):
            await chan.send(value)
            total += await chan.recv()
        return total

    async def producers(self, count: int, width: int) -> int:
        chan: ac.Chan[int] = ac.Chan()
        total = 0

        async def produce(first: int) -> None:
            for value in range(first, count, width):
                await chan.send(value)

        tasks = [asyncio.create_task(produce(first)) for first in range(width)]
        for _ in range(count):
            total += await chan.recv()
        await asyncio.gather(*tasks)
        return total

    async def select_ready(self, count: int, width: int) -> int:
        chans: list[ac.Chan[int]] = [ac.Chan(1) for _ in range(width)]
        total = 0
        for value in range(count):
            chans[value % width].send_nowait(value)
            _, got = await ac.select(*[ac.recv(chan) for chan in chans])
            total += got
        return total

    async def select_wait(self, count: int, width: int) -> int:
        chans: list[ac.Chan[int]] = [ac.Chan() for _ in range(width)]
        wanted: ac.Chan[int] = ac.Chan()
        total = 0

        async def feed() -> None:
            async for value in wanted:
                await chans[value % width].send(value)

        feeder = asyncio.create_task(feed())
        await base.settle()
        for value in range(count):
            await wanted.send(value)
            _, got = await ac.select(*[ac.recv(chan) for chan in chans])
            total += got
        wanted.close()
        await feeder
        return total

    async def workers(self, count: int, width: int) -> int:
        jobs: ac.Chan[int] = ac.Chan()
        results: ac.Chan[int] = ac.Chan()
        total = 0

        async def produce() -> None:
            for value in range(count):
                await jobs.send(value)
            jobs.close()

        async def work() -> None:
            async for value in jobs:
                await results.send(value)

        tasks = [asyncio.create_task(work()) for _ in range(width)]
        tasks.append(asyncio.create_task(produce()))
        for _ in range(count):
            total += await results.recv()
        await asyncio.gather(*tasks)
        return total

    async def sieve(self, count: int, capacity: int = 0) -> int:
        async def generate(out: ac.Chan[int]) -> None:
            value = 2
            while True:
                await out.send(value)
                value += 1

        async def strain(left: ac.Chan[int], right: ac.Chan[int], prime: int) -> None:
            async for value in left:
                if value % prime:
                    await right.send(value)

        chan: ac.Chan[int] = ac.Chan(capacity)
        tasks = [asyncio.create_task(generate(chan))]
        total = 0
        for _ in range(count):
            prime = await chan.recv()
            total += prime
            strained: ac.Chan[int] = ac.Chan(capacity)
            tasks.append(asyncio.create_task(strain(chan, strained, prime)))
            chan = strained
        await base.end(tasks)
        return total

    async def ring(self, count: int, width: int) -> int:
        chans: list[ac.Chan[int]] = [ac.Chan() for _ in range(width + 1)]

        async def forward(left: ac.Chan[int], right: ac.Chan[int]) -> None:
            async for token in left:
                await right.send(token + 1)

        tasks = [asyncio.create_task(forward(chans[k], chans[k + 1])) for k in range(width)]
        await base.settle()
        token = 0
        self.watch.start()
        for _ in range(count):
            await chans[0].send(token)
            token = await chans[-1].recv()
        self.watch.stop()
        await base.end(tasks)
        return token

    async def or_done(self, count: int, width: int) -> int:
        signals = [ac.Signal() for _ in range(width)]
        wanted: ac.Chan[int] = ac.Chan()
        total = 0

        async def close() -> None:
            async for index in wanted:
                signals[index].close()

        closer = asyncio.create_task(close())
        await base.settle()
        for number in range(count):
            await wanted.send(number % width)
            index, _ = await ac.select(*[ac.recv(signal) for signal in signals])
            total += index
            signals[index] = ac.Signal()
        wanted.close()
        await closer
        return total

    # -- growth

    async def look(self, count: int, width: int) -> int:
        chans: list[ac.Chan[int]] = [ac.Chan(1) for _ in range(width)]
        cases = [ac.recv(chan) for chan in chans]
        total = 0
        self.watch.start()
        for value in range(count):
            chans[value % width].send_nowait(value)
            _, got = await ac.select(*cases)
            total += got
        return total

    async def stand(self, count: int, width: int) -> int:
        chans: list[ac.Chan[int]] = [ac.Chan() for _ in range(width)]
        cases = [ac.recv(chan) for chan in chans]
        wanted: ac.Chan[int] = ac.Chan()
        total = 0

        async def feed() -> None:
            async for value in wanted:
                await chans[value % width].send(value)

        feeder = asyncio.create_task(feed())
        await base.settle()
        self.watch.start()
        for value in range(count):
            await wanted.send(value)
            _, got = await ac.select(*cases)
            total += got
        wanted.close()
        await feeder
        return total

    async def waiters(self, count: int, width: int) -> int:
        chan: ac.Chan[int] = ac.Chan()
        total = 0

        async def take() -> None:
            nonlocal total
            async for value in chan:
                total += value

        tasks = [asyncio.create_task(take()) for _ in range(width)]
        await base.settle()
        self.watch.start()
        for value in range(count):
            await chan.send(value)
        await base.settle()  # the last ones take theirs
        self.watch.stop()
        chan.close()
        await asyncio.gather(*tasks)
        return total

    async def buffered(self, count: int, width: int) -> int:
        chan: ac.Chan[int] = ac.Chan(width)
        for value in range(width):
            await chan.send(value)
        total = 0
        self.watch.start()
        for value in range(count):
            total += await chan.recv()
            await chan.send(width + value)
        self.watch.stop()
        return total

    async def cancel_one(self, count: int, width: int) -> int:
        chan: ac.Chan[int] = ac.Chan()
        return await base.cancel_some(self.watch, chan.recv, count, width)

    # -- timers and memory

    async def flow(self, capacity: int) -> None:
        chan: ac.Chan[int] = ac.Chan(capacity)

        async def produce() -> None:
            while True:
                await chan.send(1)

        producer = asyncio.create_task(produce())
        try:
            while True:
                await chan.recv()
        finally:
            await base.end([producer])

    def channel(self) -> ac.Chan[int]:
        return ac.Chan()

    async def wait_on(self, channel: ac.Chan[int]) -> None:
        await channel.recv()

    def give(self, channel: ac.Chan[int]) -> None:
        channel.send_nowait(1)
