"""What all primitives of this floor have in common: a name, a line that says whose it is, and no copies.

Every one of them stands on `WaitQueue` or a channel, so the rule of ``core/waiters.py`` holds for all:

    A woken waiter holds a permit, never the thing itself;
    a cancelled waiter passes its permit on, at once and in line.

Whoever wakes changes the state before the woken task runs, so nobody can slip in; ``give_back`` undoes that for a task
that was cancelled in between.
"""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

from aiochan.core import WaitQueue

__all__ = ["Line", "Primitive", "nothing"]

T = TypeVar("T")


class Primitive:
    """Something that tasks of one loop wait for.

    Args:
        name: Shown in ``repr`` and in reports.
    """

    __slots__ = ("__weakref__", "_name")

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of a {type(self).__name__} must be a string, not {name!r}")
        self._name = name

    @property
    def name(self) -> str | None:
        """What it is called in ``repr`` and in reports."""
        return self._name

    def _title(self) -> str:
        name = f"at {id(self):#x}" if self._name is None else repr(self._name)
        return f"{type(self).__name__} {name}"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: tasks of one event loop wait for it")


class Line(WaitQueue[T]):
    """The line before a primitive. Reports of who waits for whom show the primitive, with its state.

    Args:
        of: The primitive; referred to weakly, or it would need the garbage collector to die.
    """

    __slots__ = ("_of",)

    def __init__(self, of: Primitive) -> None:
        super().__init__(of.name)
        self._of = weakref.ref(of)

    def __repr__(self) -> str:
        of = self._of()
        return super().__repr__() if of is None else repr(of)


def nothing() -> None:
    """Give nothing back: everybody was woken at once, so nobody has taken another's turn."""
