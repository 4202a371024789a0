"""What the tasks of a group do, and the rounds of callers: the same for everybody who is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

KEYS = 100  # that callers ask for
LIMIT = 100  # tasks that may run beside each other
LATER = 30.0  # seconds: a time that does not come
NOW_AND_THEN = 100  # operations without a wait, after which the loop gets a turn, to throw away its dead timers

Load = Callable[[int], Awaitable[int]]


class Failure(Exception):
    """What a task of a group fails with."""


class Tally:
    """Tasks, and how many of them have done what they were to do."""

    def __init__(self) -> None:
        self.ended = self.at_work = self.most = 0

    async def end(self) -> None:
        self.ended += 1

    async def turn(self) -> None:
        await asyncio.sleep(0)
        self.ended += 1

    async def sleep(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.ended += 1
            raise

    async def fail(self) -> None:
        self.ended += 1
        raise Failure

    async def take_place(self) -> None:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await asyncio.sleep(0)
        self.at_work -= 1
        self.ended += 1

    def within(self, limit: int, width: int) -> int:
        """Say how many have ended, if there were as many beside each other as there was room for; else how many."""
        return self.ended if self.most == min(limit, width) else -self.most


class Loads:
    """What callers ask for: the number of the round, found out once for each key."""

    def __init__(self) -> None:
        self.number = 0
        self.loaded: list[int] = []

    async def load(self, key: int) -> int:
        self.loaded.append(key)
        await asyncio.sleep(0)
        return self.number

    async def rounds(self, ask: Callable[[int], Coroutine[Any, Any, int]], count: int, width: int, keys: int) -> int:
        """Let `width` callers ask, `count` times: the sum of what they got, if each key was loaded once in a round."""
        total = 0
        for self.number in range(count):
            tasks = [asyncio.create_task(ask(number % keys)) for number in range(width)]
            for task in tasks:
                total += await task
        return total if len(self.loaded) == count * min(keys, width) else -len(self.loaded)
