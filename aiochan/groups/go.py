"""Tasks that belong to nobody: `go`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

from aiochan.calling import call, name_of
from aiochan.context import lasting_context, variables
from aiochan.errors import MisuseError
from aiochan.loops import running_loop
from aiochan.tasks import keep, tell_failure

__all__ = ["go"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def go(fn: Callable[[*Ts], Awaitable[T]], *args: *Ts, name: str | None = None) -> asyncio.Task[T]:
    """Start ``fn(*args)`` as a task that nobody has to wait for.

    An error of the task goes to the loop's exception handler in the moment in which it happens; awaiting the task
    raises it all the same. A task that is cancelled ends in silence. Nothing ends it when its starter ends: its
    current context has the values of the starter's, and not its end. Where there is an owner, use a group.

    Args:
        fn: A function that returns something to await, mostly an ``async def``. What it raises when it is called, it
            raises here.
        *args: What it is called with.
        name: What the task is called in errors and reports; by default the name of the function.

    Returns:
        The task. It need not be kept.

    Raises:
        TypeError: `fn` is no function, or what it returns cannot be awaited, or `name` is no string.
        MisuseError: No event loop is running.

    Follows Go's ``go`` statement, whose panics nobody can overlook either.
    """
    if (loop := running_loop()) is None:
        raise MisuseError(f"go() needs a running event loop, to run {name_of(fn)} in")
    if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the name of a task is a string, not {name!r}")
    context = variables(lasting_context())
    task = loop.create_task(call(fn, args), name=name_of(fn) if name is None else name, context=context)
    keep(task)
    tell_failure(task, "go()")
    return task
