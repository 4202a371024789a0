"""The standard library: `asyncio.TaskGroup`, `asyncio.timeout`, and what people write by hand with these."""

# ruff: noqa: ASYNC100 - what it costs to enter and to leave, with nothing in between, is the question

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bench.peers import base
from bench.peers.groups import KEYS, LATER, LIMIT, NOW_AND_THEN, Failure, Loads, Tally


class Peer(base.Peer):
    async def group(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(tally.end())
        return tally.ended

    async def group_turn(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(tally.turn())
        return tally.ended

    async def group_fails(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(width - 1):
                        group.create_task(tally.sleep())
                    group.create_task(tally.fail())
            except* Failure:
                pass
        return tally.ended

    async def limit_go(self, count: int, width: int) -> int:
        tally = Tally()

        async def work(semaphore: asyncio.Semaphore) -> None:
            async with semaphore:
                await tally.take_place()

        for _ in range(count):
            semaphore = asyncio.Semaphore(LIMIT)
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(work(semaphore))
        return tally.within(LIMIT, width)

    async def limit_submit(self, count: int, width: int) -> int:
        tally = Tally()

        def giver(semaphore: asyncio.Semaphore) -> Callable[[object], None]:
            return lambda _task: semaphore.release()

        for _ in range(count):
            semaphore = asyncio.Semaphore(LIMIT)
            give_back = giver(semaphore)
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    await semaphore.acquire()
                    group.create_task(tally.take_place()).add_done_callback(give_back)
        return tally.within(LIMIT, width)

    # -- scopes

    async def ctx_timeout(self, count: int) -> int:
        loop = asyncio.get_running_loop()
        ended = 0
        for number in range(count):
            handle = loop.call_later(LATER, _nothing)
            ended += 1
            handle.cancel()
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return ended

    async def scope(self, count: int) -> int:
        entered = 0
        for _ in range(count):
            async with asyncio.timeout(None):
                entered += 1
        return entered

    async def scope_timeout(self, count: int) -> int:
        entered = 0
        for number in range(count):
            async with asyncio.timeout(LATER):
                entered += 1
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return entered

    async def scope_cancelled(self, count: int) -> int:
        loop = asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            try:
                async with asyncio.timeout(None) as timeout:
                    timeout.reschedule(0)  # long ago
                    await loop.create_future()
            except TimeoutError:
                cancelled += 1
        return cancelled

    async def scope_expired(self, count: int) -> int:
        loop = asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            try:
                async with asyncio.timeout(0):
                    await loop.create_future()
            except TimeoutError:
                cancelled += 1
        return cancelled

    async def scope_tree(self, count: int, width: int) -> int:
        cancelled = 0

        async def sleep() -> None:
            nonlocal cancelled
            try:
                async with asyncio.timeout(None):
                    await asyncio.get_running_loop().create_future()
            finally:
                cancelled += 1

        tasks = [asyncio.create_task(sleep()) for _ in range(count * width)]
        await base.settle()
        self.watch.start()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        self.watch.stop()
        return cancelled

    # -- flights

    async def flight_one(self, count: int, width: int) -> int:
        return await self._fly(count, width, 1)

    async def flight_keys(self, count: int, width: int) -> int:
        return await self._fly(count, width, KEYS)

    async def _fly(self, count: int, width: int, keys: int) -> int:
        loads, flights = Loads(), dict[int, asyncio.Task[int]]()

        async def ask(key: int) -> int:
            task = flights.get(key)
            if task is None:
                task = flights[key] = asyncio.create_task(loads.load(key))
                task.add_done_callback(lambda _task: flights.pop(key))
            return await asyncio.shield(task)  # one who is cancelled does not take it from the others

        return await loads.rounds(ask, count, width, keys)

    # -- timers

    async def after_ready(self, count: int) -> int:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        total = 0
        for value in range(count):
            queue.put_nowait(value)
            async with asyncio.timeout(LATER):
                total += await queue.get()
            if value % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return total

    async def after_dropped(self, count: int) -> int:
        return await self.ctx_timeout(count)


def _nothing() -> None:
    pass
