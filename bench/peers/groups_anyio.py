"""anyio's task groups and cancel scopes, on asyncio. Flights nobody writes with it otherwise than with asyncio."""

# ruff: noqa: ASYNC100 - what it costs to enter and to leave, with nothing in between, is the question

from __future__ import annotations

import asyncio

import anyio

from bench.peers import base
from bench.peers.groups import LATER, LIMIT, NOW_AND_THEN, Failure, Tally


class Peer(base.Peer):
    async def group(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    group.start_soon(tally.end)
        return tally.ended

    async def group_turn(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    group.start_soon(tally.turn)
        return tally.ended

    async def group_fails(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            try:
                async with anyio.create_task_group() as group:
                    for _ in range(width - 1):
                        group.start_soon(tally.sleep)
                    group.start_soon(tally.fail)
            except* Failure:
                pass
        return tally.ended

    async def limit_go(self, count: int, width: int) -> int:
        tally = Tally()

        async def work(limiter: anyio.CapacityLimiter) -> None:
            async with limiter:
                await tally.take_place()

        for _ in range(count):
            limiter = anyio.CapacityLimiter(LIMIT)
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    group.start_soon(work, limiter)
        return tally.within(LIMIT, width)

    async def limit_submit(self, count: int, width: int) -> int:
        tally = Tally()

        async def work(semaphore: anyio.Semaphore) -> None:
            try:
                await tally.take_place()
            finally:
                semaphore.release()

        for _ in range(count):
            semaphore = anyio.Semaphore(LIMIT, fast_acquire=True)
            async with anyio.create_task_group() as group:
                for _ in range(width):
                    await semaphore.acquire()
                    group.start_soon(work, semaphore)
        return tally.within(LIMIT, width)

    # -- scopes

    async def ctx_cancel(self, count: int) -> int:
        ended = 0
        for _ in range(count):
            scope = anyio.CancelScope()
            scope.cancel()
            ended += scope.cancel_called
        return ended

    async def ctx_timeout(self, count: int) -> int:
        return await self.scope_timeout(count)

    async def scope(self, count: int) -> int:
        entered = 0
        for _ in range(count):
            with anyio.CancelScope():
                entered += 1
        return entered

    async def scope_timeout(self, count: int) -> int:
        entered = 0
        for number in range(count):
            with anyio.move_on_after(LATER):
                entered += 1
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return entered

    async def scope_cancelled(self, count: int) -> int:
        loop = asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await loop.create_future()
            cancelled += scope.cancelled_caught
        return cancelled

    async def scope_expired(self, count: int) -> int:
        loop = asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            try:
                with anyio.fail_after(0):
                    await loop.create_future()
            except TimeoutError:
                cancelled += 1
        return cancelled

    async def scope_tree(self, count: int, width: int) -> int:
        cancelled = 0

        async def sleep() -> None:
            nonlocal cancelled
            try:
                with anyio.CancelScope():
                    await asyncio.get_running_loop().create_future()
            finally:
                cancelled += 1

        async with anyio.create_task_group() as group:
            for _ in range(count * width):
                group.start_soon(sleep)
            await base.settle()
            self.watch.start()
            group.cancel_scope.cancel()
        self.watch.stop()
        return cancelled

    # -- timers

    async def after_ready(self, count: int) -> int:
        send, receive = anyio.create_memory_object_stream[int](1)
        total = 0
        with send, receive:
            for value in range(count):
                send.send_nowait(value)
                with anyio.move_on_after(LATER):
                    total += await receive.receive()
                if value % NOW_AND_THEN == 0:
                    await asyncio.sleep(0)
        return total
