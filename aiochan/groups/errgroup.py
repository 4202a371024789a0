"""Tasks that work on one thing: the first error stops the others, and whoever started them hears of it.

Theory of operation
-------------------
An `ErrGroup` is three things put together. Its `Crew` starts the tasks and waits for them; its `Places`, if there is a
limit, say who may run; its context says when to stop. A group ends in one way only, `_end`: the context is cancelled,
then the tasks, and the context's scope, in which the body stands, cancels the body. What calls it: the first error, a
body that was cancelled or is left with an error, and the end of the context itself, whoever caused that.

The scope is left last, after the tasks. So the cancellation that it asked for, met in the body or while waiting for the
tasks, is always told from one that came from outside, by the same accounting as in ``asyncio.timeout``.

Invariants
----------
G1  Once the context has ended, nobody starts any more; once over, everybody is being cancelled besides.
G2  With errors="first" or "all", a group that has an error is over.
G3  A group that was left has no tasks, its context has ended, and it does not keep the error that it raised.
"""

# The parts of a group are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self, SupportsIndex, TypeAlias, TypeVar, TypeVarTuple, get_args

from aiochan.context import Context, background, current_context
from aiochan.errors import ContextError, DeadlineExceeded, MisuseError
from aiochan.groups.crew import BodyScope, Crew
from aiochan.groups.notes import name_others
from aiochan.groups.places import Places, whole
from aiochan.raising import raise_as_it_was, set_context

__all__ = ["ErrGroup", "Errors"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Errors: TypeAlias = Literal["first", "all", "collect"]
_Failures: TypeAlias = "dict[int, tuple[BaseException, TracebackType | None]]"  # by id: one error may come twice

_ERRORS = get_args(Errors)


class ErrGroup:
    """Run tasks that work on one thing, wait for all of them, and raise the first error.

        async with ac.ErrGroup(limit=10) as g:
            for url in urls:
                g.go(fetch, url)

    The first error, of a task or of the body, cancels `ctx`, the other tasks and the body; leaving waits until all have
    ended and raises that error itself. A task that is cancelled by itself is no error. Is the body cancelled from
    outside, so are the tasks, and the CancelledError goes on when they have ended; errors that they raise then go
    before it. Does the context end, so does the group, and leaving raises Canceled or DeadlineExceeded unless there
    were errors. Leaving in peace cancels `ctx`, too.

    Args:
        ctx: The context above; by default the current one. In the tasks and in the body, the group's own `ctx` below it
            is the current one.
        limit: How many tasks may run beside each other; None for any number.
        errors: What becomes of errors. "first": as above; those that come after the first are in `errors`, and a note
            on the first names them. "all": the same, but leaving raises them all in one ExceptionGroup. "collect": an
            error stops nobody; leaving raises an ExceptionGroup of all. What is no Exception, as KeyboardInterrupt,
            always stops the others, and is raised alone.
        name: Shown in ``repr`` and in the names of the tasks.

    Raises:
        TypeError: `limit` is no whole number, `ctx` no context, or `name` no string.
        ValueError: `limit` is less than 1, or `errors` none of the three.

    Follows golang.org/x/sync/errgroup; body errors and cancellation from outside are as in ``asyncio.TaskGroup``.
    """

    __slots__ = (
        "__weakref__",
        "_crew",
        "_ctx",
        "_errors",
        "_failures",
        "_later",
        "_limit",
        "_name",
        "_over",
        "_parent",
        "_places",
        "_scope",
        "_told",
    )

    _ctx: Context

    def __init__(
        self,
        ctx: Context | None = None,
        *,
        limit: SupportsIndex | None = None,
        errors: Errors = "first",
        name: str | None = None,
    ) -> None:
        _check_arguments(ctx, errors, name)
        self._parent = ctx
        self._limit = None if limit is None else whole(limit)
        self._errors: Errors = errors
        self._name = name
        self._crew: Crew | None = None
        self._scope: BodyScope | None = None
        self._places: Places | None = None
        self._over = False
        self._failures: _Failures = {}
        self._told: ExceptionGroup | None = None
        self._later: tuple[BaseException, ...] | None = None  # not None: it was left

    # -- starting

    def go(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> asyncio.Task[T]:
        """Start ``fn(*args)`` as a task of the group.

        Beyond the limit the task waits in line, and calls `fn` when it has a place. In a group that is over, the task
        is being cancelled already, and `fn` is not called.

        Args:
            fn: A coroutine function, or any other that returns an awaitable.
            *args: What it is called with.

        Returns:
            The task: to look at, to cancel, or to await for its result. The group waits for it in any case.

        Raises:
            TypeError: `fn` cannot be called, or what it returned cannot be awaited. What `fn` raises when it is called,
                not awaited, comes from here, too; from a task that waited in line, it is the task's.
            MisuseError: The group has not been entered, or was left.
            WrongLoop: The group belongs to another loop or thread.

        Follows ``Group.Go``, which waits when the limit is reached; that is `submit`.
        """
        crew, places = self._crew, self._places
        if crew is None:
            raise self._closed_to("go")
        if places is None or crew.closed:
            return crew.start(fn, args)
        crew.check_loop()
        return places.start(fn, args) if places.take() else places.queue(fn, args)

    async def submit(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> asyncio.Task[T]:
        """Wait for a place, then start ``fn(*args)`` as a task of the group.

        Callers stand in the same line as the tasks of `go`. A group without a limit has a place at any time. A task of
        the group that waits here keeps its own place meanwhile.

        Returns:
            The task, as from `go`.

        Raises:
            TypeError: As in `go`.
            MisuseError: The group has not been entered, or was left.
            WrongLoop: The group belongs to another loop or thread.

        Cancellation: starts nothing; a place that was promised already goes on to the next in line.

        Follows ``Group.Go``.
        """
        crew, places = self._crew, self._places
        if crew is None:
            raise self._closed_to("submit")
        crew.check_loop()
        if places is None or crew.closed or places.free:
            return self.go(fn, *args)
        placed = await places.wait()
        try:
            return places.start(fn, args) if placed else crew.start(fn, args)
        finally:
            crew.arrived()

    def try_go(self, fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> bool:
        """Start ``fn(*args)`` if there is a place for it right now.

        Returns:
            Whether it was started; never in a group that is over.

        Raises:
            TypeError: As in `go`.
            MisuseError: The group has not been entered, or was left.
            WrongLoop: The group belongs to another loop or thread.

        Follows ``Group.TryGo``.
        """
        crew, places = self._crew, self._places
        if crew is None:
            raise self._closed_to("try_go")
        crew.check_loop()
        if crew.closed or (places is not None and not places.free):
            return False
        _ = self.go(fn, *args)
        return True

    # -- waiting

    async def wait(self) -> None:
        """Wait until no task is left, and raise what leaving would raise now; may be called again, and by several.

        It does not end the group: leaving does that, whether or not anybody has waited.

        Raises:
            MisuseError: The group has not been entered, or was left; or one of its own tasks asks.
            Canceled: The group is over, and not for an error; or DeadlineExceeded.
            Exception: The first error, or an ExceptionGroup of all.

        Cancellation: of the body, cancels the group once it is left. Of another task: changes nothing.

        Follows ``Group.Wait``, of which it is one half.
        """
        crew, failures = self._crew, self._failures
        if crew is None:
            raise self._closed_to("wait")
        await crew.idle()
        failure, trace = self._verdict(failures)
        if failure is None and self._over and (err := self._ctx.err()) is not None:
            failure = type(err)(*err.args)
        try:
            if failure is not None:
                raise_as_it_was(failure, trace)
        finally:
            del crew, failure, trace, failures  # the traceback leads here

    @property
    def ctx(self) -> Context:
        """The context of the group, which ends with the first error, and when the group is left.

        Its cause is the first error. A group that was left does not keep that, but an ended context without a cause;
        whoever has asked for the context before has the cause, too.

        Raises:
            MisuseError: The group has not been entered.
        """
        if self._crew is None and self._later is None:
            raise MisuseError(f"{self!r} has a context once it is entered: async with ErrGroup() as g")
        return self._ctx

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """The errors so far that leaving does not raise by itself: with errors="first", those after the first.

        Otherwise all; after leaving they are in the ExceptionGroup, and no longer here.
        """
        if self._later is not None:
            return self._later
        failures = tuple(failure for failure, _ in self._failures.values())
        return failures[1:] if self._errors == "first" else failures

    # -- entering and leaving

    async def __aenter__(self) -> Self:
        if self._crew is not None or self._later is not None:
            raise MisuseError(f"{self!r} was entered before; make a group for each async with")
        self._ctx = ctx = (current_context() if self._parent is None else self._parent).with_cancel()
        scope = BodyScope(ctx, self._close, self._end)
        try:
            await scope.__aenter__()
        except BaseException:
            ctx.cancel()  # it would stand below its parent for ever
            raise
        self._scope = scope
        self._crew = crew = Crew(self._name or "ErrGroup", ctx, self._task_ended)
        if self._limit is not None:
            self._places = Places(crew, self._limit)
        if ctx.err() is not None:  # the one above had ended
            self._end()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        crew, scope = self._crew, self._scope
        assert crew is not None and scope is not None, "the body stands in between"
        scope.body_is_over = True
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        outcome = trace = context = None
        try:
            if cancelled is not None:
                self._end()
            elif error is not None:
                for task in [task for task in crew.tasks if task.done() and not task.cancelled()]:
                    if (earlier := task.exception()) is not None:  # its callback is still to come
                        self._failed(earlier)
                self._failed(error)
            try:
                if crew.tasks or crew.expected:
                    await crew.join(self._end)
            except asyncio.CancelledError as late:
                cancelled = cancelled or late
            finally:
                outcome, trace = self._leave(cancelled, error)
            if outcome is not None and outcome is not error:
                context = outcome.__context__
                raise outcome.with_traceback(trace)
        finally:
            if outcome is not None and outcome is not error:
                set_context(outcome, context)  # what it was, not what became of the body
            del crew, scope, error, tb, cancelled, outcome, trace, context  # tracebacks lead here

    def _leave(
        self, cancelled: asyncio.CancelledError | None, error: BaseException | None
    ) -> tuple[BaseException | None, TracebackType | None]:
        """Close the group behind its last task, and find what is to be raised."""
        crew, scope, ended = self._crew, self._scope, self._ctx.err()
        assert crew is not None and scope is not None
        if crew.tasks:  # left in a hurry: the body's coroutine was closed
            self._end()
        ours = scope.leave_with(cancelled)
        outcome, trace = self._verdict(self._failures)
        if outcome is not None:
            self._later = tuple(later for later, _ in self._failures.values()) if self._errors == "first" else ()
            self._later = tuple(later for later in self._later if later is not outcome)
            name_others(outcome, f"later errors in {self._title()}", self._later)
        elif cancelled is not None and ours is None:
            outcome = cancelled
        elif isinstance(error, ContextError) and ended is not None:
            outcome = error
        elif ended is not None and (outcome := ours or scope.error()) is not None:
            cause = self._ctx.cause()
            outcome.__cause__ = cancelled if cause is ended else cause
        self._later = self._later or ()
        self._failures, self._told = {}, None
        self._crew = self._scope = self._places = self._parent = None
        self._ctx.cancel()
        if self._ctx.cause() is not (err := self._ctx.err()):
            self._ctx = _ended(by_deadline=isinstance(err, DeadlineExceeded))  # a cause leads to frames, and those here
        return outcome, trace

    # -- what becomes of it

    def _end(self, cause: BaseException | None = None) -> None:
        """End the group: cancel its context, its tasks and, through the context's scope, its body."""
        crew = self._crew
        if self._over or crew is None:
            return
        self._over = True
        try:
            self._ctx.cancel(cause)
        finally:  # it refuses when tasks of another thread wait for it
            self._close()
            crew.stop()

    def _close(self) -> None:
        """Let nobody start any more."""
        if self._crew is not None:
            self._crew.close()
        if self._places is not None:
            self._places.close()

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
        if self._places is not None:
            self._places.left(task)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, ContextError) and self._ctx.err() is not None:
            return  # the way in which a task says that it was cancelled
        if error is self._told:
            return  # what wait() has raised in the body
        self._failures.setdefault(id(error), (error, error.__traceback__))
        if self._errors != "collect" or not isinstance(error, Exception):
            self._end(error)

    def _verdict(self, failures: _Failures) -> tuple[BaseException | None, TracebackType | None]:
        """Find the error to be raised, and its own traceback."""
        if not failures:
            return None, None
        errors: list[Exception] = []
        for failure, trace in failures.values():
            if not isinstance(failure, Exception):
                return failure, trace
            errors.append(failure)
        if self._errors == "first":
            return next(iter(failures.values()))
        if self._told is None or len(self._told.exceptions) != len(errors):
            self._told = ExceptionGroup(f"{self._title()} failed", errors)
        return self._told, None

    def _closed_to(self, doing: str, owner: object = None) -> MisuseError:
        when = "has not been entered; use it inside of: async with" if self._later is None else "was left"
        return MisuseError(f"cannot {doing}: {self if owner is None else owner!r} {when}")

    # -- looking

    def _title(self) -> str:
        return "ErrGroup" if self._name is None else f"ErrGroup {self._name!r}"

    def __repr__(self) -> str:
        title = f"ErrGroup at {id(self):#x}" if self._name is None else self._title()
        if self._crew is None:
            return f"<{title} {'not entered' if self._later is None else 'left'}>"
        tasks, line = len(self._crew.tasks), () if self._places is None else self._places.line.items()
        running = tasks - sum(who is not turn for who, turn in line)
        queued = "" if self._limit is None else f" {len(line)} queued"
        return f"<{title} {running} running{queued}{', over' if self._over else ''}>"

    def _check(self) -> None:
        assert not self._failures or self._over or self._errors == "collect", "G2: it has an error and goes on"
        if self._crew is not None:
            assert not self._over or (self._ctx.err() is not None and self._crew.stopped), "G1: over, and goes on"
            assert self._crew.closed or self._ctx.err() is None, "G1: ended, and still starts"
            self._crew._check()
        elif self._later is not None:
            assert self._ctx.err() is not None, "G3: it was left, and its context goes on"
            assert not self._failures, "G3: it was left, and keeps its errors"
        if self._places is not None:
            self._places._check()

    def _snapshot(self) -> object:
        crew = None if self._crew is None else self._crew._snapshot()
        places = None if self._places is None else self._places._snapshot()
        ctx = None if crew is None else self._ctx._snapshot()
        failures = tuple(failure for failure, _ in self._failures.values())
        return crew, places, ctx, self._over, failures, self._told, self._later, self._scope


def _ended(*, by_deadline: bool) -> Context:
    """Make a context that has ended for no particular cause."""
    ctx = background().with_timeout(0) if by_deadline else background().with_cancel()
    ctx.cancel()
    return ctx


def _check_arguments(ctx: object, errors: object, name: object) -> None:
    if ctx is not None and not isinstance(ctx, Context):
        raise TypeError(f"ctx must be a Context or None, not {ctx!r}")
    if errors not in _ERRORS:
        raise ValueError(f"errors must be 'first', 'all' or 'collect', not {errors!r}")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, not {name!r}")
