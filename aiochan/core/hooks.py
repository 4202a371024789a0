"""The null observer.

The core tells one observer who parks, who is woken and what is closed; the leak checks of ``aiochan.testing`` put in
such an observer. Nobody listens by default, and then it costs one comparison per park: an
operation that never waits is not told at all (counts of those are in ``stats()``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiochan.core.waiters import Waiter

__all__ = ["Observer", "install", "listeners"]


class Observer:
    """Hear what happens to sleeping tasks; override what you need.

    The methods are called in the middle of an operation: they must not touch the object they are told about other than
    to look at it, and must not raise.
    """

    def parked(self, waiter: Waiter) -> None:
        """Hear that a task went to sleep: ``waiter.owner``, ``waiter.waits_for()``."""

    def woken(self, waiter: Waiter) -> None:
        """Hear that a sleeping task was granted what it waited for, or told the end."""

    def left(self, waiter: Waiter) -> None:
        """Hear that a sleeping task was cancelled or abandoned."""

    def closed(self, channel: object) -> None:
        """Hear that a channel was closed."""


observer: Observer | None = None
listeners: list[Callable[[Observer | None], object]] = []  # who keeps the observer at hand: the compiled core


def install(new: Observer | None) -> Observer | None:
    """Make `new` the one observer.

    Args:
        new: The observer, or None for none.

    Returns:
        The observer that was there before, to be put back later.
    """
    global observer
    old, observer = observer, new
    for tell in listeners:
        tell(new)
    return old
