"""What the search must see of asyncio and CPython that neither shows to everybody.

Everything that depends on internals stands here, behind names of our own, and nowhere else in
`aiochan.testing`: when a new Python changes them, this is the file to mend. Nothing here changes
what it looks at, but for `abandon`, which throws it away.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

__all__ = [
    "abandon",
    "bound_names",
    "callbacks_of",
    "cancel_message_of",
    "exception_of",
    "frame_of",
    "handle_parts",
    "insides_of",
    "insides_of_c_object",
    "must_cancel",
    "never_retrieved",
    "result_of",
    "sleeps",
    "stepped_by",
    "type_of",
    "waiter_of",
]

_Task: TypeAlias = "asyncio.Task[Any]"

#: `type`, for type checkers that want to know the type of anything.
type_of: Callable[[Any], type[Any]] = type
#: The future (or whatever stands in for one) that a task waits for; None if it waits for nothing.
waiter_of = attrgetter("_fut_waiter")
#: Whether a task will get a CancelledError at its next step although nothing it waits for did.
must_cancel = attrgetter("_must_cancel")
#: Whether a failed future still waits for somebody to ask for its exception.
never_retrieved = attrgetter("_log_traceback")
#: What a finished future or task failed with or returned; asking does not count as having seen it.
exception_of = attrgetter("_exception")
result_of = attrgetter("_result")
#: The message given to the last `cancel` of a future or task.
cancel_message_of = attrgetter("_cancel_message")
#: The `(callback, context)` pairs of a future or task that is not done; None or empty if none.
callbacks_of = attrgetter("_callbacks")
#: Callback, arguments and context of a handle.
handle_parts = attrgetter("_callback", "_args", "_context")

_FRAMES: dict[type[Any], attrgetter[types.FrameType | None]] = {
    types.CoroutineType: attrgetter("cr_frame"),
    types.GeneratorType: attrgetter("gi_frame"),
    types.AsyncGeneratorType: attrgetter("ag_frame"),
}


def frame_of(coro: Any) -> types.FrameType | None:
    """Return the frame of a coroutine or generator; None if it has ended or is another thing."""
    look = _FRAMES.get(type_of(coro))
    return getattr(coro, "cr_frame", None) if look is None else look(coro)


def insides_of(coro: Any, code: types.CodeType) -> list[Any]:
    """List what a suspended coroutine or generator holds: its local variables, then its stack.

    Variables come in the order of the code object (plain ones, then cells), without those that are
    unbound. Then comes what is on the value stack: iterators of `for` loops, operands that were
    computed already, what is awaited; none of these can be seen through `f_locals`. Last comes the
    exception that is being handled, if any.

    `f_locals` is avoided for another reason too: in Python 3.11 and 3.12 it leaves a copy in the
    frame that keeps values alive, so that looking would change what `__del__` sees.
    """
    parts = gc.get_referents(coro)
    # First come names and the like (in 3.11 also the code), the frame object, the function, the code.
    start = parts.index(code) + 1
    if start == 1 or type(parts[start - 2]) is not types.FunctionType:
        start = parts.index(code, start) + 1
    return parts[start:]


def bound_names(frame: types.FrameType) -> tuple[str, ...]:
    """Name the variables of a coroutine that have a value now."""
    variables = frame.f_locals
    names = tuple(variables)
    if sys.version_info < (3, 13):
        variables.clear()  # the copy described in insides_of
    return names


def insides_of_c_object(thing: Any) -> list[Any]:
    """List what a C object without state of its own refers to, but for its type."""
    return [part for part in gc.get_referents(thing) if part is not type(thing)]


def stepped_by(handle: asyncio.Handle) -> _Task | None:
    """Return the task that a ready callback steps; None if it does something else."""
    task: Any = getattr(handle_parts(handle)[0], "__self__", None)
    if isinstance(task, asyncio.Task):
        return task  # pyright: ignore[reportUnknownVariableType]
    return None


def sleeps(task: _Task) -> bool:
    """Tell whether a task waits for something that has not happened yet."""
    waiter = waiter_of(task)
    if waiter is None:
        return False
    if isinstance(waiter, asyncio.Future):
        return not waiter.done()
    look = getattr(waiter, "_snapshot", None)  # a waiter of aiochan.core
    return look is None or look()[0] == "parked"


def abandon(task: _Task) -> None:
    """End a task that nobody will run again, without a word about it."""
    if task.done():
        if not task.cancelled():
            task.exception()
        return
    anything: Any = task
    anything._log_destroy_pending = False
    try:
        anything.get_coro().close()
    except (Exception, asyncio.CancelledError, GeneratorExit):  # noqa: BLE001
        return  # what it says on its way out concerns nobody any more
