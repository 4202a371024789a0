"""A lock that its owner may take again.

Theory of operation
-------------------
It belongs to an owner: to a task, or to a token that several tasks have in common. The owner is let in at once, and
counted; it is handed on when it was unlocked as often. Those who wait stand in line by owner: when the turn of a token
comes, all tasks that wait with it get in together. One of them alone might wait for another.

So each owner that waits has a line of its own, and the lines stand in the order in which the first of each came. Most
have one task in them.

Invariants
----------
N1  It has an owner as long as it is locked, and was locked at least once.
N2  Nobody sleeps while it is free.
N3  The owner does not wait for itself.
N4  A line in which nobody sleeps any more goes when the last one who was cancelled in it runs, or when its turn comes.
"""

# The lines are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import functools
from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from aiochan.errors import MisuseError, NotHeld, WrongLoop
from aiochan.sync.owned import Owned, Side, task_of
from aiochan.sync.primitive import Line

__all__ = ["ReentrantMutex"]


class ReentrantMutex(Owned):
    """Let one task in at a time, as often as it wants; or the tasks that have one token.

        tree = ac.ReentrantMutex("tree")

        async def insert(item):
            async with tree:
                await rebalance()

        async def rebalance():
            async with tree:
                ...

    Each lock needs its unlock, by the same task or with the same token. Who waits gets it in the order of coming;
    tasks that wait with one token get in together.

    Mostly a function that says it wants the lock to be held, and does not take it, is the better way: what is half done
    when a function is called under the lock, it will find half done.

    Args:
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `name` is no string.

    Follows the ``ReentrantLock`` of Java; Go has none.
    """

    __slots__ = ("_depth", "_home", "_lines", "_owner")

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._owner: Hashable = None
        self._depth = 0
        self._lines: dict[Hashable, Line[None]] = {}  # by owner, in the order of their turns
        self._home: asyncio.AbstractEventLoop | None = None  # of those who wait

    @property
    def locked(self) -> bool:
        """Whether somebody has it, or is being handed it."""
        return self._depth > 0

    @property
    def depth(self) -> int:
        """How often it was locked and not unlocked yet."""
        return self._depth

    @property
    def owner(self) -> Hashable:
        """The task or the token that has it; None if it is free."""
        return self._owner

    @property
    def waiters(self) -> int:
        """How many tasks wait for it."""
        return sum(map(len, self._lines.values()))

    async def lock(self, token: Hashable = None) -> None:
        """Take it, once more if the owner is the same; wait in line as long as another one has it.

        Args:
            token: Who is to own it. By default that is the running task.

        Raises:
            TypeError: `token` is not hashable.
            MisuseError: No task is running, and there is no token.
            WrongLoop: Tasks of another loop wait for it.

        Cancellation: it is not taken. If it was handed to us in that moment, it goes on to the next in line, unless
        others with our token have it.
        """
        owner = task_of(self._loop) or self._task() if token is None else _checked(token)
        if not self._depth:
            self._owner = owner
            self._depth = 1
        elif owner == self._owner:
            self._depth += 1
        else:
            try:
                await self._wait(owner)
            finally:
                del owner  # it may be the task itself, whose error leads to this frame

    __aenter__ = lock  # the coroutine itself: one less than if it were awaited here

    def try_lock(self, token: Hashable = None) -> bool:
        """Take it if it is free, or has this owner.

        Args:
            token: Who is to own it. By default that is the running task.

        Returns:
            Whether it was taken.

        Raises:
            TypeError: `token` is not hashable.
            MisuseError: No task is running, and there is no token.
        """
        owner = self._task() if token is None else _checked(token)
        if self._depth and owner != self._owner:
            return False
        self._owner = owner
        self._depth += 1
        return True

    def unlock(self, token: Hashable = None) -> None:
        """Undo one `lock`; the last one hands it to the owner that has waited longest, or sets it free.

        Args:
            token: Who owns it. By default that is the running task.

        Raises:
            NotHeld: It is not locked, or another one owns it; nothing is changed.
            TypeError: `token` is not hashable.
            MisuseError: No task is running, and there is no token.
            WrongLoop: Tasks of the loop of another thread wait for it.
        """
        owner = task_of(self._loop) or self._task() if token is None else _checked(token)
        if not self._depth or owner != self._owner:
            raise self._not_held("unlock", owner)
        if self._depth > 1:
            self._depth -= 1
        else:
            self._hand_over()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.unlock()

    def held(self, token: Hashable) -> AbstractAsyncContextManager[None]:
        """Return what ``async with`` takes to have it for a token.

        Args:
            token: Who is to own it.

        Raises:
            TypeError: `token` is None, or not hashable.
        """
        if token is None:
            raise TypeError(f"a token cannot be None: `async with` {self!r} itself to own it as a task")
        _checked(token)
        return Side(
            f"the side of {token!r}", self, functools.partial(self.lock, token), functools.partial(self.unlock, token)
        )

    # -- for who waits for a condition: `locker.Recursive`

    def _release_all(self) -> int:
        owner = self._task()
        if not self._depth or owner != self._owner:
            raise self._not_held("release", owner)
        depth = self._depth
        self._hand_over()
        return depth

    async def _restore(self, depth: int) -> None:
        await self.lock()
        self._depth += depth - 1

    # -- the lines

    async def _wait(self, owner: Hashable) -> None:
        line = self._lines.get(owner)
        if line is None or not len(line):  # the place of those who were cancelled is inherited by nobody
            self._refuse_other_loop()
            self._lines.pop(owner, None)
            self._lines[owner] = line = Line[None](self)
        try:
            await line.park(give_back=functools.partial(self.unlock, owner))
        except BaseException:
            if not len(line) and self._lines.get(owner) is line:
                del self._lines[owner]
            raise
        finally:
            del owner  # as in `lock`

    def _hand_over(self) -> None:
        while self._lines:
            owner = next(iter(self._lines))
            woken = self._lines[owner].wake_all()
            del self._lines[owner]
            if woken:
                self._owner = owner
                self._depth = woken
                return
        self._owner = None
        self._depth = 0

    def _refuse_other_loop(self) -> None:
        """Say what a single line would say: all who wait here are tasks of one loop."""
        loop = asyncio.get_running_loop()
        if not self._lines:
            self._home = loop
        elif self._home is not loop:
            raise WrongLoop(f"{self!r} belongs to the event loop whose tasks wait for it; make one inside each loop")

    def _task(self) -> Hashable:
        task = self._caller()
        if task is True:
            raise MisuseError(f"no task is running that could own {self!r}; give a token: lock(token), unlock(token)")
        return task

    def _not_held(self, doing: str, caller: Hashable) -> NotHeld:
        if not self._depth:
            return NotHeld(f"{doing} of unlocked ReentrantMutex: {self!r}; there must be one lock() for each unlock()")
        return NotHeld(
            f"{_named(caller)} cannot {doing} {self!r}: it belongs to {_named(self._owner)}, who has to unlock it"
        )

    def __repr__(self) -> str:
        if not self._depth:
            return f"<{self._title()} free>"
        times = "" if self._depth == 1 else f" {self._depth} times"
        return f"<{self._title()} locked{times} by {_named(self._owner)}, {self.waiters} waiting>"

    def _check(self) -> None:
        assert (self._owner is not None) == (self._depth > 0), "N1: locked without an owner, or owned and not locked"
        assert self._depth or not self.waiters, "N2: somebody waits for a mutex that is free"
        assert self._owner not in self._lines, "N3: the owner waits for itself"
        for line in self._lines.values():
            line._check()

    def _snapshot(self) -> object:
        return self._owner, self._depth, tuple((owner, line._snapshot()) for owner, line in self._lines.items())


def _checked(token: Hashable) -> Hashable:
    try:
        hash(token)
    except TypeError:
        raise TypeError(f"a token must be hashable, not {token!r}") from None
    return token


def _named(owner: Hashable) -> str:
    return owner.get_name() if isinstance(owner, asyncio.Task) else repr(owner)
