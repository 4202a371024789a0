"""How many tasks of a crew may run beside each other, and who waits for a place: first come, first served.

Two kinds of people stand in one line: tasks that were made already and begin with their function when a place is free
(`queue`), and callers who wait until they may start one (`wait`). Each has a future, its *turn*. A place is given back
in the done callback of the task that had it, and goes on to the first in line who is alive, in the same step.

Invariants
----------
P1  Places that are free, those of tasks at work, and those promised to callers who have not run yet, are `limit`.
P2  While a place is free, nobody who is alive stands in line.
P3  Closed, the line is empty, and nobody gets a place any more.
"""

from __future__ import annotations

import asyncio
import operator
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, SupportsIndex, TypeVar, TypeVarTuple

from aiochan.calling import call, check_callable
from aiochan.groups.crew import Crew

__all__ = ["Places", "whole"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Places:
    """The places of a crew.

    Args:
        crew: Whose tasks take them.
        limit: How many there are.

    Attributes:
        free: How many nobody has.
        line: Who waits, in order: tasks, and the futures of callers; with the turn of each.
    """

    __slots__ = ("closed", "crew", "free", "limit", "line")

    def __init__(self, crew: Crew, limit: int) -> None:
        self.crew = crew
        self.limit = self.free = limit
        self.line: OrderedDict[asyncio.Future[Any], asyncio.Future[bool]] = OrderedDict()
        self.closed = False

    def take(self) -> bool:
        """Take a place; return whether there was one."""
        if not self.free:
            return False
        self.free -= 1
        return True

    def start(self, fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> asyncio.Task[T]:
        """Start a task in a place that was taken; if that fails, the place goes on."""
        try:
            return self.crew.start(fn, args)
        except BaseException:
            self.give_back()
            raise

    def queue(self, fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> asyncio.Task[T]:
        """Make a task that calls ``fn(*args)`` as soon as it has a place.

        Raises:
            TypeError: `fn` cannot be called.
        """
        check_callable(fn)
        turn: asyncio.Future[bool] = self.crew.loop.create_future()
        task = self.crew.run(_in_turn(turn, fn, args), fn)
        self.line[task] = turn
        return task

    async def wait(self) -> bool:
        """Wait for a place.

        Returns:
            Whether there is one: False once closed. In both cases the crew expects the caller, who calls its `arrived`.

        Cancellation: leaves the line; a place that was promised goes on to the next.
        """
        turn: asyncio.Future[bool] = self.crew.loop.create_future()
        self.line[turn] = turn
        try:
            return await turn
        except BaseException:
            if self.line.pop(turn, None) is None and not turn.cancelled():
                if turn.result():
                    self.give_back()
                self.crew.arrived()
            raise

    def left(self, task: asyncio.Task[Any]) -> None:
        """Take note that a task has ended: it leaves the line, or gives its place back."""
        if not self.closed and self.line.pop(task, None) is None:
            self.give_back()

    def give_back(self) -> None:
        """Pass a place on to the first in line who is alive; else it is free."""
        if self.closed:
            return
        for who, turn in self.line.items():
            if not _dead(who, turn):
                break
        else:
            self.free += 1
            return
        del self.line[who]
        if who is turn:
            self.crew.expect()
        turn.set_result(True)

    def close(self) -> None:
        """Give nobody a place any more, and tell the callers in line. The tasks there are the crew's to cancel."""
        self.closed = True
        for who, turn in self.line.items():
            if who is turn and not turn.done():
                self.crew.expect()
                turn.set_result(False)
        self.line.clear()

    def _check(self) -> None:
        if self.closed:
            assert not self.line, "P3: somebody stands in a line that is closed"
            return
        at_work = len(self.crew.tasks) - sum(who is not turn for who, turn in self.line.items())
        assert self.free + at_work + self.crew.expected == self.limit, "P1: places were lost or doubled"
        assert not self.free or all(_dead(*each) for each in self.line.items()), (
            "P2: somebody waits beside a free place"
        )

    def _snapshot(self) -> object:
        return self.free, self.closed, tuple(self.line.items())


def whole(limit: SupportsIndex) -> int:
    """Return a limit as a number.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1.
    """
    try:
        if isinstance(limit, bool):
            raise TypeError
        number = operator.index(limit)
    except TypeError:
        raise TypeError(f"limit must be a whole number or None, not {limit!r}") from None
    if number < 1:
        raise ValueError(f"limit must be at least 1, not {limit!r}: nothing could run; None is for no limit")
    return number


def _dead(who: asyncio.Future[Any], turn: asyncio.Future[bool]) -> bool:
    """Tell whether somebody in line was cancelled, and has not run since to leave it."""
    return turn.done() or (isinstance(who, asyncio.Task) and who.cancelling() > 0)


async def _in_turn(turn: asyncio.Future[bool], fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> T:
    await turn  # cancelled here, or before its first step, the task leaves the line in its done callback
    return await call(fn, args)
