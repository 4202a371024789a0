"""Wait until a number of things is done.

Theory of operation
-------------------
A number, and a line of those who wait until it is 0. Whoever brings it there wakes all of them, and they take nothing
from each other, so one who is cancelled has nothing to hand on. What is counted, beside the number, is who was woken
and has not run yet: until they have, the next round must not begin, or they would leave in the middle of it. Go finds
that out too late, in those who wait; here it is told to who begins too early.

Invariants
----------
G1  The number is never negative.
G2  Nobody sleeps while it is 0.
G3  It stays 0 until all who were woken have left.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, SupportsIndex, TypeVar, TypeVarTuple

from aiochan.calling import call, name_of
from aiochan.context import lasting_context, variables
from aiochan.counts import change
from aiochan.errors import MisuseError
from aiochan.loops import running_loop
from aiochan.sync.primitive import Line, Primitive
from aiochan.tasks import keep, tell_failure

__all__ = ["WaitGroup"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class WaitGroup(Primitive):
    """Wait until all that was announced is done.

        pending = ac.WaitGroup()
        for url in urls:
            pending.go(fetch, url)
        await pending.wait()

    What is counted may be anything: ``pending.add(1)`` before it begins, ``pending.done()`` at its end. It may be used
    for one round after another, if each begins when all who waited for the last one have returned. It stops nothing and
    gathers no errors; `ErrGroup` does both.

    Args:
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `name` is no string.

    Follows Go's ``sync.WaitGroup``.
    """

    __slots__ = ("_count", "_leaving", "_line")

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._count = 0
        self._leaving = 0  # woken, and not run yet
        self._line: Line[None] = Line(self)

    @property
    def count(self) -> int:
        """How much is still to be done."""
        return self._count

    @property
    def waiters(self) -> int:
        """How many tasks sleep until all is done."""
        return len(self._line)

    def add(self, n: SupportsIndex = 1) -> None:
        """Announce `n` more: before they begin, and before `wait`, or that may not know of them.

        Args:
            n: How many; a negative number says that so many are done.

        Raises:
            TypeError: `n` is no whole number.
            MisuseError: More would be done than was announced; or this is a new round, and not all who waited for the
                last one have returned. The number stays as it was.
            WrongLoop: It would wake tasks of another loop or thread. The number stays as it was.

        Follows ``WaitGroup.Add``.
        """
        number = change(n)
        count = self._count + number
        if count < 0:
            raise MisuseError(
                f"negative WaitGroup counter: {self!r} cannot add {number}; there must be one add() for each done(),"
                " before it"
            )
        if number > 0 and self._leaving:
            raise MisuseError(
                f"WaitGroup is reused before previous wait has returned: {self!r} cannot add {number};"
                " let those who wait return first, or make another one for each round"
            )
        if not count and self._count and len(self._line):
            self._leaving = self._line.wake_all()
        self._count = count

    def done(self) -> None:
        """Say that one is done.

        Raises:
            MisuseError: More would be done than was announced.
            WrongLoop: It would wake tasks of another loop or thread.

        Follows ``WaitGroup.Done``.
        """
        self.add(-1)

    async def wait(self) -> None:
        """Wait until all is done; several may, and each is told.

        Raises:
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: changes nothing.

        Follows ``WaitGroup.Wait``.
        """
        if self._count:
            await self._line.park(give_back=self._left)
            self._leaving -= 1

    def go(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts, name: str | None = None) -> asyncio.Task[T]:
        """Announce ``fn(*args)``, start it as a task, and say that it is done when the task has ended, however it ends.

        As with `ac.go`, nothing ends the task when its starter ends, and an error of it goes to the loop's exception
        handler in the moment in which it happens.

        Args:
            fn: A function that returns something to await, mostly an ``async def``. What it raises when it is called,
                it raises here, and nothing was announced.
            *args: What it is called with.
            name: What the task is called in errors and reports; by default the name of the function.

        Returns:
            The task. It need not be kept.

        Raises:
            TypeError: `fn` is no function, or what it returns cannot be awaited, or `name` is no string.
            MisuseError: No event loop is running; or as for `add`.

        Follows ``WaitGroup.Go``.
        """
        if (loop := running_loop()) is None:
            raise MisuseError(f"go() of {self!r} needs a running event loop, to run {name_of(fn)} in")
        if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of a task is a string, not {name!r}")
        self.add(1)
        try:
            context = variables(lasting_context())
            task = loop.create_task(call(fn, args), name=name_of(fn) if name is None else name, context=context)
        except BaseException:
            self.done()
            raise
        keep(task)
        tell_failure(task, f"go() of {self._title()}")
        task.add_done_callback(self._ended)  # not left to the task, which may be cancelled before it runs a line
        return task

    # -- inside

    def _left(self) -> None:
        self._leaving -= 1

    def _ended(self, _task: asyncio.Task[Any]) -> None:
        self.done()

    def __repr__(self) -> str:
        return f"<{self._title()} {self._count} to be done, {self.waiters} waiting>"

    def _check(self) -> None:
        assert self._count >= 0, "G1: more is done than was announced"
        assert self._count or not self.waiters, "G2: somebody waits for nothing"
        assert self._leaving >= 0, "G3: more have left than were woken"
        assert not (self._leaving and self._count), "G3: the next round has begun before all have left the last one"
        self._line._check()

    def _snapshot(self) -> object:
        return self._count, self._leaving, self._line._snapshot()
