"""What people would build on `WaitQueue`, in the fewest lines: here to find out whether it can carry them.

Each keeps count of what it promises, so that a program can assert it at every step.
"""

from __future__ import annotations

from aiochan import core


class Lock:
    """Handed from the holder to whoever has waited longest."""

    def __init__(self) -> None:
        self.line: core.WaitQueue[None] = core.WaitQueue("lock")
        self.locked = False

    async def lock(self) -> None:
        if self.locked:
            await self.line.park(give_back=self.unlock)
        self.locked = True

    def unlock(self) -> None:
        if not self.line.wake():
            self.locked = False

    def _check(self) -> None:
        self.line._check()
        assert self.locked or not len(self.line), "somebody sleeps before a lock that is free"

    def _snapshot(self) -> object:
        return self.locked, self.line._snapshot()


class Semaphore:
    """Weighted; the head of the line blocks those behind it."""

    def __init__(self, size: int) -> None:
        self.line: core.WaitQueue[int] = core.WaitQueue("semaphore")
        self.free = size

    async def acquire(self, n: int) -> None:
        if self.free >= n and not len(self.line):
            self.free -= n
            return

        def give_back() -> None:
            self.release(n)

        try:
            await self.line.park(n, give_back)
        except BaseException:
            self.settle()  # the head of the line may have left, and the next one want less
            raise

    def release(self, n: int) -> None:
        self.free += n
        self.settle()

    def settle(self) -> None:
        while (n := self.line.first) is not None and n <= self.free:
            self.free -= n  # before it wakes, so that nobody slips in
            self.line.wake()

    def _check(self) -> None:
        self.line._check()
        assert self.free >= 0, "more was given out than there is"

    def _snapshot(self) -> object:
        return self.free, self.line._snapshot()


class Event:
    """Wakes everybody who sleeps, and nobody who comes later."""

    def __init__(self) -> None:
        self.line: core.WaitQueue[None] = core.WaitQueue("event")
        self.woken = 0

    async def wait(self) -> None:
        await self.line.park(give_back=self.passed)

    def broadcast(self) -> int:
        woken = self.line.wake_all()
        self.woken += woken
        return woken

    def passed(self) -> None:
        self.woken -= 1

    def _check(self) -> None:
        self.line._check()

    def _snapshot(self) -> object:
        return self.woken, self.line._snapshot()
