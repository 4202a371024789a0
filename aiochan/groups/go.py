"""Tasks that belong to nobody: `go`, and what else in this folder starts a task needs for it.

asyncio refers to its tasks only weakly. A task that waits, and that nobody else refers to, may be thrown away by the
garbage collector in the middle of its work; and what it fails with is told when the last reference to it dies, which
may be never. So:

G1  A task that is kept is referred to from its start to its end.
G2  What is kept for a loop that was closed goes when tasks of another loop are kept: nobody will ever end them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple

from aiochan.context import lasting_context, variables
from aiochan.errors import MisuseError
from aiochan.groups.crew import call, name_of
from aiochan.loops import running_loop

__all__ = ["go", "keep"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_kept: dict[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]] = {}


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
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[Any]) -> None:
    """Tell the loop what a task failed with; asking for it marks it as retrieved."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):  # these came out of the loop
        message = f"the task {task.get_name()!r}, which go() started, has failed"
        task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})


def keep(task: asyncio.Task[Any]) -> None:
    """Refer to a task until it has ended."""
    loop = task.get_loop()
    if loop not in _kept:
        for other in [other for other in _kept if other.is_closed()]:
            del _kept[other]
        _kept[loop] = set()
    _kept[loop].add(task)
    task.add_done_callback(_let_go)


def _let_go(task: asyncio.Task[Any]) -> None:
    loop = task.get_loop()
    if tasks := _kept.get(loop):
        tasks.discard(task)
        if not tasks:
            del _kept[loop]  # or it would keep the loop alive
