"""Woken tasks, and how many operations they may do before the loop gets its turn.

Waking a task the usual way costs a trip through the event loop. Here woken tasks go into the `RunQueue` of their loop,
oldest first, and one callback of the loop resumes them all, also those that are woken meanwhile. That makes a hand-off
several times cheaper; see docs/design/0005.

Two bounds keep it from starving everybody else. Both are counted in operations, and both draw from one iterator,
`budget`: `turn` operations may be done while one callback drains the queue, the rest waits for the next turn of the
loop; and a task whose operations are all answered at once goes round the loop after `patience` of them (`breathe`).
Operations pay before they have any effect, so a cancellation that arrives while one breathes finds nothing done.
"""

# ruff: noqa: PLW0603 - the budget is a global on purpose: see there

from __future__ import annotations

import asyncio
import contextvars
import itertools
import operator
import os
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeAlias

from aiochan.errors import WrongLoop

__all__ = [
    "Pinned",
    "RunQueue",
    "breathe",
    "budget",
    "budget_left",
    "running_queue",
    "set_budget",
    "wrong_loop",
]

Woken: TypeAlias = tuple[Callable[[Any], object], contextvars.Context]

# -- the budget of operations

_turn, _patience = 256, 1024
# Drawing from an iterator is the cheapest count there is; decrementing an attribute costs 35 ns more per operation.
# Others read it as `runqueue.budget`, because it is replaced by a fresh one again and again.
budget: Iterator[Any] = iter(range(_patience))


def _allowance(operations: int) -> Iterator[Any]:
    return iter(range(operations)) if operations else itertools.repeat(None)


def set_budget(turn: int = 256, patience: int = 1024) -> tuple[int, int]:
    """Bound how many operations may be done before the loop gets its turn.

    Args:
        turn: Operations that woken tasks may do in one turn of the loop, those answered at once included; 0 for any
            number.
        patience: Operations answered at once in a row before a task goes once round the loop; 0 for never.

    Returns:
        The two bounds that were in force before.

    Raises:
        TypeError: A bound is no whole number.
        ValueError: A bound is negative.
    """
    global _turn, _patience, budget
    turn, patience = operator.index(turn), operator.index(patience)
    for bound in (turn, patience):
        if bound < 0:
            raise ValueError(f"a budget is a number of operations >= 0, not {bound}")
    old = _turn, _patience
    _turn, _patience = turn, patience
    budget = _allowance(patience)
    return old


def budget_left() -> int | None:
    """Tell how many operations may still be done before somebody yields; None when there is no bound."""
    left = operator.length_hint(budget, -1)  # itertools.repeat has no length
    return None if left < 0 else left


@types.coroutine
def breathe() -> Generator[None, None, None]:
    """Go once round the loop, before an operation that would be one too many in this turn."""
    global budget
    yield
    budget = _allowance(_patience)
    next(budget)  # for the operation that waits for us


# -- the queue


class RunQueue:
    """The woken tasks of one loop."""

    __slots__ = (
        "__weakref__",
        "_context",
        "_ready",
        "draining",
        "finished",
        "get_loop",
        "loop",
        "push",
        "scheduled",
        "thread",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.get_ident()
        # asyncio.Task asks whatever it waits for; nothing answers quicker than this.
        self.get_loop: Callable[[], asyncio.AbstractEventLoop] = itertools.repeat(loop).__next__
        # What a task's wake-up is called with. A finished, genuine Future lets asyncio's C Task take its short path: it
        # asks nobody for a result. What really happened stands in the Waiter.
        self.finished: asyncio.Future[None] = asyncio.Future(loop=loop)
        self.finished.set_result(None)
        self._context = contextvars.Context()  # not the context of whoever happened to wake somebody first
        self._ready: deque[Woken] = deque()
        # Attributes, not methods: whoever wakes calls `push`, and then `schedule` unless `scheduled`. Debug mode counts
        # if it was on when the loop was first waited on.
        self.push: Callable[[Woken], None] = self._ready.append
        self.scheduled = False
        self.draining = False  # then its loop is the running one (unless loops are nested by force)
        if loop.get_debug() or getattr(loop, "single_steps", False):
            self.push, self.scheduled = _each_alone(loop, self.finished), True  # tools are to see single tasks

    def schedule(self) -> None:
        """Ask the loop to drain. A loop that was closed meanwhile has nobody left to wake: that is no error."""
        if self.loop.is_closed():
            self._ready.clear()
        else:
            self.loop.call_soon(self._drain, context=self._context)
            self.scheduled = True  # not before: if that failed, the next one who wakes somebody tries again

    def check_thread(self, thing: object) -> None:
        """Refuse the use of `thing`, which belongs to this loop, from a thread in which this loop does not run.

        Raises:
            WrongLoop: It is not ours.
        """
        here = threading.get_ident()
        if self.thread != here:
            if not _runs_here(self.loop):
                raise wrong_loop(thing, self)
            self.thread = here  # the loop itself has moved

    def _drain(self) -> None:
        global budget
        wakeup: Any
        context: Any
        ready, finished = self._ready, self.finished
        budget = _allowance(_turn)
        self.thread = threading.get_ident()  # the loop may have moved
        self.draining = True
        try:
            for _ in budget:
                if not ready:
                    break
                wakeup, context = ready.popleft()
                context.run(wakeup, finished)
        finally:  # a KeyboardInterrupt out of one task must not leave the others asleep
            wakeup = context = None  # the traceback of a task may keep this frame, which must not lead back to the task
            self.scheduled = self.draining = False
            if ready:
                self.schedule()


def _each_alone(loop: asyncio.AbstractEventLoop, finished: asyncio.Future[None]) -> Callable[[Woken], None]:
    """Make a `push` that wakes each task by a callback of its own."""

    def push(woken: Woken) -> None:
        if not loop.is_closed():
            loop.call_soon(woken[0], finished, context=woken[1])

    return push


# Weak: whoever sleeps or is woken keeps a queue alive, and nobody else, least of all after its loop is closed.
# (Not a WeakValueDictionary: it misses by way of an exception, which leaves its trace in the coroutine that asks, and
# then equal states of a program no longer look equal to aiochan.testing.)
# By the identity of the loop, which a queue keeps alive: a loop as the key would never die if it leads to a channel.
_queues: dict[int, weakref.ref[RunQueue]] = {}
_last: weakref.ref[RunQueue] | None = None  # the one that was asked for last


def running_queue() -> RunQueue:
    """Return the one run queue of the running loop.

    Raises:
        RuntimeError: No loop is running.
    """
    queue = None if _last is None else _last()
    if queue is not None and queue.draining and queue.thread == threading.get_ident():
        return queue
    loop = asyncio.get_running_loop()
    return queue if queue is not None and queue.loop is loop else _find_queue(loop)


def _find_queue(loop: asyncio.AbstractEventLoop) -> RunQueue:
    """Find or make it. With two queues, tasks would not run in the order in which they were woken."""
    global _last
    key = id(loop)
    known = _queues.get(key)
    queue = None if known is None else known()
    if queue is None:
        queue = RunQueue(loop)
        _queues[key] = known = weakref.ref(queue, lambda _: _queues.pop(key, None))
    _last = known
    return queue


def _in_child() -> None:
    """Forget, after a fork in the middle of a drain, that somebody is draining: in the child nobody goes on with it."""
    for queue in [known() for known in _queues.values()]:
        if queue is not None:
            queue.draining = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:  # none does
        return False


def wrong_loop(thing: object, queue: RunQueue) -> WrongLoop:
    """Make the error that says whose `thing` is, and what to do instead."""
    if queue.thread != threading.get_ident() and not queue.loop.is_closed():
        return WrongLoop(
            f"{thing!r} belongs to the event loop of another thread; hand values over with"
            " loop.call_soon_threadsafe(ch.send_nowait, value), or with"
            " asyncio.run_coroutine_threadsafe(ch.send(value), loop)"
        )
    which = "which is closed" if queue.loop.is_closed() else "which is not the running one"
    return WrongLoop(f"{thing!r} belongs to the event loop that first waited on it, {which}; make one inside each loop")


class Pinned:
    """What cannot be copied or pickled, because tasks of one loop stand in its lines."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it belongs to one event loop")
