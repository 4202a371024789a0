"""The ways in which a wait is cut short, as data for the tables.

A `Means` runs an operation where it can be cancelled (`run`), and cancels it (`strike(before, after)`): `before()`, the
cancellation and `after()` happen in one turn of the loop and directly after each other, so that nobody who was woken by
`before` has run yet.
"""

import asyncio
import contextlib
import sys
from dataclasses import dataclass

import anyio

from tests.hazards.stage import turn

DELIVER_FIRST, CANCEL_FIRST = "deliver, then cancel", "cancel, then deliver"
ORDERS = DELIVER_FIRST, CANCEL_FIRST
CUT_SHORT = "cut short"  # what `run` answers instead of the operation's result
LIMIT_S = 5


class Means:
    """Cancel the waiting task itself."""

    name = "task.cancel"
    at_once = True  # the operation itself is cancelled in that turn, not later

    def __init__(self, clock):
        self.clock = clock
        self.loop = asyncio.get_running_loop()

    async def run(self, operation):
        """Do `operation`, and answer its result or CUT_SHORT."""
        self.task = asyncio.current_task()
        try:
            return await operation()
        except asyncio.CancelledError:
            return CUT_SHORT

    def strike(self, before, after):
        """Let `before`, the cancellation and `after` happen in the next turn of the loop."""
        self.loop.call_soon(before)
        self.cancel()
        self.loop.call_soon(after)

    def cancel(self):
        self.loop.call_soon(self.task.cancel)


class OneCallback(Means):
    """The same, with all three in one callback: not even another callback comes in between."""

    name = "task.cancel, one callback"

    def strike(self, before, after):
        def all_three():
            before()
            self.task.cancel()
            after()

        self.loop.call_soon(all_three)


class ChildTask(Means):
    """Cancel a task that somebody waits for."""

    name = "create_task, cancel"

    async def run(self, operation):
        self.task = asyncio.create_task(operation())
        try:
            return await self.task
        except asyncio.CancelledError:
            return CUT_SHORT


class Expiry(Means):
    """Let a time limit pass."""

    def cancel(self):
        self.clock.advance(LIMIT_S)


class Timeout(Expiry):
    name = "asyncio.timeout"

    async def run(self, operation):
        try:
            async with asyncio.timeout(LIMIT_S):
                return await operation()
        except TimeoutError:
            return CUT_SHORT


class WaitFor(Expiry):
    """On Python 3.11 this cancels in the turn after the limit; test_offsets.py tries the turns around it."""

    name = "asyncio.wait_for"
    at_once = sys.version_info >= (3, 12)

    async def run(self, operation):
        try:
            return await asyncio.wait_for(operation(), LIMIT_S)
        except TimeoutError:
            return CUT_SHORT


class MoveOn(Expiry):
    name = "anyio.move_on_after"

    async def run(self, operation):
        with anyio.move_on_after(LIMIT_S):
            return await operation()
        return CUT_SHORT


class Scope(Means):
    name = "anyio CancelScope"

    async def run(self, operation):
        with anyio.CancelScope() as self.scope:
            return await operation()
        return CUT_SHORT

    def cancel(self):
        self.loop.call_soon(self.scope.cancel)


class Sibling(Means):
    """Let another task of the same TaskGroup fail."""

    name = "TaskGroup, sibling fails"

    async def run(self, operation):
        self.gate = self.loop.create_future()
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(operation())
                self.sibling = group.create_task(self._fail())
        return CUT_SHORT if task.cancelled() else task.result()

    async def _fail(self):
        before = await self.gate
        self.loop.call_soon(before)  # ready just before the group hears that this task has failed
        raise RuntimeError("a failing sibling")

    def strike(self, before, after):
        self.sibling.add_done_callback(lambda _: after())  # called just behind that of the group
        self.gate.set_result(before)


MEANS = [Means, OneCallback, ChildTask, Timeout, WaitFor, MoveOn, Scope, Sibling]


@dataclass(frozen=True)
class Meeting:
    """When the delivery happens: in the turn of the cancellation, before or after it, or so many turns later."""

    order: str = DELIVER_FIRST
    turns_later: int | None = None

    @property
    def may_deliver_first(self):
        """Whether the delivery may have happened before the operation itself is cancelled."""
        return self.order == DELIVER_FIRST

    async def arrange(self, means, deliver):
        if self.turns_later is None:
            happenings = (deliver, nothing) if self.order == DELIVER_FIRST else (nothing, deliver)
            means.strike(*happenings)
            return
        if self.turns_later < 0:
            deliver()
            await turn(-self.turns_later)
        means.strike(nothing, nothing)
        if self.turns_later >= 0:
            await turn(self.turns_later)
            deliver()


def nothing():
    pass
