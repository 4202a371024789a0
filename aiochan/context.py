"""When to stop: a tree of contexts. Cancelling goes down the tree, never up.

Theory of operation
-------------------
A `Context` never changes: it is its parent and one thing more, a value or an end of its own. What changes is its
`_End`, which several contexts may share: one made by ``with_value`` ends when its parent does, so it has its parent's.
Below an end stand the ends derived from it, the scopes in which bodies run under it, and the calls that somebody wants
to be made (`after_func`); they stand there exactly as long as they are still to be told. `_End.finish` is where
something ends: first it marks all that is below, then it tells everybody, so nobody who is told can see a tree that has
ended in part. It walks along a list that grows, without recursion, so a tree may be as deep as it likes.

A `Scope` is the bridge to asyncio: it cancels the task. The accounting is that of ``asyncio.timeout``: a scope takes
back the one cancellation that it asked for, and turns it into the context's error only if no other is due. It asks
through the loop, never from within the task itself: asyncio 3.11 and 3.12 cannot take back a cancellation that a task
asked of itself and has not met yet (docs/design/0012).

A context belongs to the loop in which tasks wait for it, its *home*. An end first asks all that is below whether this
is their thread, so that everything ends or nothing. What a closed loop has left behind does not count.

Invariants
----------
C1  ``err`` is None until the end, and never changes afterwards; neither does ``cause``.
C2  What stands below an end has not ended, and ends no later than it does.
C3  What has ended has nobody below it, does not stand below anybody, has no timer, and its signal is closed.
"""

# Ends and contexts are looked into by those who make them:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import get_ident
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar, TypeVarTuple, overload

from aiochan.core import Signal
from aiochan.errors import Canceled, ContextError, DeadlineExceeded, MisuseError, WouldBlock, WrongLoop
from aiochan.loops import running_loop
from aiochan.seconds import check_seconds

__all__ = ["CURRENT", "Context", "Scope", "background", "current_context", "lasting_context", "todo", "variables"]

T = TypeVar("T")
D = TypeVar("D")
Ts = TypeVarTuple("Ts")


_Home: TypeAlias = "tuple[asyncio.AbstractEventLoop, int]"  # a loop and the thread that it runs in
_Values: TypeAlias = "tuple[object, object, _Values | None]"  # a key, its value, and those given before


class _Node:
    """What stands below an end: another end, or somebody to be told."""

    __slots__ = ("above", "below", "cause", "err", "home")

    above: _End | None
    below: dict[_Node, None]
    home: _Home | None  # whose tasks are to be told; None until one of them has shown itself
    err: ContextError | None
    cause: BaseException | None

    def join(self, above: _End | None) -> None:
        """Stand below an end; if that has come, it is ours too."""
        self.above = above
        self.err = self.cause = None
        if above is None:
            pass
        elif above.err is None:
            above.below[self] = None
        else:
            self.err, self.cause = above.err, above.cause

    def belong(self, loop: asyncio.AbstractEventLoop) -> None:
        """Be at home in the running loop, or stay at home in another one of this thread.

        Raises:
            WrongLoop: This, or what is above, is at home in another thread. With us below, it could not end any more.
        """
        nearest: _Node | None = self
        while nearest is not None and nearest.home is None:
            nearest = nearest.above
        if self.err is None and nearest is not None and _is_elsewhere(nearest.home):
            raise WrongLoop(
                "this context belongs to the event loop of another thread; make one inside each loop,"
                " or take what its without_cancel() returns"
            )
        if self.home is None or self.home[0].is_closed():
            self.home = loop, get_ident()

    def leave(self) -> None:
        """Stand below nobody any more."""
        if self.above is not None:
            self.above.below.pop(self, None)

    def check_thread(self) -> None:
        """Refuse to be told by another thread than that of the tasks, unless their loop is no more."""
        if _is_elsewhere(self.home):
            raise WrongLoop(
                "tasks of an event loop in another thread are to be told of the end of this context; "
                "end it there, for example with loop.call_soon_threadsafe(ctx.cancel)"
            )

    def tell(self) -> None:
        """Act on the end, which is marked already."""
        raise NotImplementedError


_NOBODY: Final[dict[_Node, None]] = {}  # below what has ended or never had anybody


class _End(_Node):
    """What can end."""

    __slots__ = ("deadline", "done", "timer")

    def __init__(self, above: _End | None) -> None:
        self.below = {}
        self.home = None
        self.done: Signal | None = None  # made when somebody asks for it
        self.timer: asyncio.TimerHandle | None = None
        self.deadline: float = math.inf if above is None else above.deadline
        self.join(above)

    def finish(self, err: ContextError, cause: BaseException | None) -> None:
        """End this and all that is below, unless it has ended before."""
        if self.err is not None:
            return
        if not self.below:  # as below, in fewer steps
            self.check_thread()
            self.leave()
            self.err, self.cause, self.below = err, cause, _NOBODY
            self.tell()
            return
        ending: list[_Node] = [self]
        for each in ending:  # it grows as we go
            each.check_thread()
            ending.extend(each.below)
        self.leave()
        for each in ending:
            each.err, each.cause, each.below = err, cause, _NOBODY
        refused: BaseException | None = None
        for each in ending:
            try:
                each.tell()
            except BaseException as error:  # noqa: BLE001 - who cannot be told must not keep the others from hearing it
                if refused is None or not isinstance(error, Exception):
                    refused = error
        if refused is not None:
            raise refused

    def finish_at(self, loop: asyncio.AbstractEventLoop, now: float, when: float, cause: BaseException | None) -> None:
        """End by itself at a time of the loop's clock, at once if that has come; never later than what is above."""
        if self.deadline <= when:
            return
        try:
            self.belong(loop)
        except WrongLoop:
            self.leave()  # it was never made
            raise
        self.deadline = when
        if when <= now:
            self.expire(cause)
        elif self.err is None:
            self.timer = loop.call_at(when, self.expire, cause)

    def expire(self, cause: BaseException | None) -> None:
        """End because the time has come."""
        self.finish(DeadlineExceeded("context deadline exceeded"), cause)

    def signal(self) -> Signal:
        """Return the signal that is closed at the end: the same at every call, for as long as its loop lives."""
        if self.err is None:
            if self.home is not None and self.home[0].is_closed():
                self.done = self.home = None  # and with it all who waited; a signal is of use in one loop only
            if (loop := running_loop()) is not None:
                self.belong(loop)
        if self.done is None:
            self.done = Signal("ctx.done()")
            if self.err is not None:
                self.done.close()
        return self.done

    def check_thread(self) -> None:
        """Refuse to be told by another thread than that of the tasks, unless their loop is no more."""
        super().check_thread()
        if self.home is None and self.done is not None:  # asked for where no loop ran: only it knows who waits
            with suppress(WouldBlock):
                self.done.recv_nowait()

    def tell(self) -> None:
        """Let go of the timer, and tell those who wait."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.done is not None:
            try:
                self.done.close()
            except WrongLoop:
                if self.home is None or not self.home[0].is_closed():
                    raise
                self.done = None  # its loop has gone, and all who waited; whoever asks now gets another one

    def _check(self) -> None:
        """Assert the invariants of this end, and of those right below it."""
        assert self.done is None or self.done.closed == (self.err is not None), "C3: the signal does not fit the end"
        assert self.err is None or not (self.below or self.timer), "C3: it has ended, and keeps somebody"
        assert self.err is None or self.above is None or self not in self.above.below, "C3: it has ended, and stays"
        for each in self.below:
            assert each.err is None and each.above is self, "C2: somebody stands below who does not belong there"
            assert not isinstance(each, _End) or each.deadline <= self.deadline, "C2: it ends later than its parent"

    def _snapshot(self) -> object:
        below = tuple(each._snapshot() for each in self.below if isinstance(each, _End))
        signal = None if self.done is None else self.done._snapshot()
        return type(self.err), type(self.cause), signal, self.timer is None, len(self.below), below


class _Call(_Node):
    """A function to be called once a context has ended."""

    __slots__ = ("context", "fn", "loop", "stopped")

    def __init__(self, end: _End | None, fn: Callable[[], object]) -> None:
        self.below = _NOBODY
        self.loop = _need_loop("which is to make the call")
        if end is not None:
            end.belong(self.loop)
        self.home = self.loop, get_ident()
        self.fn = fn
        self.context = variables(lasting_context())  # it is called when the current one may have ended
        self.stopped = False
        self.join(end)
        if self.err is not None:
            self.tell()

    def tell(self) -> None:
        """Have the function called in the next turn."""
        if not self.loop.is_closed():
            self.loop.call_soon(self.fn, context=self.context)

    def stop(self) -> bool:
        """Do not call the function any more; return whether that was still to happen."""
        if self.stopped or self.err is not None:
            return False
        self.stopped = True
        self.leave()
        return True


class Context:
    """Tell a call tree when to stop, and carry what belongs to one request down it.

    Made by `background`, `todo` and the ``with_`` methods. A derived context ends when its parent does, or before::

        with ac.background().with_timeout(5.0) as ctx:
            async with ctx.scope():
                ...                                  # is cancelled after five seconds, and DeadlineExceeded raised

        match await ac.select(ac.recv(jobs), ac.recv(ctx.done())):
            case 0, job: ...
            case 1, _: return

    A context belongs to the event loop in which tasks wait for it.

    Follows Go's ``context.Context``.
    """

    __slots__ = ("__weakref__", "_end", "_entered", "_given", "_own", "_parent", "_step", "_values")

    _parent: Context | None
    _step: str  # how it was derived, for `repr`
    _given: object  # what with: the time, or the key of the value
    _end: _End | None  # None: it never ends
    _own: bool  # whether it has an end that is not its parent's
    _values: _Values | None  # of its line, the nearest first
    _entered: Context | None  # what a `with` on it has made

    def __init__(self) -> None:
        raise TypeError("a Context is made by background() or todo(), and by the with_ methods of another one")

    # -- deriving

    def with_cancel(self) -> Context:
        """Derive a context that can be cancelled.

        Follows Go's ``context.WithCancel``; cancel it when it is no longer needed, best with ``with``.
        """
        return _derive(self, "with_cancel", _End(self._end), own=True)

    def with_timeout(self, seconds: float, *, cause: BaseException | None = None) -> Context:
        """Derive a context that ends after some time, with DeadlineExceeded.

        Args:
            seconds: How long; infinite for never, and with nothing left (0 or less) it has ended already.
            cause: What `cause` tells if the time runs out; by default the DeadlineExceeded.

        Raises:
            TypeError: `seconds` is no number, or `cause` no exception.
            ValueError: `seconds` is not a number (nan).
            MisuseError: No event loop is running, by whose clock it could go.

        Follows Go's ``context.WithTimeout`` and ``WithTimeoutCause``.
        """
        seconds = check_seconds("seconds", seconds)
        loop = _need_loop("by whose clock with_timeout() goes")
        now = loop.time()
        return self._ending("with_timeout", seconds, loop, now, now + seconds, cause)

    def with_deadline(self, when: float, *, cause: BaseException | None = None) -> Context:
        """Derive a context that ends at a time, with DeadlineExceeded; at its parent's deadline if that is earlier.

        Args:
            when: In seconds, by the clock of the running loop (``loop.time()``); infinite for never.
            cause: What `cause` tells if the time comes; by default the DeadlineExceeded.

        Raises:
            TypeError: `when` is no number, or `cause` no exception.
            ValueError: `when` is not a number (nan).
            MisuseError: No event loop is running, by whose clock it could go.

        Follows Go's ``context.WithDeadline`` and ``WithDeadlineCause``.
        """
        when = check_seconds("when", when)
        loop = _need_loop("by whose clock with_deadline() goes")
        return self._ending("with_deadline", when, loop, loop.time(), when, cause)

    def _ending(
        self,
        step: str,
        given: float,
        loop: asyncio.AbstractEventLoop,
        now: float,
        when: float,
        cause: BaseException | None,
    ) -> Context:
        if cause is not None:
            _check_cause(cause)
        ctx = _derive(self, step, end := _End(self._end), given, own=True)
        end.finish_at(loop, now, when, cause)
        return ctx

    @overload
    def with_value(self, key: type[T], value: T) -> Context: ...
    @overload
    def with_value(self, key: object, value: object) -> Context: ...
    def with_value(self, key: object, value: object) -> Context:
        """Derive a context that carries a value, for what belongs to a request and not for arguments.

        Args:
            key: Compared by equality. A class of your own cannot clash with anybody's, and tells type checkers what
                `value` returns: ``ctx.with_value(User, user)``.
            value: Anything.

        Raises:
            TypeError: `key` is None.

        Follows Go's ``context.WithValue``.
        """
        if key is None:
            raise TypeError("with_value() needs a key that is not None: best a class of your own")
        ctx = _derive(self, "with_value", self._end, key)
        ctx._values = key, value, self._values
        return ctx

    def without_cancel(self) -> Context:
        """Derive a context with the same values that goes on when this one ends, and has no deadline.

        Follows Go's ``context.WithoutCancel``.
        """
        return _derive(self, "without_cancel", None)

    # -- ending

    def cancel(self, cause: BaseException | None = None) -> None:
        """End this context and all that were derived from it; nothing happens if it has ended.

        Args:
            cause: What `cause` tells; by default the Canceled that `err` tells.

        Raises:
            TypeError: `cause` is no exception.
            MisuseError: It has no end of its own: it was made by `background`, `todo`, `with_value` or
                `without_cancel`.
            WrongLoop: Tasks of a loop in another thread wait for it; nothing has ended.

        Follows the ``cancel`` that Go's ``context.WithCancelCause`` returns.
        """
        if cause is not None:
            _check_cause(cause)
        if self._end is None or not self._own:
            raise MisuseError(f"{self!r} cannot be cancelled, as in Go; cancel what its with_cancel() returns")
        self._end.finish(Canceled("context canceled"), cause)

    def __enter__(self) -> Context:
        if self._own:
            return self
        if self._parent is None:
            raise MisuseError(f"{self!r} never ends; use: with ctx.with_cancel() as ctx")
        if self._entered is not None:
            raise MisuseError(f"{self!r} was entered already; each `with` needs a context of its own")
        self._entered = self.with_cancel()
        return self._entered

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        ctx, self._entered = self._entered or self, None
        ctx.cancel()

    # -- looking

    def done(self) -> Signal:
        """Return the signal that is closed when this context ends.

        To wait for it: ``await ctx.done().wait()``, or ``recv(ctx.done())`` in a select.

        It is the same at every call; only when the loop that it was used in is closed, the next call makes a new one.
        Of a context that never ends it is a new one each time, which nobody will close.

        Raises:
            WrongLoop: The context belongs to the event loop of another thread.

        Follows Go's ``ctx.Done``.
        """
        return Signal("ctx.done() of a context that never ends") if self._end is None else self._end.signal()

    def err(self) -> ContextError | None:
        """Return why it has ended, Canceled or DeadlineExceeded; None before.

        Follows Go's ``ctx.Err``.
        """
        return None if self._end is None else self._end.err

    def cause(self) -> BaseException | None:
        """Return what was given as the cause of the end, to this context or to the one above that ended first.

        Without one it is the same as `err`. Follows Go's ``context.Cause``.
        """
        return None if self._end is None else self._end.err if self._end.cause is None else self._end.cause

    def deadline(self) -> float | None:
        """Return the time, by the loop's clock in seconds, at which it ends by itself; None if there is none.

        Follows Go's ``ctx.Deadline``.
        """
        deadline = math.inf if self._end is None else self._end.deadline
        return None if deadline == math.inf else deadline

    @overload
    def value(self, key: type[T]) -> T | None: ...
    @overload
    def value(self, key: type[T], default: D) -> T | D: ...
    @overload
    def value(self, key: object, default: object = None) -> Any: ...
    def value(self, key: object, default: object = None) -> Any:
        """Return the value that was given for `key`, to this context or to the nearest one above.

        Args:
            key: As it was given to `with_value`.
            default: What is returned when there is none.

        Follows Go's ``ctx.Value``.
        """
        values = self._values
        while values is not None:
            given, value, values = values
            if given is key or given == key:
                return value
        return default

    # -- stopping what runs

    def after_func(self, fn: Callable[[], object]) -> Callable[[], bool]:
        """Have a function called soon after this context has ended, by the running loop and with the variables of now.

        Its current context is the one of now without its end, so that it may wait for something.

        Args:
            fn: A plain function without arguments. To run a coroutine function, pass ``lambda: ac.go(fn)``.

        Returns:
            A function that takes it back. It returns False if that was too late, or was done before.

        Raises:
            TypeError: `fn` is a coroutine function, or cannot be called.
            MisuseError: No event loop is running.

        Follows Go's ``context.AfterFunc``.
        """
        if not _is_plain(fn):
            raise TypeError(f"after_func() takes a plain function, not {fn!r}; for a task, pass lambda: ac.go(fn)")
        return _Call(self._end, fn).stop

    def scope(self) -> Scope:
        """Return what runs a body under this context: ``async with ctx.scope():``.

        When the context ends, the body is cancelled and leaving raises a Canceled or DeadlineExceeded as `err` tells.
        Everything else is as with ``asyncio.timeout``: whoever cancels the task gets CancelledError, an error of the
        body goes on as it is, and of several around one body the outermost that has ended speaks. A body that never
        waits is not disturbed. Inside, `current_context` is this context, and so it is in tasks that are started there.

        Cancellation: goes on; the context is not ended by it.
        """
        return Scope(self)

    async def run(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Run ``await fn(*args)`` in a `scope` of this context, and return what it returns.

        Raises:
            TypeError: `fn` is no function, or what it returns cannot be awaited.
            Canceled: The context was cancelled, and the call with it.
            DeadlineExceeded: Its time ran out.

        Cancellation: goes on to `fn`.
        """
        if not callable(fn):
            if asyncio.iscoroutine(fn):
                fn.close()  # nobody will await it
            raise TypeError(f"run() takes a function and its arguments, not {fn!r}; write ctx.run(fn, arg)")
        async with Scope(self):
            made = fn(*args)
            if not inspect.isawaitable(made):
                raise TypeError(f"{fn!r} must return an awaitable, not {made!r}; pass a coroutine function")
            return await made

    def __repr__(self) -> str:
        steps, ctx = list[str](), self
        while ctx._parent is not None:
            steps.append(ctx._step if ctx._given is None else f"{ctx._step}({_words(ctx._given)})")
            ctx = ctx._parent
        steps.append(ctx._step)
        if len(steps) > 20:
            steps[5:-5] = [f"({len(steps) - 10} more)"]
        return f"<Context {'.'.join(reversed(steps))}, {self.err() or 'open'}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it belongs to one event loop")

    def _check(self) -> None:
        if self._end is not None:
            self._end._check()

    def _snapshot(self) -> object:
        return None if self._end is None else self._end._snapshot()


# How far a scope is, in the words of its `repr`.
NEW, INSIDE, CANCELLED, LEFT = "not entered", "entered", "its task was cancelled by it", "left"


class Scope(_Node):
    """Run a body that is cancelled when a context ends; made by ``ctx.scope()``, for one ``async with``."""

    __slots__ = ("_cancelling", "_ctx", "_outer", "_state", "_task")

    _task: asyncio.Task[Any] | None
    _cancelling: int  # how many cancellations of the task were due before we came
    _outer: Context

    def __init__(self, ctx: Context) -> None:
        self.below = _NOBODY
        self._ctx = ctx
        self._state = NEW

    async def __aenter__(self) -> Context:
        """Enter; `current_context` is the context from here on.

        Raises:
            MisuseError: It was entered before, or not by a task.

        Cancellation: never waits.
        """
        if self._state is not NEW:
            raise MisuseError(f"a scope can be entered once: {self!r}; make another one with ctx.scope()")
        loop = _need_loop("whose task could enter a scope")
        self._task = task = asyncio.current_task(loop)
        if task is None:
            raise MisuseError("a scope is entered by a task, which it can cancel; there is none here")
        if (end := self._ctx._end) is not None and (end.home is None or end.home[0] is not loop):
            end.belong(loop)
        self.home = loop, get_ident()
        self._cancelling = task.cancelling()
        self._outer = CURRENT.get()
        self._state = INSIDE
        CURRENT.set(self._ctx)
        self.join(end)
        if self.err is not None:
            self.tell()
        return self._ctx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Leave, and raise the context's error if it was its end that cancelled the body.

        Cancellation: never waits.
        """
        ended = self.leave_with(error)
        if ended is not None:
            cause = self._ctx.cause()
            try:
                raise ended from error if cause is self._ctx.err() else cause
            finally:
                del ended  # its traceback has this frame, which must not lead back to it

    def leave_with(self, error: BaseException | None) -> ContextError | None:
        """Leave with what the body has raised; return the error to be raised instead of that, if any.

        Raises:
            MisuseError: It was not entered, or left before.
        """
        asked = self._state is CANCELLED
        if not asked and self._state is not INSIDE:
            raise MisuseError(f"a scope is left once, by whoever has entered it: {self!r}")
        self._state = LEFT
        if CURRENT.get() is self._ctx:  # an async generator may be closed where another context is current
            CURRENT.set(self._outer)
        self.leave()
        task, self._task = self._task, None
        due = task.uncancel() if asked and task is not None else math.inf
        return self.error() if due <= self._cancelling and isinstance(error, asyncio.CancelledError) else None

    def error(self) -> ContextError | None:
        """Make an error that says why the context has ended; a new one, whose traceback is nobody else's."""
        err = self._ctx.err()
        return None if err is None else type(err)(*err.args)

    def tell(self) -> None:
        """Have the task cancelled in the next turn."""
        assert self.home is not None
        if not self.home[0].is_closed():
            self.home[0].call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._state is INSIDE and self._task is not None:
            self._state = CANCELLED
            self._task.cancel()

    def __repr__(self) -> str:
        return f"<Scope of {self._ctx!r}, {self._state}>"


def _derive(parent: Context | None, step: str, end: _End | None, given: object = None, *, own: bool = False) -> Context:
    ctx = Context.__new__(Context)
    ctx._parent = parent
    ctx._step = step
    ctx._given = given
    ctx._end = end
    ctx._own = own
    ctx._values = None if parent is None else parent._values
    ctx._entered = None
    return ctx


def _words(given: object) -> str:
    return given.__name__ if isinstance(given, type) else f"{given:g}" if isinstance(given, float) else repr(given)


_BACKGROUND: Final = _derive(None, "background", None)
_TODO: Final = _derive(None, "todo", None)
# What `current_context` is, for groups, which ask at every task and know that they are in its thread.
CURRENT = contextvars.ContextVar("aiochan.current_context", default=_BACKGROUND)


def background() -> Context:
    """Return the root of all contexts: it never ends and carries nothing.

    Follows Go's ``context.Background``.
    """
    return _BACKGROUND


def todo() -> Context:
    """Return a root for where it is not clear yet which context to use; as `background`, but it says so.

    Follows Go's ``context.TODO``.
    """
    return _TODO


def current_context() -> Context:
    """Return the context of the nearest `Context.scope` or group around this code; else `background`.

    In an event loop that another thread runs beside that of the scope or group, as with
    ``asyncio.to_thread(asyncio.run, ...)``, it is what that context's `Context.without_cancel` returns.
    """
    ctx = CURRENT.get()
    end = ctx._end
    if end is not None and end.home is not None and _is_elsewhere(end.home) and running_loop() is not None:
        return ctx.without_cancel()
    return ctx


def lasting_context() -> Context:
    """Return the current context without its end: for what is to outlast it."""
    ctx = CURRENT.get()
    return ctx if ctx._end is None else ctx.without_cancel()


def variables(ctx: Context) -> contextvars.Context:
    """Copy the context variables of the caller, with `ctx` as the current context: for the tasks of a group."""
    if ctx._end is not None and (loop := running_loop()) is not None:
        ctx._end.belong(loop)
    copied = contextvars.copy_context()
    copied.run(CURRENT.set, ctx)
    return copied


def _is_elsewhere(home: _Home | None) -> bool:
    """Tell whether this is the loop of another thread; one that was closed is nowhere."""
    return home is not None and home[1] != get_ident() and not home[0].is_closed()


def _need_loop(what_for: str) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()  # and not running_loop(): each scope asks
    except RuntimeError:
        raise MisuseError(f"there is no running event loop, {what_for}") from None


def _check_cause(cause: object) -> None:
    if not isinstance(cause, BaseException):
        raise TypeError(f"the cause of an end must be an exception or None, not {cause!r}")


def _is_plain(fn: object) -> bool:
    return callable(fn) and not (inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(type(fn).__call__))
