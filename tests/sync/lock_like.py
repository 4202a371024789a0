"""Everything that lets in one at a time, under one surface: what `test_lock_like.py` and the searches hold to one rule.

A new thing that excludes gets a line in `LOCKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiochan as ac


class LockLike:
    """What excludes, with the methods of a `Locker`; what else there is to know about it, is asked of `thing`.

    Args:
        thing: What it stands on: it has ``_check`` and ``_snapshot``.
        lock: Called to lock it: returns a coroutine.
        unlock: Called to unlock it.
        waiting: Tells how many wait.
        try_lock: Tells whether it could be locked at once, and locks it.
        refusal: What `unlock` raises if it is free.
    """

    def __init__(
        self,
        thing: Any,
        lock: Callable[[], Any],
        unlock: Callable[[], object],
        waiting: Callable[[], int],
        try_lock: Callable[[], bool],
        refusal: type[Exception] = ac.NotHeld,
    ) -> None:
        self.thing = thing
        self.lock = lock
        self.unlock = unlock
        self.waiting = waiting
        self.try_lock = try_lock
        self.refusal = refusal

    async def __aenter__(self) -> None:
        await self.lock()

    async def __aexit__(self, *_: object) -> None:
        self.unlock()

    def is_free(self) -> bool:
        """Find out by locking it, and unlock it again."""
        if free := self.try_lock():
            self.unlock()
        return free


def mutex() -> LockLike:
    it = ac.Mutex("it")
    return LockLike(it, it.lock, it.unlock, lambda: it.waiters, it.try_lock)


def reentrant() -> LockLike:
    it = ac.ReentrantMutex("it")
    return LockLike(it, it.lock, it.unlock, lambda: it.waiters, it.try_lock)


def writing() -> LockLike:
    it = ac.RWMutex("it")
    return LockLike(it, it.lock, it.unlock, lambda: it.waiting_writers, it.try_lock)


def semaphore() -> LockLike:
    it = ac.Semaphore(1, name="it")
    return LockLike(it, it.acquire, it.release, lambda: it.waiters, it.try_acquire)


def channel_that_fills() -> LockLike:
    """Whoever puts something into a channel of one has it (CH06)."""
    ch = ac.Chan[None](1, name="it")

    def try_lock() -> bool:
        try:
            ch.send_nowait(None)
        except ac.WouldBlock:
            return False
        return True

    return LockLike(
        ch, lambda: ch.send(None), ch.recv_nowait, lambda: ch.stats().parked_senders, try_lock, ac.WouldBlock
    )


def channel_that_empties() -> LockLike:
    """Whoever takes the one thing out of a channel has it (CH06)."""
    ch = ac.Chan[None](1, name="it")
    ch.send_nowait(None)

    def try_lock() -> bool:
        try:
            ch.recv_nowait()
        except ac.WouldBlock:
            return False
        return True

    return LockLike(
        ch, ch.recv, lambda: ch.send_nowait(None), lambda: ch.stats().parked_receivers, try_lock, ac.WouldBlock
    )


LOCKS: dict[str, Callable[[], LockLike]] = {
    "Mutex": mutex,
    "ReentrantMutex": reentrant,
    "RWMutex": writing,
    "Semaphore": semaphore,
    "Chan, filled": channel_that_fills,
    "Chan, emptied": channel_that_empties,
}
