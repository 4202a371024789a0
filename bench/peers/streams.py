"""What anyio and trio do: memory streams with a rendezvous, in groups of tasks; a select is a race in a group.

The interfaces are alike down to the names. A subclass says how a stream and a group are made. Streams are closed when
a workload is over, as the style of both asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bench.peers import base


class StreamPeer(base.Peer):
    def open(self, capacity: int) -> tuple[Any, Any]:
        """Make a stream: its send end, its receive end."""
        raise NotImplementedError

    def group(self) -> Any:
        """Make an async context manager whose value has `start_soon` and `cancel_scope`."""
        raise NotImplementedError

    async def checkpoint(self) -> None:
        raise NotImplementedError

    async def race(self, receivers: Sequence[Any]) -> Any:
        """Receive one value from whichever stream has one first."""
        result = None

        async def receive(receiver: Any) -> None:
            nonlocal result
            result = await receiver.receive()
            group.cancel_scope.cancel()

        async with self.group() as group:
            for receiver in receivers:
                group.start_soon(receive, receiver)
        return result

    async def stream(self, count: int) -> int:
        send, receive = self.open(100)
        total = 0

        async def produce() -> None:
            async with send:
                for value in range(count):
                    await send.send(value)

        async with self.group() as group, receive:
            group.start_soon(produce)
            async for value in receive:
                total += value
        return total

    async def ping_pong(self, count: int) -> int:
        there, there_end = self.open(0)
        back, back_end = self.open(0)
        total = 0

        async def answer() -> None:
            async with there_end, back:
                async for value in there_end:
                    await back.send(value)

        async with self.group() as group, there, back_end:
            group.start_soon(answer)
            for value in range(count):
                await there.send(value)
                total += await back_end.receive()
        return total

    async def never_waits(self, count: int) -> int:
        send, receive = self.open(1)
        total = 0
        async with send, receive:
            for value in range(count):
                await send.send(value)
                total += await receive.receive()
        return total

    async def producers(self, count: int, width: int) -> int:
        send, receive = self.open(0)
        total = 0

        async def produce(own: Any, first: int) -> None:
            async with own:
                for value in range(first, count, width):
                    await own.send(value)

        async with self.group() as group, receive:
            async with send:
                for first in range(width):
                    group.start_soon(produce, send.clone(), first)
            async for value in receive:
                total += value
        return total

    async def select_ready(self, count: int, width: int) -> int:
        total = 0
        with ExitStack() as stack:
            sends, receives = self._open_many(stack, 1, width)
            for value in range(count):
                sends[value % width].send_nowait(value)
                total += await self.race(receives)
        return total

    async def select_wait(self, count: int, width: int) -> int:
        wanted, wanted_end = self.open(0)
        total = 0

        async def feed() -> None:
            async with wanted_end:
                async for value in wanted_end:
                    await sends[value % width].send(value)

        with ExitStack() as stack:
            sends, receives = self._open_many(stack, 0, width)
            async with self.group() as group, wanted:
                group.start_soon(feed)
                for value in range(count):
                    await wanted.send(value)
                    total += await self.race(receives)
        return total

    async def workers(self, count: int, width: int) -> int:
        jobs, jobs_end = self.open(0)
        results, results_end = self.open(0)
        total = 0

        async def produce() -> None:
            async with jobs:
                for value in range(count):
                    await jobs.send(value)

        async def work(own: Any, out: Any) -> None:
            async with own, out:
                async for value in own:
                    await out.send(value)

        async with self.group() as group, results_end:
            async with jobs_end, results:
                for _ in range(width):
                    group.start_soon(work, jobs_end.clone(), results.clone())
            group.start_soon(produce)
            async for value in results_end:
                total += value
        return total

    async def sieve(self, count: int, capacity: int = 0) -> int:
        async def generate(out: Any) -> None:
            with out:
                value = 2
                while True:
                    await out.send(value)
                    value += 1

        async def strain(left: Any, right: Any, prime: int) -> None:
            with left, right:
                async for value in left:
                    if value % prime:
                        await right.send(value)

        total = 0
        async with self.group() as group:
            out, receive = self.open(capacity)
            group.start_soon(generate, out)
            for _ in range(count):
                prime = await receive.receive()
                total += prime
                right, strained = self.open(capacity)
                group.start_soon(strain, receive, right, prime)
                receive = strained
            await self.checkpoint()  # the last one starts, or nobody would close its ends
            receive.close()
            group.cancel_scope.cancel()
        return total

    async def ring(self, count: int, width: int) -> int:
        async def forward(left: Any, right: Any) -> None:
            with left, right:
                async for token in left:
                    await right.send(token + 1)

        token = 0
        async with self.group() as group:
            first, left = self.open(0)
            for _ in range(width):
                right, following = self.open(0)
                group.start_soon(forward, left, right)
                left = following
            for _ in range(base.TURNS):
                await self.checkpoint()
            self.watch.start()
            for _ in range(count):
                await first.send(token)
                token = await left.receive()
            self.watch.stop()
            first.close()
            left.close()
        return token

    async def or_done(self, count: int, width: int) -> int:
        wanted, wanted_end = self.open(0)
        total = 0

        async def close() -> None:
            async with wanted_end:
                async for index in wanted_end:
                    await sends[index].send(index)  # its end would be an exception in the race: a value is the signal

        with ExitStack() as stack:
            sends, receives = self._open_many(stack, 0, width)
            async with self.group() as group, wanted:
                group.start_soon(close)
                for number in range(count):
                    await wanted.send(number % width)
                    total += await self.race(receives)
        return total

    def _open_many(self, stack: ExitStack, capacity: int, width: int) -> tuple[list[Any], list[Any]]:
        ends = [self.open(capacity) for _ in range(width)]
        for end in (end for pair in ends for end in pair):
            stack.callback(end.close)
        sends, receives = zip(*ends, strict=True)
        return list(sends), list(receives)

    # -- memory

    def channel(self) -> Any:
        return self.open(0)

    def discard(self, channel: Any) -> None:
        for end in channel:
            end.close()

    async def wait_on(self, channel: Any) -> None:
        await channel[1].receive()
