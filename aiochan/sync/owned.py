"""Who has a lock: what all locks do to know it.

It is wanted for reports, in debug mode, and where a lock is its owner's. To ask asyncio for the running task is most of
the time that a free lock takes; it is cheap once the loop is known. So a lock remembers the loop that it was last used
on, and asks like this, in place::

    task = task_of(self._loop) or self._caller()
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeAlias

from aiochan.errors import MisuseError
from aiochan.loops import running_loop
from aiochan.sync.primitive import Primitive

__all__ = ["Holder", "Owned", "Side", "Task", "refuse_in_debug_mode", "task_of"]

Task: TypeAlias = "asyncio.Task[Any]"
Holder: TypeAlias = "Task | bool"  # False: nobody; True: somebody who is no task

# On 3.11 current_task() itself is a slow way to look into this dict.
task_of: Callable[[asyncio.AbstractEventLoop], Task | None]
task_of = asyncio.current_task if sys.version_info >= (3, 12) else asyncio.tasks._current_tasks.get  # type: ignore[attr-defined]


_NOWHERE: Any = object()  # a loop in which no task runs, so that nobody has to ask whether there is one


class Owned(Primitive):
    """A primitive that is taken by a task, and knows by which one."""

    __slots__ = ("_loop",)

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._loop: asyncio.AbstractEventLoop = _NOWHERE

    def _caller(self) -> Holder:
        """Return the running task, if there is one, and remember the loop."""
        self._loop = running_loop() or _NOWHERE
        return task_of(self._loop) or True


class Side:
    """What a lock is to those who want it in one of its ways: a `Locker`, and an ``async with``."""

    __slots__ = ("_lock", "_of", "_owner", "_unlock", "_what")

    def __init__(
        self,
        what: str,
        of: Primitive,
        lock: Callable[[], Coroutine[Any, Any, None]],
        unlock: Callable[[], None],
        owner: Callable[[], Task | None] = lambda: None,
    ) -> None:
        self._what = what
        self._of = of
        self._lock = lock
        self._unlock = unlock
        self._owner = owner

    @property
    def owner(self) -> Task | None:
        """A task that has it, the running one if that is among them; None if nobody has it, or that is not known."""
        return self._owner()

    def lock(self) -> Coroutine[Any, Any, None]:
        """Take it.

        Cancellation: as of the lock's own method.
        """
        return self._lock()

    def unlock(self) -> None:
        """Give it back."""
        self._unlock()

    def __aenter__(self) -> Any:  # the coroutine itself: one less than if it were awaited here
        return self._lock()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._unlock()

    def __repr__(self) -> str:
        return f"<{self._what} of {self._of!r}>"


def refuse_in_debug_mode(caller: Holder, why: str, of: object, instead: str) -> None:
    """Raise a MisuseError where a task would wait for itself. It may be that another task is to help it: so only here.

    Args:
        caller: Who is going to wait.
        why: What it has done already.
        of: With which lock.
        instead: What to do.
    """
    if not isinstance(caller, bool) and caller.get_loop().get_debug():
        raise MisuseError(f"{caller.get_name()} {why} {of!r} and would wait for itself; {instead}")
