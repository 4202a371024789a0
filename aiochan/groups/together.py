"""Several functions at the same time, and one answer: `all_of`, `race`, `first_of`, `last_of`.

They differ in two things only: how many successes decide the call, and whether an error does. Once it is decided,
everybody who is still at work is cancelled *and awaited*; the answer comes when the last task has ended. So a call
leaves no task behind, whichever way it ends; what runs the tasks is a `Crew`.

What comes out
--------------
1. KeyboardInterrupt and SystemExit of a function, alone, as everywhere in asyncio.
2. The error that decided. Errors that came after it are named in one note on it.
3. If the caller was cancelled, or his context has ended: the error of a function that failed while it was being
   cancelled, if there is one, as with ``asyncio.TaskGroup``; else the CancelledError itself, or the context's error.
4. The results. Nobody is left to hear of errors that functions made while they were being cancelled, so these go to
   the loop's exception handler.

What comes by itself in the turn of the decision, but behind it, is dropped: the result of a second winner, or the error
of a loser. So is the answer to a caller who is cancelled in that turn. Who opens something can close it when he is
cancelled; who has returned it cannot.

The functions run in a context derived from the caller's. It ends with the decision, just before the tasks are
cancelled, so whoever shields himself can still see it. The caller stands in a scope of his own context: should that end
where nobody else would cancel him, he is cancelled here.

Invariants
----------
T1  Nothing is counted after the decision: ``won`` and ``failed`` stay as they are.
T2  When the crew is stopped, the context has ended; and there is no error before that.
"""

# The crew is asked for its invariants:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Literal, TypeVar, overload

from aiochan.context import Context, current_context
from aiochan.errors import Canceled, ContextError
from aiochan.groups.checks import check_count, check_functions, refuse_ended
from aiochan.groups.crew import Crew
from aiochan.groups.notes import name_others
from aiochan.raising import set_context

__all__ = ["all_of", "first_of", "last_of", "race"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


@overload
async def all_of(fn1: Callable[[], Awaitable[T1]], /, *, return_exceptions: Literal[False] = False) -> tuple[T1]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    /,
    *,
    return_exceptions: Literal[False] = False,
) -> tuple[T1, T2]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    fn3: Callable[[], Awaitable[T3]],
    /,
    *,
    return_exceptions: Literal[False] = False,
) -> tuple[T1, T2, T3]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    fn3: Callable[[], Awaitable[T3]],
    fn4: Callable[[], Awaitable[T4]],
    /,
    *,
    return_exceptions: Literal[False] = False,
) -> tuple[T1, T2, T3, T4]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    fn3: Callable[[], Awaitable[T3]],
    fn4: Callable[[], Awaitable[T4]],
    fn5: Callable[[], Awaitable[T5]],
    /,
    *,
    return_exceptions: Literal[False] = False,
) -> tuple[T1, T2, T3, T4, T5]: ...
@overload
async def all_of(*fns: Callable[[], Awaitable[T]], return_exceptions: Literal[False] = False) -> tuple[T, ...]: ...
@overload
async def all_of(fn1: Callable[[], Awaitable[T1]], /, *, return_exceptions: Literal[True]) -> tuple[T1 | Exception]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    /,
    *,
    return_exceptions: Literal[True],
) -> tuple[T1 | Exception, T2 | Exception]: ...
@overload
async def all_of(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[], Awaitable[T2]],
    fn3: Callable[[], Awaitable[T3]],
    /,
    *,
    return_exceptions: Literal[True],
) -> tuple[T1 | Exception, T2 | Exception, T3 | Exception]: ...
@overload
async def all_of(*fns: Callable[[], Awaitable[T]], return_exceptions: bool) -> tuple[T | Exception, ...]: ...
async def all_of(*fns: Callable[[], Awaitable[Any]], return_exceptions: bool = False) -> tuple[Any, ...]:
    """Run all the functions at the same time, and return their results in the order of the functions.

    The first error cancels the others; when they have ended, it is raised itself, with the others named in a note.

    Args:
        *fns: Functions without arguments that return something to await; for arguments there is ``functools.partial``.
            Without any, the answer is ``()``.
        return_exceptions: Let an error cancel nobody and stand in its place among the results.

    Raises:
        BaseException: The first error; also whatever a function raises when it is called.
        TypeError: One of `fns` is no function, or what it returns cannot be awaited.
        ContextError: The current context has ended.

    Cancellation: cancels the functions and goes on when all have ended.

    Follows ``All`` of the Go package hunch; with `return_exceptions`, ``All`` of gollback.
    """
    check_functions("all_of", fns)
    heat = await _together("all_of", fns, tolerant=return_exceptions)
    return tuple(task.result() if (error := _error_of(task)) is None else error for task in heat.tasks)


async def race(*fns: Callable[[], Awaitable[T]]) -> T:
    """Run all the functions at the same time, and return the result of the first one that succeeds.

    The others are cancelled, and awaited. An error does not end the race while there is somebody left to win it. Of two
    that succeed in one turn of the loop the one that ended first wins, and the other one's result is dropped.

    Args:
        *fns: Functions without arguments that return something to await; for arguments there is ``functools.partial``.

    Raises:
        BaseException: All have failed: the error that came last, with the others named in a note. Also whatever a
            function raises when it is called.
        ValueError: There are no functions.
        TypeError: One of `fns` is no function, or what it returns cannot be awaited.
        ContextError: The current context has ended.

    Cancellation: cancels the functions and goes on when all have ended; also if somebody has just won.

    Follows ``Race`` of the Go package gollback.
    """
    check_functions("race", fns)
    if not fns:
        raise ValueError("race() needs at least one function: of none, nobody can win")
    heat = await _together("race", fns, enough=1, tolerant=True)
    return heat.won[0].result()


async def first_of(n: int, *fns: Callable[[], Awaitable[T]]) -> list[T]:
    """Run all the functions at the same time, and return the results of the first `n` in the order in which they ended.

    The others are cancelled, and awaited. An error before that cancels everybody, and is raised.

    Args:
        n: How many results are wanted. With 0 nobody is started; more than there are functions means all.
        *fns: Functions without arguments that return something to await; for arguments there is ``functools.partial``.

    Raises:
        BaseException: The first error; also whatever a function raises when it is called.
        TypeError: `n` is no int; one of `fns` is no function, or what it returns cannot be awaited.
        ValueError: `n` is negative.
        ContextError: The current context has ended.

    Cancellation: cancels the functions and goes on when all have ended; also if `n` have just succeeded.

    Follows ``Take`` of the Go package hunch.
    """
    check_count("first_of", "n", n)
    check_functions("first_of", fns)
    if n == 0:
        return []
    heat = await _together("first_of", fns, enough=min(n, len(fns)))
    return [task.result() for task in heat.won]


async def last_of(n: int, *fns: Callable[[], Awaitable[T]]) -> list[T]:
    """Run all the functions to their end, and return the results of the last `n` in the order in which they ended.

    The first error cancels the others, and is raised when they have ended.

    Args:
        n: How many results are wanted; with 0 all are run all the same. More than there are functions means all.
        *fns: Functions without arguments that return something to await; for arguments there is ``functools.partial``.

    Raises:
        BaseException: The first error; also whatever a function raises when it is called.
        TypeError: `n` is no int; one of `fns` is no function, or what it returns cannot be awaited.
        ValueError: `n` is negative.
        ContextError: The current context has ended.

    Cancellation: cancels the functions and goes on when all have ended.

    Follows ``Last`` of the Go package hunch.
    """
    check_count("last_of", "n", n)
    check_functions("last_of", fns)
    heat = await _together("last_of", fns)
    return [task.result() for task in heat.won[max(0, len(heat.won) - n) :]]


async def _together(
    name: str, fns: Sequence[Callable[[], Awaitable[T]]], *, enough: int | None = None, tolerant: bool = False
) -> _Heat[T]:
    """Run the functions until the call is decided and nobody is at work; then raise what is to be raised.

    Args:
        name: What the call is called.
        fns: The functions.
        enough: How many successes decide; None: no number does.
        tolerant: Whether errors do not decide.
    """
    outer = current_context()
    refuse_ended(outer)
    heat: _Heat[T] = _Heat(name, outer.with_cancel(), enough, tolerant)
    cancelled = error = context = None
    try:
        async with outer.scope():
            heat.start(fns)
            try:
                await heat.crew.join(heat.stop)
            except asyncio.CancelledError as given:
                cancelled = given
            if (error := heat.verdict(cancelled)) is not None:
                context = error.__context__
                raise error
            return heat
    finally:
        heat.leave()
        if error is not None:
            set_context(error, context)  # what it was, not what our caller is busy with
        del heat, cancelled, error, context  # tracebacks lead here


class _Heat(Generic[T]):
    """One call: its tasks, and what has become of them.

    Attributes:
        crew: Who runs them.
        tasks: All, in the order of the functions.
        won: Those that succeeded before the decision, in the order in which they ended.
    """

    __slots__ = ("_ctx", "_enough", "_error", "_failed", "_late", "_name", "_over", "_tolerant", "crew", "tasks", "won")

    def __init__(self, name: str, ctx: Context, enough: int | None, tolerant: bool) -> None:
        self.crew = Crew(name, ctx, self._ended)
        self.tasks: list[asyncio.Task[T]] = []
        self.won: list[asyncio.Task[T]] = []
        self._name = name
        self._ctx = ctx
        self._enough = enough
        self._tolerant = tolerant
        self._over = False  # a task has said that our context is over
        self._error: BaseException | None = None  # which has decided
        self._failed: list[BaseException] = []  # errors that did not decide, in the order in which they came
        self._late: list[tuple[BaseException, asyncio.Task[T]]] = []  # errors after the decision, and whose

    def start(self, fns: Sequence[Callable[[], Awaitable[T]]]) -> None:
        """Start the functions one by one, unless eager ones decide it meanwhile."""
        for fn in fns:
            if self.crew.stopped:
                break
            try:
                self.tasks.append(self.crew.start(fn, ()))
            except BaseException as error:  # noqa: BLE001 - it is raised when those who were started have ended
                self._error = error
                self.stop()  # it is not the context's cause: its traceback leads here, and from here to the context

    def stop(self, cause: BaseException | None = None) -> None:
        """End the context and cancel everybody, once."""
        # In this order: a scope below the context cancels its task too. It has to ask before the task has heard of our
        # cancellation, so that both are one; or it would disturb the task a second time, while it cleans up.
        if not self.crew.stopped:
            try:
                self._ctx.cancel(cause)
            finally:  # it refuses when tasks of another thread wait for it
                self.crew.stop()

    def leave(self) -> None:
        """End the context, and be no part of a circle any more: who is at work knows us, to tell us of each end."""
        self.stop()
        if not self.crew.tasks:  # else our coroutine was closed, and nobody will wait for them
            del self.crew, self._ctx

    def _decide(self, error: BaseException) -> None:
        self._error = error
        self.stop(error)

    def _ended(self, task: asyncio.Task[T]) -> None:
        error = _error_of(task)
        if error is not None and not isinstance(error, Exception):
            self._decide(error)  # whatever was decided before
        elif isinstance(error, ContextError) and self._ctx.err() is not None and not self.crew.stopped:
            self._over = True  # no error of its own, which would go before a cancellation of our caller
            self.stop()
        elif self.crew.stopped:
            if error is not None and self._is_news(error, task):
                self._late.append((error, task))
        elif error is None:
            self.won.append(task)
            if len(self.won) == self._enough:
                self.stop()
        elif self._tolerant:
            self._failed.append(error)
        else:
            self._decide(error)

    def _is_news(self, error: BaseException, task: asyncio.Task[T]) -> bool:
        """Tell whether an error that came after the decision is to be heard."""
        if isinstance(error, ContextError):
            return False  # the way to say that one was cancelled
        by_itself = not task.cancelling()  # in the turn of the decision: a moment later it would not have happened
        return not (by_itself and (self._tolerant or len(self.won) == self._enough))

    def verdict(self, cancelled: asyncio.CancelledError | None) -> BaseException | None:
        """Take out what is to be raised, with a note on it about the others; if nothing is, see that all are heard.

        Args:
            cancelled: What our caller was cancelled with, if he was.
        """
        late = [error for error, _ in self._late]
        error: BaseException
        if self._error is not None:
            error = self._error
            name_others(error, f"later errors in {self._name}", late)
        elif cancelled is not None:
            error = late[0] if late else cancelled
            name_others(error, f"later errors in {self._name}", late[1:])
        elif self._over and (err := self._ctx.err()) is not None:
            error = type(err)(*err.args)
        elif self._enough is not None and len(self.won) < self._enough:
            error = self._failed[-1]
            name_others(error, f"earlier errors in {self._name}", self._failed[:-1])
        else:
            self._tell()
            return None
        self.tasks, self._failed, self._late, self._error = [], [], [], None  # the traceback leads to us
        return error

    def _tell(self) -> None:
        for error, task in self._late:
            message = f"{task.get_name()} has failed while it was cancelled, because {self._name}() was decided"
            self.crew.loop.call_exception_handler({"message": message, "exception": error, "task": task})
        self._late = []

    def _check(self) -> None:
        assert not self.crew.stopped or self._ctx.err() is not None, "T2: stopped, and the context goes on"
        assert self._error is None or self.crew.stopped, "T2: there is an error, and they go on"
        assert self._enough is None or len(self.won) <= self._enough, "T1: somebody was counted after the decision"
        self.crew._check()


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    """Return what a task has failed with; a task that was cancelled, and not by us, has failed with `Canceled`."""
    if not task.cancelled():
        return task.exception()
    canceled = Canceled(f"{task.get_name()} was cancelled")
    try:
        task.exception()
    except asyncio.CancelledError as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # without us, who would lead back
        canceled.__cause__ = error
    return canceled
