"""What state a program is in, as one number: programs in equal states go on equally.

The search continues each state once, so a fingerprint that overlooks something hides bugs. This one
therefore looks at everything a program can reach: for every task how far each of its coroutines is,
their variables *and* what is on their value stacks (the iterator of a `for` loop, the left operand
of `total + await ...`); futures with their callbacks; closures; and whatever objects these refer
to, channels by their `_snapshot()`. `aiochan.testing.descriptions` says how each type is described.

The traversal is `pickle`'s: it is fast, and keeps track of circles and of what is referred to
twice. The pickle itself is never read; an object is written as its description, not as a recipe.

Not looked at: global variables, class attributes of module-level classes, tracebacks, and what hides
behind functions of C. A scenario that keeps state there must tell `Run.state` about it. Two
different fingerprints of one state cost time only; it happens when addresses (`id()`, the order of
a set of objects) are among the data.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any, TypeAlias

from aiochan.testing.descriptions import KNOWN, describe_type
from aiochan.testing.innards import (
    callbacks_of,
    exception_of,
    handle_parts,
    insides_of_c_object,
    must_cancel,
    result_of,
    stepped_by,
    type_of,
    waiter_of,
)
from aiochan.testing.structure import PLAIN

__all__ = ["Fingerprinter"]

_Task: TypeAlias = "asyncio.Task[Any]"


class Fingerprinter(pickle.Pickler):
    """Makes one fingerprint: collect everything that matters, then ask for the `number`.

    Args:
        label: What a task is called; must not depend on the schedule. It is all that is said about
            a task that something merely refers to; see `task` for the rest.
    """

    def __init__(self, label: Callable[[_Task], object]) -> None:
        self._out: list[bytes] = []
        super().__init__(_Sink(self._out), 5)
        self.label = label
        self._descriptions: dict[int, list[Any]] = {}
        self._kept: list[object] = []  # alive, so that no other object gets its id

    def number(self, state: object) -> int:
        """Return the fingerprint of a state: of whatever reaches all that matters.

        Raises:
            TypeError: Something in it cannot be described, or it is nested too deeply.
        """
        try:
            self.dump(state)
        except RecursionError as error:
            raise TypeError(
                "the state of the program is nested too deeply to be compared; search with"
                " prune=False, or give the type that nests a __fingerprint__ method"
            ) from error
        return hash(b"".join(self._out))

    def task(self, task: _Task) -> list[Any]:
        """List everything about a task that decides what it does next."""
        if task.done():
            return [0] if task.cancelled() else [1, result_of(task), exception_of(task)]
        calls = [(call, context or None) for call, context in callbacks_of(task) or ()]
        direct = self.direct
        coro, waiter = direct(task.get_coro()), direct(waiter_of(task))
        return [2, task.cancelling(), must_cancel(task), waiter, coro, calls]

    def ready(self, handle: asyncio.Handle) -> Any:
        """Describe a callback that is ready; short for the step of a task, which is what most are."""
        task = stepped_by(handle)
        if task is None:
            return self.direct(handle)
        call, arguments, _ = handle_parts(handle)
        if not arguments:  # the first step, or one after a bare yield; it may carry an exception
            return [self.label(task), [part for part in insides_of_c_object(call) if part is not task]]
        return [self.label(task), *map(self.direct, arguments)]

    def direct(self, thing: Any) -> Any:
        """Return plain data as it is, and for all else its description: what will be walked anyway."""
        kind = type_of(thing)
        if kind in PLAIN:
            return thing
        known = self._descriptions.get(id(thing))
        if known is None:
            known = self._descriptions[id(thing)] = []
            self._kept.append(thing)
            known += (KNOWN.get(kind) or describe_type(kind))(self, thing)
        return known

    def reducer_override(self, obj: Any) -> Any:
        """Describe what stands inside of plain data; called by `pickle`."""
        return NotImplemented if obj is _described else (_described, (), self.direct(obj))


def _described(*_: object) -> None:
    """Stand for the recipe that a pickle needs; nobody ever follows it."""


class _Sink:
    """What a pickler takes for a file."""

    __slots__ = ("write",)

    def __init__(self, out: list[bytes]) -> None:
        self.write = out.append
