"""The one place where tasks are started, watched, cancelled and awaited to their end; every group stands on it.

A `Crew` knows who is at work and nothing of what is to become of errors and results: its owner hears of every end, in
the task's done callback, and decides. It never awaits one task for another and needs no task of its own.

What it takes care of
---------------------
- A task that is cancelled before its first step never runs a line. So nothing that must happen is left to the task: the
  done callback does it, and the crew keeps the only reference that is needed.
- An eager task runs, and may end, before ``create_task`` returns. It is never looked for before that.
- Whoever waits for the crew (`join`) may be cancelled again and again, in a cancelled anyio scope in every turn of the
  loop. It tells the owner once, and goes on waiting; behind a shield from then on, if anyio is there, or its scope
  would call us back in every turn for as long as the last task takes to clean up.
- Tasks find the crew's context as the current one, whoever starts them.

Invariants
----------
K1  A task is in `tasks` from its start to its done callback, and nobody else is.
K2  Nobody sleeps in the line of those who wait while nobody is at work or expected.
K3  Once closed, no function is called any more; once stopped, every task is being cancelled besides.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from threading import get_ident
from types import CoroutineType
from typing import Any, TypeVar, TypeVarTuple

from aiochan.calling import as_coroutine, check_callable, name_of
from aiochan.context import CURRENT, Context, Scope, variables
from aiochan.core import WaitQueue
from aiochan.errors import MisuseError, WrongLoop
from aiochan.loops import running_loop
from aiochan.shielding import shield
from aiochan.sync.primitive import nothing

__all__ = ["BodyScope", "Crew"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Crew:
    """The tasks of one owner.

    Args:
        name: What the names of the tasks begin with.
        ctx: What `current_context` is in the tasks.
        ended: Called with each task that has ended, in its done callback; it must not raise. Until it returns, the
            crew still waits.

    Attributes:
        tasks: Who is at work, in the order of their start.
        closed: Whether no function is called any more.
        stopped: Whether everybody was cancelled.
        expected: How many others are sure to start a task soon; see `expect`.
    """

    __slots__ = (
        "__weakref__",
        "_line",
        "_name",
        "_owner",
        "_thread",
        "closed",
        "ctx",
        "expected",
        "loop",
        "stopped",
        "tasks",
    )

    def __init__(self, name: str, ctx: Context, ended: Callable[[asyncio.Task[Any]], object] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.ctx = ctx
        self.tasks: dict[asyncio.Task[Any], None] = {}  # a set that keeps its order: who came first is cancelled first
        self.closed = self.stopped = False
        self.expected = 0
        self._thread = get_ident()
        self._owner = ended
        self._name = name
        self._line: WaitQueue[None] | None = None  # made when somebody waits

    # -- starting

    def start(self, fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> asyncio.Task[T]:
        """Start ``fn(*args)`` as a task; once closed, return a task that is being cancelled, and do not call `fn`.

        Raises:
            TypeError: `fn` cannot be called, or what it returned cannot be awaited.
            WrongLoop: The crew works in another loop or thread.
            Exception: Whatever `fn` raises when it is called. Only what it raises when awaited is the task's.
        """
        if get_ident() != self._thread:  # a loop stays in its thread, mostly, and this is asked faster than the loop
            self.check_loop()
        if self.closed:
            return self.run(_stillborn(), fn)
        try:
            made: Any = fn(*args)  # as `call` does: each call counts where a task costs 4 us
        except TypeError:
            check_callable(fn)
            raise
        coro: Coroutine[Any, Any, T] = made
        if type(made) is not CoroutineType:
            coro = as_coroutine(fn, made)
        return self.run(coro, fn)

    def run(self, coro: Coroutine[Any, Any, T], fn: object) -> asyncio.Task[T]:
        """Start a coroutine as a task with the name of `fn`; once closed, it is cancelled at once."""
        try:
            context = None if CURRENT.get() is self.ctx else variables(self.ctx)
            name = getattr(fn, "__name__", None) or name_of(fn)
            task = self.loop.create_task(coro, name=f"{self._name}/{name}", context=context)
        except BaseException:
            coro.close()
            raise
        if task.done():  # it was eager
            self._ended(task)
        else:
            self.tasks[task] = None
            task.add_done_callback(self._ended)
            if self.closed:  # before it was started, or by itself in its eager first step
                task.cancel()
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)
        if self._owner is not None:
            self._owner(task)
        if not self.tasks:
            self._settle()

    def check_loop(self) -> None:
        """Refuse to work for another loop.

        Raises:
            WrongLoop: Another loop is running here, or none.
        """
        if running_loop() is not self.loop:
            raise WrongLoop(
                f"{self!r} works in the event loop that it was made in; ask it there,"
                " for example with asyncio.run_coroutine_threadsafe"
            )
        self._thread = get_ident()  # the loop itself has moved

    # -- stopping and waiting

    def close(self) -> None:
        """Call no function any more: who is started from now on is cancelled at once."""
        self.closed = True

    def stop(self) -> None:
        """Close, and cancel everybody, once."""
        if self.stopped:
            return
        self.closed = self.stopped = True
        if not self.loop.is_closed():  # then nobody runs any more, and cannot be woken
            for task in tuple(self.tasks):
                task.cancel()

    def expect(self) -> None:
        """Count somebody who will call `arrived` soon: the crew is waited for until then."""
        self.expected += 1

    def arrived(self) -> None:
        """Count out somebody who was expected, and has started a task or will not."""
        self.expected -= 1
        self._settle()

    def _settle(self) -> None:
        if self._line is not None and not self.tasks and not self.expected:
            self._line.wake_all()

    async def _until_nobody_is_left(self) -> None:
        if self._line is None:
            self._line = WaitQueue(self._name)  # to call WaitQueue[None] takes several times as long
        await self._line.park(give_back=nothing)

    async def idle(self) -> None:
        """Wait until nobody is at work; who is started after that moment is not waited for.

        Raises:
            MisuseError: A task of the crew asks: it would wait for itself.
            WrongLoop: The crew works in another loop or thread.

        Cancellation: changes nothing.
        """
        self.check_loop()
        if self.loop.get_task_factory() is not None:
            await asyncio.sleep(0)  # perhaps our own eager task asks: it is not known in its first step
        if asyncio.current_task() in self.tasks:
            raise MisuseError(f"a task of {self!r} cannot wait for it: it would wait for itself")
        if self.tasks or self.expected:
            await self._until_nobody_is_left()

    async def join(self, cancelled: Callable[[], object] | None = None) -> None:
        """Wait until nobody is left.

        Args:
            cancelled: Called when the waiting task is cancelled for the first time; left out, it is `stop`.

        Cancellation: goes on, as the first CancelledError that came, but not before the last task has ended.
        """
        first: asyncio.CancelledError | None = None
        try:
            while self.tasks or self.expected:
                try:
                    if first is None:
                        await self._until_nobody_is_left()
                    else:
                        with shield():
                            await self._until_nobody_is_left()
                except asyncio.CancelledError as error:
                    if first is None:
                        first = error
                        (cancelled or self.stop)()
            if first is not None:
                raise first
        finally:
            first = None  # its traceback leads here

    def __repr__(self) -> str:
        stopped = ", stopped" if self.stopped else ""
        return f"<Crew {self._name!r}, {len(self.tasks)} at work{stopped}>"

    def _check(self) -> None:
        assert all(not task.done() or task.get_loop() is self.loop for task in self.tasks), "K1: of another loop"
        assert self.closed or not self.stopped, "K3: stopped, and not closed"
        assert not self.stopped or all(task.done() or task.cancelling() for task in self.tasks), "K3: not cancelled"
        if self._line is not None:
            assert self.tasks or self.expected or not len(self._line), "K2: somebody waits for nobody"
            self._line._check()

    def _snapshot(self) -> object:
        line = None if self._line is None else self._line._snapshot()
        return set(self.tasks), self.closed, self.stopped, self.expected, line


class BodyScope(Scope):
    """The scope in which the body of a group stands, and which tells the group of the context's end, too.

    Args:
        ctx: The context of the group.
        close: Called when it ends, at once: nobody is to start any more.
        end: Called soon after, as the body is cancelled: everybody is to stop.

    Attributes:
        body_is_over: Set when the task of the body only waits for the others any more, and need not be cancelled.
    """

    __slots__ = ("_close", "_end", "body_is_over")

    def __init__(self, ctx: Context, close: Callable[[], object], end: Callable[[], object]) -> None:
        super().__init__(ctx)
        self._close = close
        self._end = end
        self.body_is_over = False

    def tell(self) -> None:
        """Tell the group, and have the body cancelled in the next turn."""
        self._close()  # at once; who is at work hears of it in the next turn, as the body does
        if not self.body_is_over:
            super().tell()
        if self.home is not None and not self.home[0].is_closed():
            self.home[0].call_soon(self._end)


async def _stillborn() -> Any:
    """Be cancelled, even as an eager task that runs before anybody can cancel it."""
    raise asyncio.CancelledError
