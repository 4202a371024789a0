"""No channel at all: awaits and switches of tasks, as bare as they get. They return how often they went round."""

# ruff: noqa: B007 - how often a loop went round is what it returns

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType

from bench import extension
from bench.peers import base


class Peer(base.Peer):
    async def finished(self, count: int) -> int:
        finished = extension.load().finished
        self.watch.start()
        return await _two_awaits(finished, count)

    async def empty(self, count: int) -> int:
        return await _two_awaits(_empty, count)

    async def switch(self, count: int) -> int:
        return await self._two_tasks(_switch, count)

    async def barest_switch(self, count: int) -> int:
        return await self._two_tasks(_barest_switch, count)

    async def _two_tasks(self, switch: Callable[[ModuleType, int], Awaitable[int]], count: int) -> int:
        """Let two tasks take turns: how often both have had one."""
        floors = extension.load()
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        floors.use(done)
        self.watch.start()
        other = asyncio.ensure_future(switch(floors, count))
        return min(await switch(floors, count), await other)


async def _empty() -> None:
    pass


async def _two_awaits(made: Callable[[], Awaitable[None]], count: int) -> int:
    times = 0
    for times in range(1, count + 1):
        await made()
        await made()
    return times


async def _switch(floors: ModuleType, count: int) -> int:
    """Switch with a new object each time, as an operation is."""
    switch_task = floors.switch_task
    times = 0
    for times in range(1, count + 1):
        await switch_task()
    return times


async def _barest_switch(floors: ModuleType, count: int) -> int:
    token = floors.switch_task()
    times = 0
    for times in range(1, count + 1):
        await token
    return times
