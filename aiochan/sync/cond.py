"""Wait until something about shared state has become true.

Theory of operation
-------------------
A line beside a lock. `wait` gives up the lock and stands in line in one step, so a signal that is sent by whoever gets
the lock next cannot be missed; this is what Go takes a ticket for before it unlocks. Whoever is told stands in the
lock's line next, and returns with the lock.

A task that is cancelled has to come back with the lock, too, or the ``async with`` around it would give up a lock that
is not its own. So this is the one place in the house that awaits on its way out: it takes the lock again however often
it is cancelled, and only then lets the first CancelledError go on. What it does not keep until then is a signal: that
goes to the next in line in the very step in which the cancellation arrives.

Invariants
----------
C1  Whoever stands in line has given up the lock.
C2  A signal that somebody was woken by is answered by that task or goes on to the next; it ends when nobody waits.
C3  Nothing goes on to those who came after a broadcast: all whom it was for have been told.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, SupportsIndex, TypeVar

from aiochan.counts import whole
from aiochan.errors import NotHeld
from aiochan.seconds import check_seconds
from aiochan.shielding import shield
from aiochan.sync.locker import Locker, Recursive
from aiochan.sync.mutex import Mutex
from aiochan.sync.primitive import Line, Primitive, nothing

__all__ = ["Cond"]

R = TypeVar("R")


class Cond(Primitive):
    """Wait until a condition holds, under the lock that guards what it is about.

        ready = 0
        cond = ac.Cond()

        async def runner() -> None:
            async with cond:
                ready += 1
                cond.broadcast()

        async def referee() -> None:
            async with cond:
                await cond.wait_for(lambda: ready == 10)

    Being woken is only an opportunity to look again: others may have been there first. So wait in a loop, which is what
    `wait_for` is. Whoever changes what others wait for, signals; holding the lock for that is not needed. ``async with
    cond`` is ``async with`` of its mutex. Several conditions may share one.

    Args:
        mutex: What is given up while waiting: a `Mutex`, a `ReentrantMutex` (given up whole, however often the task has
            locked it), an `RWMutex` (as writer) or its ``rlocker()``. None makes a `Mutex`.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `mutex` is no lock, or `name` no string.

    Follows Go's ``sync.Cond``, with what FreeBSD's ``condvar(9)`` has besides.
    """

    __slots__ = ("_broadcasts", "_line", "_mutex", "_recursive")

    def __init__(self, mutex: Locker | None = None, name: str | None = None) -> None:
        super().__init__(name)
        if mutex is not None and not _is_locker(mutex):
            raise TypeError(f"the mutex of a Cond has lock() and unlock(), as an ac.Mutex has; {mutex!r} has not")
        self._mutex: Locker = Mutex() if mutex is None else mutex
        self._recursive = self._mutex if isinstance(self._mutex, Recursive) else None
        self._broadcasts = 0
        self._line: Line[None] = Line(self)

    @property
    def mutex(self) -> Locker:
        """What is given up while waiting, and held otherwise."""
        return self._mutex

    @property
    def waiters(self) -> int:
        """How many tasks wait to be told; not those who were told and want the lock again."""
        return len(self._line)

    # -- waiting

    async def wait(self) -> None:
        """Give up the lock, wait to be told by `signal` or `broadcast`, and take the lock again.

        Call it in a loop that looks whether the condition holds, or use `wait_for`.

        Raises:
            NotHeld: The lock is not held.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: the lock is taken again first, however long that takes and however often the task is cancelled
        meanwhile. A signal that was received goes to the next in line at once.
        A coroutine that is closed in its sleep cannot wait for a lock: if another task has it then, it goes without,
        and an ``async with`` around it unlocks what it does not hold. So cancel who waits; never close or forget it.

        Follows ``Cond.Wait``.
        """
        depth, give_back = self._let_go(), self._signal_of(self._broadcasts)
        try:
            await self._line.park(give_back=give_back)
        except BaseException as error:
            await self._lock_again(depth, error)
            raise
        await self._lock(depth, give_back)

    async def wait_for(self, predicate: Callable[[], R]) -> R:
        """Wait until a condition holds: look, with the lock, now and whenever told.

        Args:
            predicate: The condition: a plain function without arguments. An error of it comes out here.

        Returns:
            The first true value that `predicate` returned.

        Raises:
            TypeError: `predicate` is no function, or a coroutine function.
            NotHeld: The condition does not hold, and nor is the lock held.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: as for `wait`.
        """
        if not callable(predicate):
            raise TypeError(f"the condition to wait for must be a function, not {predicate!r}")
        while not (result := predicate()):
            await self.wait()
        if asyncio.iscoroutine(result):
            result.close()
            raise TypeError(
                f"the condition to wait for must be a plain function, not a coroutine function: {predicate!r}"
            )
        return result

    async def wait_timed(self, seconds: float) -> bool:
        """Wait as `wait` does, but not for longer than a time; taking the lock again may take longer.

        Args:
            seconds: How long to wait to be told. 0 or less: until the others have run once.

        Returns:
            Whether the task was told. Either way, it holds the lock.

        Raises:
            TypeError: `seconds` is no number.
            ValueError: `seconds` is not a number (nan).
            NotHeld: The lock is not held.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: as for `wait`. A signal that meets the end of the time goes to the next in line.

        Follows ``cv_timedwait``.
        """
        seconds = check_seconds("the time to wait", seconds)
        depth, give_back = self._let_go(), self._signal_of(self._broadcasts)
        try:
            async with asyncio.timeout(seconds):
                await self._line.park(give_back=give_back)
        except TimeoutError:
            await self._lock(depth, nothing)
            return False
        except BaseException as error:
            await self._lock_again(depth, error)
            raise
        await self._lock(depth, give_back)
        return True

    async def wait_unlock(self) -> None:
        """Give up the lock, wait to be told, and return without the lock.

        For who has nothing to look at afterwards. Not in ``async with``, which gives the lock up at its end.

        Raises:
            NotHeld: The lock is not held.
            WrongLoop: Tasks of another loop or thread wait here, and the lock was given up.

        Cancellation: the lock stays given up. A signal that was received goes to the next in line.

        Follows ``cv_wait_unlock``.
        """
        self._let_go()
        await self._line.park(give_back=self._signal_of(self._broadcasts))

    # -- telling

    def signal(self, n: SupportsIndex = 1) -> int:
        """Wake those who have waited longest, to look again.

        Args:
            n: How many.

        Returns:
            How many were woken: less than `n` when no more wait.

        Raises:
            TypeError: `n` is no whole number.
            ValueError: `n` is negative.
            WrongLoop: They belong to the loop of another thread.

        Follows ``Cond.Signal``.
        """
        return self._line.wake(whole("the number of tasks to signal", n, 0))

    def broadcast(self) -> int:
        """Wake everybody who waits now, to look again.

        Returns:
            How many were woken.

        Raises:
            WrongLoop: They belong to the loop of another thread.

        Follows ``Cond.Broadcast``.
        """
        woken = self._line.wake_all()
        self._broadcasts += 1
        return woken

    # -- the lock

    def __aenter__(self) -> Coroutine[Any, Any, None]:
        return self._mutex.lock()

    async def __aexit__(self, kind: object, error: BaseException | None, tb: TracebackType | None) -> None:
        self._mutex.unlock()

    def _let_go(self) -> int:
        """Give up the lock; return how often it was locked, if it counts that."""
        owner = getattr(self._mutex, "owner", None)
        if isinstance(owner, asyncio.Task) and owner is not asyncio.current_task():
            raise NotHeld(f"who waits for {self!r} must hold its mutex, and not {owner.get_name()}")
        try:
            if self._recursive is not None:
                return self._recursive._release_all()
            self._mutex.unlock()
        except NotHeld as error:
            raise NotHeld(f"who waits for {self!r} must hold its mutex; write `async with` it") from error
        return 1

    def _take(self, depth: int) -> Coroutine[Any, Any, None]:
        """Take the lock as it was."""
        return self._mutex.lock() if self._recursive is None else self._recursive._restore(depth)

    async def _lock(self, depth: int, give_back: Callable[[], object]) -> None:
        """Take the lock as it was; if we are cancelled, what we were told is for others."""
        try:
            await self._take(depth)
        except BaseException as error:
            give_back()
            await self._lock_again(depth, error)
            raise

    async def _lock_again(self, depth: int, error: BaseException) -> None:
        """Take the lock on the way out, however often we are cancelled."""
        if isinstance(error, GeneratorExit):  # nothing can be awaited any more: it is free, or we go without
            with contextlib.suppress(StopIteration, RuntimeError):
                self._take(depth).send(None)
            return
        with shield():
            while True:
                with contextlib.suppress(asyncio.CancelledError):  # it is the first one that goes on
                    await self._take(depth)
                    return

    # -- inside

    def _signal_of(self, broadcasts: int) -> Callable[[], object]:
        """Say what one who began to wait after so many broadcasts does with a signal that it cannot answer."""
        return functools.partial(self._pass_on, broadcasts)

    def _pass_on(self, broadcasts: int) -> None:
        if self._broadcasts == broadcasts:
            self._line.wake()

    def __repr__(self) -> str:
        return f"<{self._title()} {self.waiters} waiting, of {self._mutex!r}>"

    def _check(self) -> None:
        self._line._check()

    def _snapshot(self) -> object:
        return self._broadcasts, self._line._snapshot()


def _is_locker(mutex: object) -> bool:
    return isinstance(mutex, Locker) and not isinstance(mutex, type)
