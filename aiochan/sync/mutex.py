"""A lock that one task has at a time.

Theory of operation
-------------------
A lock that is free is taken without waiting. Whoever unlocks it while others wait hands it to the one who has waited
longest: it stays locked in between, so nobody who comes later can take it first. A task that was handed the lock and is
cancelled before it has run unlocks it, and so hands it on. Why it is not set free for whoever runs first, as Go does in
its normal mode, is told in ``docs/design/0014-mutex-hand-off.md``.

Who has it is remembered for reports and for debug mode, and decides nothing.

Invariants
----------
M1  Nobody sleeps while it is free.
M2  Whoever sleeps is sought: `unlock` looks at the line only then.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from aiochan.errors import NotHeld
from aiochan.sync.owned import Holder, Owned, refuse_in_debug_mode, task_of
from aiochan.sync.primitive import Line

__all__ = ["Mutex"]


class Mutex(Owned):
    """Let one task in at a time; the others wait in line.

        accounts = ac.Mutex("accounts")
        async with accounts:
            balance = await load()
            await store(balance - 10)

    Who waits gets it in the order of coming, and nobody can take it in between. It is not owned: a task may unlock what
    another one has locked. And it is not recursive: a task that locks it twice waits for itself. In debug mode of the
    loop that raises; `ReentrantMutex` allows it.

    To give up after a while, lock it under ``asyncio.timeout(seconds)`` or with ``ctx.run(mutex.lock)``.

    Args:
        name: Shown in ``repr`` and in reports.

    Follows Go's ``sync.Mutex``; the hand-off is that of its starvation mode.
    """

    __slots__ = ("_holder", "_line", "_sought")

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._holder: Holder = False
        self._sought = False
        self._line = Line[Holder](self)

    @property
    def locked(self) -> bool:
        """Whether somebody has it, or is being handed it."""
        return self._holder is not False

    @property
    def waiters(self) -> int:
        """How many wait for it now. The one who is being handed it waits no more."""
        return len(self._line)

    @property
    def owner(self) -> asyncio.Task[Any] | None:
        """The task that has it; None if it is free, or was locked outside of any task."""
        return None if isinstance(self._holder, bool) else self._holder

    async def lock(self) -> None:
        """Take it; wait in line as long as somebody has it.

        Raises:
            MisuseError: The task has it already and would wait for itself (in debug mode of the loop only, as another
                task might unlock it).
            WrongLoop: Tasks of another loop wait for it.

        Cancellation: it is not taken. If it was handed to us in that moment, it goes on to the next in line.

        Follows ``Mutex.Lock``.
        """
        if self._holder:
            await self._line.park(self._waiting(), self.unlock)
        else:
            self._holder = task_of(self._loop) or self._caller()

    __aenter__ = lock  # the coroutine itself: one less than if it were awaited here

    def try_lock(self) -> bool:
        """Take it if it is free.

        Returns:
            Whether it was taken. Never while somebody is being handed it.

        Follows ``Mutex.TryLock``.
        """
        if self._holder:
            return False
        self._holder = self._caller()
        return True

    def unlock(self) -> None:
        """Hand it to the task that has waited longest, or set it free. Any task may.

        Raises:
            NotHeld: It is not locked.
            WrongLoop: Tasks of the loop of another thread wait for it.

        Follows ``Mutex.Unlock``.
        """
        if not self._holder:
            raise NotHeld(f"unlock of unlocked mutex: {self!r}; there must be one lock() for each unlock(), before it")
        if not self._sought or not self._hand_over():
            self._holder = False

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.unlock()

    def _hand_over(self) -> bool:
        heir = self._line.first
        if not self._line.wake():
            self._sought = False
            return False
        self._holder = heir or True
        return True

    def _waiting(self) -> Holder:
        """Say that the caller is going to wait, and who that is."""
        caller = self._caller()
        if caller is self._holder:
            refuse_in_debug_mode(caller, "has locked", self, "unlock it first, or use a ReentrantMutex")
        self._sought = True
        return caller

    def __repr__(self) -> str:
        if not self._holder:
            return f"<{self._title()} free>"
        by = f" by {self.owner.get_name()}" if self.owner else ""
        return f"<{self._title()} locked{by}, {len(self._line)} waiting>"

    def _check(self) -> None:
        assert self._holder or not len(self._line), "M1: somebody waits for a mutex that is free"
        assert self._sought or not len(self._line), "M2: somebody waits whom unlock() would overlook"
        self._line._check()

    def _snapshot(self) -> object:
        return self._holder, self._sought, self._line._snapshot()
