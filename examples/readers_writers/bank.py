"""A bank: writers move money between accounts, and readers sum them all up. The sum never changes.

Only, everything takes its time: after each account that is looked at or changed, others get their turn. So a reader may
see an account before the money left it, and another one after it came there. On one event loop, too, what must not be
seen half done needs a lock, if there is an `await` in its middle.

    none     wrong sums
    mutex    right sums, one at a time
    rw       right sums, all readers at once; a writer who waits stops new readers, or he would wait for ever
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import aiochan as ac

Pause = Callable[[], Awaitable[object]]
Locked = Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, slots=True)
class Locks:
    """How to be undisturbed while reading, and while writing."""

    reading: Locked
    writing: Locked


def none() -> Locks:
    """Everybody does as he likes."""
    return Locks(nullcontext, nullcontext)


def mutex() -> Locks:
    """One at a time."""
    lock = ac.Mutex(name="bank")
    return Locks(lambda: lock, lambda: lock)


def rw() -> Locks:
    """One writer, or any number of readers."""
    lock = ac.RWMutex(name="bank")
    return Locks(lock.reading, lock.writing)


class Bank:
    """Some accounts.

    Args:
        accounts: How many there are; each begins with 100.
        locks: How to be undisturbed.
        pause: What it takes to look at an account, or to change it.

    Attributes:
        most: How many have read at the same time.
    """

    def __init__(self, accounts: int, locks: Locks, pause: Pause) -> None:
        self.most = 0
        self._accounts = [100] * accounts
        self._locks = locks
        self._pause = pause
        self._reading = 0

    async def move(self, amount: int, source: int, target: int) -> None:
        """Move money from one account to another.

        Cancellation: nothing was moved, or all of it.
        """
        async with self._locks.writing():
            self._accounts[source] -= amount
            try:
                await self._pause()
            except BaseException:
                self._accounts[source] += amount
                raise
            self._accounts[target] += amount

    async def total(self) -> int:
        """Sum up all accounts, one after the other."""
        async with self._locks.reading():
            self._reading += 1
            self.most = max(self.most, self._reading)
            try:
                total = 0
                for account in range(len(self._accounts)):
                    total += self._accounts[account]
                    await self._pause()
                return total
            finally:
                self._reading -= 1
