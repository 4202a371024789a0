"""Count down and gather errors: a wait group for work that is done by others than tasks of ours.

Invariants
----------
E1  Nobody sleeps while the count is 0.
E2  Once somebody has been told of the end, or woken to be told, nothing changes any more.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import SupportsIndex, TypeAlias

from aiochan.core import WaitQueue
from aiochan.counts import change
from aiochan.errors import MisuseError
from aiochan.raising import raise_as_it_was
from aiochan.sync.primitive import nothing

__all__ = ["ErrWaitGroup"]

_Report: TypeAlias = "tuple[Exception, TracebackType | None]"  # where it happened


class ErrWaitGroup:
    """Wait until all that was announced is done, and raise the errors that were reported meanwhile.

        pending = ac.ErrWaitGroup()
        for request in requests:
            pending.add(1)
            client.send(request, on_error=pending.error, on_done=pending.done)
        await pending.wait()

    It starts nothing and stops nothing; `ErrGroup` does. It serves once: when somebody has been told how it ended, no
    more can be added or reported.

    Args:
        name: Shown in ``repr`` and in reports.

    Follows facebookgo's ``errgroup.Group``.
    """

    __slots__ = ("__weakref__", "_count", "_errors", "_line", "_name", "_told")

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._count = 0
        self._errors: dict[int, _Report] = {}  # by id: one error may be reported by several
        self._line = WaitQueue[None](name)
        self._told = False

    @property
    def count(self) -> int:
        """How much is still to be done."""
        return self._count

    def add(self, n: SupportsIndex = 1) -> None:
        """Announce `n` more; before they begin, or `wait` may not know of them.

        Args:
            n: How many; a negative number takes so many back.

        Raises:
            TypeError: `n` is no whole number.
            ValueError: More would be done than was announced.
            MisuseError: It was waited for to the end.

        Follows ``Group.Add``.
        """
        number = change(n)
        self._refuse_late("add")
        if self._count + number < 0:
            raise ValueError(f"{self!r} cannot add {number}: more would be done than was announced")
        self._count += number
        if not self._count and self._line.wake_all():
            self._told = True  # now, or more could be added before those who were woken have run

    def done(self) -> None:
        """Say that one is done.

        Raises:
            ValueError: More would be done than was announced.
            MisuseError: It was waited for to the end.

        Follows ``Group.Done``.
        """
        self.add(-1)

    def error(self, error: Exception) -> None:
        """Report an error; it does not count as done.

        Raises:
            TypeError: `error` is no Exception.
            MisuseError: It was waited for to the end, so nobody would hear of it.

        Follows ``Group.Error``.
        """
        _check_error(error)
        self._refuse_late("report an error")
        self._errors.setdefault(id(error), (error, error.__traceback__))

    async def wait(self) -> None:
        """Wait until all is done, and raise what was reported; may be called again, and by several.

        Raises:
            Exception: The one error that was reported, or an ExceptionGroup of several.

        Cancellation: changes nothing.

        Follows ``Group.Wait``.
        """
        if self._count:
            await self._line.park(give_back=nothing)
        else:
            self._told = True
        reports = tuple(self._errors.values())
        try:
            if len(reports) == 1:
                raise_as_it_was(*reports[0])
            if reports:
                raise ExceptionGroup(f"{self._title()} failed", [error for error, _ in reports])
        finally:
            del reports  # the traceback leads here

    def _refuse_late(self, doing: str) -> None:
        if self._told:
            raise MisuseError(f"cannot {doing}: {self!r} was waited for to the end; make another one")

    def _title(self) -> str:
        return "ErrWaitGroup" if self._name is None else f"ErrWaitGroup {self._name!r}"

    def __repr__(self) -> str:
        title = f"ErrWaitGroup at {id(self):#x}" if self._name is None else self._title()
        return f"<{title} {self._count} to be done, {len(self._errors)} errors, {len(self._line)} waiting>"

    def _check(self) -> None:
        assert self._count or not len(self._line), "E1: somebody waits for nothing"
        assert not (self._told and self._count), "E2: somebody was told of an end that is none"
        self._line._check()

    def _snapshot(self) -> object:
        return self._count, tuple(error for error, _ in self._errors.values()), self._told, self._line._snapshot()


def _check_error(error: object) -> None:
    if isinstance(error, asyncio.CancelledError):
        raise TypeError("a CancelledError is not to be reported: raise it, and call done()")
    if not isinstance(error, Exception):
        raise TypeError(f"error must be an Exception, not {error!r}")
