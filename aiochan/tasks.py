"""Tasks that nobody has to keep or to await: they are not thrown away, and their errors are told.

asyncio refers to its tasks only weakly. A task that waits, and that nobody else refers to, may be thrown away by the
garbage collector in the middle of its work; and what it fails with is told when the last reference to it dies, which
may be never. So:

G1  A task that is kept is referred to from its start to its end.
G2  What is kept for a loop that was closed goes when tasks of another loop are kept: nobody will ever end them.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

__all__ = ["keep", "tell_failure"]

_kept: dict[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]] = {}


def tell_failure(task: asyncio.Task[Any], starter: str) -> None:
    """Tell the loop at once what a task fails with; awaiting it raises the error all the same.

    Args:
        task: The task. One that is cancelled ends in silence.
        starter: What started it, for the report.
    """
    task.add_done_callback(functools.partial(_tell, starter))


def _tell(starter: str, task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()  # asking for it marks it as retrieved
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):  # these came out of the loop
        message = f"the task {task.get_name()!r}, which {starter} started, has failed"
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
