"""What a pool does in a task of its own, so that no cancellation of a borrower can stop it half-way.

A connection is opened for somebody, and closed because of somebody; but if that task is cancelled meanwhile, a
connection that is half open or half closed belongs to nobody, and many libraries leave it lying about. So the pool does
both itself, and whoever wants the outcome waits beside it and may leave at any time.

Invariants
----------
E1  The task of an errand is kept until it ends.
E2  What comes of it is taken by the one who wants it, or settled by the pool: one of the two, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from aiochan.context import lasting_context, variables
from aiochan.core import Signal
from aiochan.tasks import keep

__all__ = ["Errand"]

R = TypeVar("R")


class Errand(Generic[R]):
    """Run a coroutine to its end, whatever becomes of the one who waits for it.

    Args:
        settle: Called with the task when it has ended and nobody wants what came of it.
        wanted: Whether somebody wants it, who will `wait`.

    Attributes:
        task: The task; set by `start`, which may run all of it.
        over: Closed when all is done.
    """

    __slots__ = ("_settle", "over", "task", "wanted")

    task: asyncio.Task[R]

    def __init__(self, settle: Callable[[asyncio.Task[R]], object], *, wanted: bool) -> None:
        self._settle = settle
        self.wanted = wanted
        self.over = Signal()

    def start(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, R], name: str) -> Errand[R]:
        """Start the task. It sees the context variables of the caller, but no deadline of its context."""
        task = self.task = loop.create_task(coro, name=name, context=variables(lasting_context()))
        if task.done():  # it was eager
            self._end(task)
        else:
            keep(task)
            task.add_done_callback(self._end)
        return self

    async def wait(self) -> None:
        """Wait until the task has ended; what came of it is the caller's then.

        Cancellation: leaves it to the pool, which goes on.
        """
        try:
            await self.over.wait()
        except BaseException:
            self.wanted = False
            if self.over.closed:
                self._settle(self.task)
            raise

    def _end(self, task: asyncio.Task[R]) -> None:
        if not self.wanted:
            self._settle(task)
        self.over.close()

    def __repr__(self) -> str:
        return f"<Errand {self.task.get_name()!r}, {'over' if self.over.closed else 'on its way'}>"
