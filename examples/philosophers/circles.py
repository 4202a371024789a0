"""Who waits for whom: a deadlock is a circle of that, and is closed by the last one who begins to wait.

So it is enough to look when a task has to wait for a lock: does the owner of the lock wait, too, for another one, whose
owner waits ..., and is the last of them this task? Then nobody in the circle can ever go on, and this one is told so
instead of waiting. What it holds it puts back on its way out, and the others go on, or are cancelled by their group.

It works for locks with one owner. For a semaphore it would be a guess: any of its holders may let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import aiochan as ac

Task: TypeAlias = "asyncio.Task[Any]"


class Deadlock(Exception):
    """Tell that some tasks wait for each other.

    Attributes:
        circle: Each task with the lock that it waits for, and that the next task has.
    """

    def __init__(self, circle: list[tuple[Task, ac.Mutex]]) -> None:
        super().__init__(circle)
        self.circle = circle

    def __str__(self) -> str:
        owners = [task.get_name() for task, _ in self.circle[1:] + self.circle[:1]]
        return "deadlock" + "".join(
            f"\n  {task.get_name()} waits for {lock.name}, which {owner} has"
            for (task, lock), owner in zip(self.circle, owners, strict=True)
        )


class Circles:
    """Knows who waits for which lock, and lets nobody close a circle."""

    def __init__(self) -> None:
        self._wanted: dict[Task, ac.Mutex] = {}

    @asynccontextmanager
    async def take(self, lock: ac.Mutex) -> AsyncGenerator[None, None]:
        """Have the lock inside the block.

        Raises:
            Deadlock: It would never come.
        """
        if not lock.try_lock():
            await self._wait_for(lock)
        try:
            yield
        finally:
            lock.unlock()

    async def _wait_for(self, lock: ac.Mutex) -> None:
        me = asyncio.current_task()
        assert me is not None
        self._wanted[me] = lock
        try:
            self._look_for_a_circle(me)
            await lock.lock()
        finally:
            del self._wanted[me]

    def _look_for_a_circle(self, me: Task) -> None:
        circle: list[tuple[Task, ac.Mutex]] = []
        task = me
        while (lock := self._wanted.get(task)) is not None:
            if (owner := lock.owner) is None or owner is task:
                return  # it is just being handed over, so somebody can go on
            circle.append((task, lock))
            task = owner
            if task is me:
                raise Deadlock(circle)
