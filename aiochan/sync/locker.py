"""What can be locked and unlocked, whatever it is: a `Mutex`, one side of an `RWMutex`, a lock of another process.

There is nothing to inherit. A class of any origin that has the methods is a `Locker`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol, runtime_checkable

__all__ = ["Locker", "Recursive"]


@runtime_checkable
class Locker(Protocol):
    """Something that one holder at a time has, or several that do not mind each other.

    Follows Go's ``sync.Locker``.
    """

    __slots__ = ()

    def lock(self) -> Coroutine[Any, Any, None]:
        """Wait until it is ours.

        Cancellation: it is not ours then, and whoever is next in line does not suffer.
        """
        ...

    def unlock(self) -> None:
        """Give it to whoever is next, or set it free."""
        ...


@runtime_checkable
class Recursive(Locker, Protocol):
    """A `Locker` that its owner may lock several times: who waits for a condition lets go of all of them at once."""

    __slots__ = ()

    def _release_all(self) -> int:
        """Unlock it as often as the running task has locked it, and return how often that was; else raise `NotHeld`."""
        ...

    def _restore(self, depth: int) -> Coroutine[Any, Any, None]:
        """Lock it again, as often as that; where that has to wait, it waits once."""
        ...
