"""What is done with locks and the like: the same for everybody who is compared, since all are used in the same way.

A peer has a maker for each kind of object. A workload whose kind is missing cannot be done.

Contenders never do anything else than take what they contend for and give it back. Each has it while all the others
stand in line, as every library here hands it to who has waited longest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from bench.peers import base

__all__ = ["Condition", "Event", "Peer"]

HUNDRED = 100


class Condition(NamedTuple):
    """A condition: the thing itself, and what its methods are called."""

    lock: AbstractAsyncContextManager[Any]
    wait: Callable[[], Awaitable[Any]]
    signal: Callable[[], Any]
    broadcast: Callable[[], Any]


class Event(NamedTuple):
    """Something that happens once: the same."""

    set: Callable[[], Any]
    wait: Callable[[], Awaitable[Any]]


class Peer(base.Peer):
    make_lock: Callable[[], AbstractAsyncContextManager[Any]]
    make_semaphore: Callable[[int], AbstractAsyncContextManager[Any]]
    make_condition: Callable[[], Condition]
    make_event: Callable[[], Event]
    make_barrier: Callable[[int], Callable[[], Awaitable[Any]]]  # its wait

    def can(self, workload: str) -> bool:
        kind = {"broadcast": "condition"}.get(workload, workload.partition("_")[0])
        return hasattr(self, f"make_{kind}")

    # -- alone

    async def lock_free(self, count: int) -> int:
        return await self._alone(self.make_lock(), count)

    async def semaphore_free(self, count: int) -> int:
        return await self._alone(self.make_semaphore(1), count)

    async def _alone(self, thing: AbstractAsyncContextManager[Any], count: int) -> int:
        self.watch.start()
        done = 0
        for _ in range(count):
            async with thing:
                done += 1
        return done

    async def condition_free(self, count: int) -> int:
        condition = self.make_condition()
        lock, signal, done = condition.lock, condition.signal, 0
        for _ in range(count):
            async with lock:
                signal()
                done += 1
        return done

    async def event_set(self, count: int) -> int:
        event, done = self.make_event(), 0
        event.set()
        for _ in range(count):
            await event.wait()
            done += 1
        return done

    # -- contending

    async def lock(self, count: int, width: int) -> int:
        return await self._contend(self.make_lock(), count, width)

    async def semaphore(self, count: int, width: int) -> int:
        return await self._contend(self.make_semaphore(1), count, width)

    async def semaphore_hundred(self, count: int, width: int) -> int:
        return await self._contend(self.make_semaphore(HUNDRED), count, width, HUNDRED)

    async def _contend(self, thing: AbstractAsyncContextManager[Any], count: int, width: int, room: int = 1) -> int:
        done = 0

        async def contend() -> None:
            nonlocal done
            for _ in range(count):
                async with thing:
                    done += 1

        async with contextlib.AsyncExitStack() as stack:
            for _ in range(room):  # taken, until everybody stands in line
                await stack.enter_async_context(thing)
            tasks = [asyncio.create_task(contend()) for _ in range(width)]
            await base.settle()
            self.watch.start()
        for task in tasks:
            await task
        self.watch.stop()
        return done

    async def condition(self, count: int, width: int) -> int:
        """Each tells the next in a ring, and waits for its turn again."""
        rings = [self.make_condition() for _ in range(width)]
        turn = [False] * width
        done = 0

        async def go_round(number: int) -> None:
            nonlocal done
            mine, following = rings[number], (number + 1) % width
            its = rings[following]
            for _ in range(count):
                async with mine.lock:
                    while not turn[number]:
                        await mine.wait()
                    turn[number] = False
                done += 1
                async with its.lock:
                    turn[following] = True
                    its.signal()

        tasks = [asyncio.create_task(go_round(number)) for number in range(width)]
        await base.settle()
        self.watch.start()
        async with rings[0].lock:
            turn[0] = True
            rings[0].signal()
        for task in tasks:
            await task
        self.watch.stop()
        return done

    async def broadcast(self, count: int, width: int) -> int:
        condition = self.make_condition()
        lock, waiting, done = condition.lock, 0, 0

        async def wait() -> None:
            nonlocal waiting, done
            for _ in range(count):
                async with lock:
                    waiting += 1
                    if waiting == width:
                        everybody.set()
                    await condition.wait()
                    done += 1

        everybody = asyncio.Event()
        tasks = [asyncio.create_task(wait()) for _ in range(width)]
        self.watch.start()
        for _ in range(count):
            await everybody.wait()
            everybody.clear()
            waiting = 0
            async with lock:
                condition.broadcast()
        for task in tasks:
            await task
        return done

    async def event(self, count: int, width: int) -> int:
        """Tasks wait for one event after the other."""
        events = [self.make_event() for _ in range(count)]
        done = 0

        async def wait() -> None:
            nonlocal done
            for event in events:
                await event.wait()
                done += 1

        tasks = [asyncio.create_task(wait()) for _ in range(width)]
        await base.settle()
        self.watch.start()
        for number, event in enumerate(events):
            event.set()
            while done < (number + 1) * width:  # noqa: ASYNC110 - an event for that would be measured, too
                await asyncio.sleep(0)
        for task in tasks:
            await task
        self.watch.stop()
        return done

    async def barrier(self, count: int, width: int) -> int:
        wait, done = self.make_barrier(width), 0

        async def meet() -> None:
            nonlocal done
            for _ in range(count):
                await wait()
                done += 1

        tasks = [asyncio.create_task(meet()) for _ in range(width)]
        self.watch.start()
        for task in tasks:
            await task
        self.watch.stop()
        return done

    # -- cancelled

    async def lock_cancel(self, count: int, width: int) -> int:
        lock = self.make_lock()
        async with lock:
            return await base.cancel_some(self.watch, lambda: _enter(lock), count, width)

    async def semaphore_cancel(self, count: int, width: int) -> int:
        semaphore = self.make_semaphore(1)
        async with semaphore:
            return await base.cancel_some(self.watch, lambda: _enter(semaphore), count, width)

    async def condition_cancel(self, count: int, width: int) -> int:
        condition = self.make_condition()

        async def wait() -> None:
            async with condition.lock:
                await condition.wait()

        return await base.cancel_some(self.watch, wait, count, width)

    async def event_cancel(self, count: int, width: int) -> int:
        event = self.make_event()

        async def wait() -> None:
            await event.wait()

        return await base.cancel_some(self.watch, wait, count, width)


async def _enter(thing: AbstractAsyncContextManager[Any]) -> None:
    async with thing:
        pass
