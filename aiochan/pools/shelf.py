"""Where idle resources lie: the newest is taken first, the oldest are closed first.

Invariants
----------
S1  Whatever lies here has a timer that looks at it in time, if it may grow too old; unless somebody was promised it.
"""

from __future__ import annotations

import asyncio
import math
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from aiochan.pools.resources import Limits, Reason, Resource

__all__ = ["Shelf"]

T = TypeVar("T")


class Shelf(Generic[T]):
    """A stack of idle resources.

    Args:
        limits: How long they may be idle, and live.
        room: How many may lie here.
        tidy: A method that is called when one has become too old. It is referred to weakly: a timer of the loop must
            not keep a pool alive that nobody uses any more.

    Attributes:
        stack: The resources, the newest last.
    """

    __slots__ = ("__weakref__", "_due", "_tidy", "_timer", "limits", "room", "stack")

    def __init__(self, limits: Limits, room: int, tidy: Callable[[], object]) -> None:
        self.limits = limits
        self.room = room
        self.stack = list[Resource[T]]()
        self._tidy = weakref.WeakMethod(tidy)
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf  # what the timer was set to; its own when() is rounded on uvloop, if it has one at all

    def lay(self, resource: Resource[T], loop: asyncio.AbstractEventLoop) -> None:
        """Lay a resource on top."""
        if not self.limits.timeless:
            self.limits.laid_aside(resource, loop.time)
            self._set_timer(resource.until, loop)
        self.stack.append(resource)

    def sort_out(self, promised: int, loop: asyncio.AbstractEventLoop) -> list[tuple[Resource[T], Reason]]:
        """Take away what is too old, or too much, and say why.

        Args:
            promised: How many on top are left alone, for whoever was promised them.
            loop: Whose clock tells the time.
        """
        now = loop.time()
        spare = max(0, len(self.stack) - promised)
        kept, taken = list[Resource[T]](), list[tuple[Resource[T], Reason]]()
        for resource in self.stack[:spare]:
            reason = self.limits.verdict(resource, now)
            if reason is not None or len(taken) < spare - self.room:
                taken.append((resource, reason or "max_idle"))
            else:
                kept.append(resource)
        self.stack[:spare] = kept
        self._set_timer(min((resource.until for resource in kept), default=math.inf), loop)
        return taken

    def clear(self) -> list[tuple[Resource[T], Reason]]:
        """Take everything away, for the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        stack, self.stack = self.stack, []
        return [(resource, "end") for resource in stack]

    def _set_timer(self, when: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            if self._due <= when:
                return  # then it is set anew
            self._timer.cancel()
            self._timer = None
        if when != math.inf:
            self._timer = loop.call_at(when, _on_time, weakref.ref(self))
            self._due = when

    def on_time(self) -> None:
        """Have it tidied."""
        self._timer = None
        tidy = self._tidy()
        if tidy is not None:
            tidy()

    def _check(self, promised: int) -> None:
        spare = self.stack[: max(0, len(self.stack) - promised)]
        first = min((resource.until for resource in spare), default=math.inf)
        assert first == math.inf or (self._timer is not None and self._due <= first), "S1: nobody looks in time"


def _on_time(known: weakref.ref[Any]) -> None:
    shelf: Shelf[Any] | None = known()
    if shelf is not None:
        shelf.on_time()
