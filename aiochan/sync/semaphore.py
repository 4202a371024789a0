"""So many of something, to be taken and given back.

Theory of operation
-------------------
A number, what is free of it, and a line of those who want more than that. The first in line blocks those behind, even
if they would want less, or the large wishes would starve beside small ones. Whoever gives something back lets in who
fits, in line, and counts what they take before they run, so that nobody slips in. A newcomer takes only what is free
while nobody stands in line.

Who was let in and is cancelled before it runs gives back what it took. Who is cancelled asleep may have blocked others,
so it too lets in who fits; between the cancellation and that, the line only gets older.

Less than nothing may be free, after `resize` made the semaphore smaller than what is held: it drains.

Invariants
----------
S1  What is held is never negative: free is at most the size.
S2  Unless it was resized, free is never negative.
S3  Everybody in line wants 1 or more and, unless it was resized, no more than the size.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import functools
from contextlib import AbstractAsyncContextManager
from typing import SupportsIndex

from aiochan.counts import whole
from aiochan.errors import NotHeld
from aiochan.sync.owned import Side
from aiochan.sync.primitive import Line, Primitive

__all__ = ["Semaphore"]


class Semaphore(Primitive):
    """Let so many in at once; or hand out so much of something, in portions.

        downloads = ac.Semaphore(10)
        async with downloads:
            await fetch(url)

        memory = ac.Semaphore(64)
        async with memory.hold(megabytes):
            ...

    First come, first served: who wants much is not overtaken by those who want little. Nothing ties what is held to the
    task that took it; another one may give it back.

    Args:
        n: How much there is, 0 or more.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `n` is no whole number, or `name` is no string.
        ValueError: `n` is negative.

    Follows ``semaphore.Weighted`` of golang.org/x/sync and, in `resize`, marusama/semaphore.
    """

    __slots__ = ("_free", "_line", "_resized", "_size")

    def __init__(self, n: SupportsIndex, name: str | None = None) -> None:
        super().__init__(name)
        self._size = self._free = whole("the size of a Semaphore", n, 0)
        self._resized = False
        self._line: Line[int] = Line(self)

    @property
    def size(self) -> int:
        """How much there is, held or not."""
        return self._size

    @property
    def free(self) -> int:
        """How much nobody holds; 0 while more is held than there is, after `resize`."""
        return max(self._free, 0)

    @property
    def held(self) -> int:
        """How much was taken and not given back, by those included who were let in and have not run yet."""
        return self._size - self._free

    @property
    def waiters(self) -> int:
        """How many tasks stand in line."""
        return len(self._line)

    async def acquire(self, k: SupportsIndex = 1) -> None:
        """Take `k`, and wait for it in line if it is not free.

        Args:
            k: How much, 1 or more.

        Raises:
            TypeError: `k` is no whole number.
            ValueError: `k` is less than 1, or more than there is at all; unless `resize` was ever called: then it waits
                until there is as much.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: takes nothing, and lets in who stands behind and fits.

        Follows ``Weighted.Acquire``, which waits for more than there is until its context ends.
        """
        if type(k) is not int or k < 1:
            k = whole("what is taken", k, 1)
        if self._free >= k and not len(self._line):
            self._free -= k
            return
        self._refuse_too_much(k)
        try:
            await self._line.park(k, self._give_back if k == 1 else functools.partial(self._give_back, k))
        except BaseException:
            self._let_in()  # what we gave back, or blocked, is for those behind
            raise

    __aenter__ = acquire  # the coroutine itself: one less than if it were awaited here

    def release(self, k: SupportsIndex = 1) -> None:
        """Give `k` back, and let in those who fit.

        Args:
            k: How much, 1 or more.

        Raises:
            TypeError: `k` is no whole number.
            ValueError: `k` is less than 1.
            NotHeld: More would be given back than was taken. Nothing has changed.
            WrongLoop: Tasks of another loop or thread wait here. Nothing has changed.

        Follows ``Weighted.Release``.
        """
        if type(k) is not int or k < 1:
            k = whole("what is given back", k, 1)
        if self._free + k > self._size:
            raise NotHeld(
                f"released more than held: {self!r} cannot take {k} back; release what acquire() or try_acquire() took,"
                " once, or let `async with` do it; resize() is what makes it larger"
            )
        first = self._line.first
        if first is None:
            self._free += k
            return
        if self._line.wake(first <= self._free + k):  # refuses another thread, before anything has changed
            k -= first
        self._free += k
        if self._free > 0:
            self._let_in()

    def try_acquire(self, k: SupportsIndex = 1) -> bool:
        """Take `k` if it is free and nobody stands in line for it.

        Args:
            k: How much, 1 or more.

        Returns:
            Whether it was taken.

        Raises:
            TypeError: `k` is no whole number.
            ValueError: `k` is less than 1, or more than there is at all, unless `resize` was ever called.

        Follows ``Weighted.TryAcquire``.
        """
        k = whole("what is taken", k, 1)
        self._refuse_too_much(k)
        if self._free < k or len(self._line):
            return False
        self._free -= k
        return True

    def hold(self, k: SupportsIndex = 1) -> AbstractAsyncContextManager[None]:
        """Hold `k` for a block: ``async with sem.hold(3):`` takes it, and gives it back however the block ends.

        Args:
            k: How much, 1 or more.

        Raises:
            TypeError: `k` is no whole number.
            ValueError: `k` is less than 1, or, on entering, more than there is at all, as for `acquire`.

        Cancellation: as for `acquire`; leaving waits for nothing.
        """
        k = whole("what is held", k, 1)
        return Side(f"{k}", self, functools.partial(self.acquire, k), functools.partial(self.release, k))

    def resize(self, n: SupportsIndex) -> None:
        """Change how much there is. Nobody loses what is held.

        Larger, it lets in those who fit now. Smaller than what is held, it lets nobody in until enough was given back.
        From now on, who wants more than there is stands in line until there is as much, and blocks those behind.

        Args:
            n: How much there is to be, 0 or more.

        Raises:
            TypeError: `n` is no whole number.
            ValueError: `n` is negative.
            WrongLoop: Tasks of another loop or thread wait here. Nothing has changed.

        Follows ``SetLimit`` of marusama/semaphore.
        """
        n = whole("the size of a Semaphore", n, 0)
        self._line.wake(0)  # refuses another thread, before anything has changed
        self._resized = True
        self._free += n - self._size
        self._size = n
        self._let_in()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    # -- inside

    def _let_in(self) -> None:
        """Let in who fits: the first in line, as long as that is so."""
        line = self._line
        while (k := line.first) is not None and k <= self._free:
            self._free -= k
            line.wake()

    def _give_back(self, k: int = 1) -> None:
        """Give back what was taken for a task that was cancelled before it ran.

        Somebody may have released too much meanwhile, and this with it; then it must not be given out twice.
        """
        self._free = min(self._free + k, self._size)

    def _refuse_too_much(self, k: int) -> None:
        if k > self._size and not self._resized:
            raise ValueError(f"{self!r} never has {k}: take {self._size} at most, or resize() it")

    def __repr__(self) -> str:
        return f"<{self._title()} {self.free} of {self._size} free, {self.waiters} waiting>"

    def _check(self) -> None:
        assert self._free <= self._size, "S1: more was given back than was taken"
        assert self._free >= 0 or self._resized, "S2: more was given out than there is"
        most = float("inf") if self._resized else self._size
        assert all(k is not None and 1 <= k <= most for k in self._line), "S3: somebody waits for what cannot be"
        self._line._check()

    def _snapshot(self) -> object:
        return self._size, self._free, self._resized, self._line._snapshot()
