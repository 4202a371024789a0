"""Run something once, however many ask for it.

Theory of operation
-------------------
What callers share is a *round*: not begun, running, or done with its outcome. Who finds it not begun runs the function,
as part of itself; the others stand in line, and each keeps the round that it waits for. When it is done, all are woken
and read its outcome there. When its runner was interrupted, it is handed to the next in line: that round stays running,
so that nobody can slip in, and whoever is woken then and finds it not done has the turn. `reset` puts a new round in
place of one that is done. Those who have not read the old one yet still have it.

Invariants
----------
O1  A round that is done runs nothing, and never changes again.
O2  Somebody sleeps only while the round is running.
O3  The turn is never lost: a round that is running has a runner, or was handed to one who has been woken.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar, TypeVarTuple

from aiochan.calling import call, check_callable
from aiochan.errors import MisuseError
from aiochan.raising import raise_as_it_was
from aiochan.sync.primitive import Line, Primitive

__all__ = ["Once", "OnceValue"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Round:
    """One run of the function, from before it begins until everybody has read its outcome."""

    __slots__ = ("done", "error", "runner", "running", "trace", "value")

    def __init__(self) -> None:
        self.running = self.done = False
        self.runner: asyncio.Task[Any] | None = None  # none while it is on its way to the next
        self.value: Any = None
        self.error: Exception | None = None
        self.trace: TracebackType | None = None  # where it happened

    def end(self, value: Any, error: Exception | None) -> None:
        """Be done, with a value or with an error that `_run` has caught."""
        self.running, self.done, self.runner = False, True, None
        self.value, self.error = value, error
        self.trace = None if error is None else error.__traceback__

    def outcome(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        try:
            if self.error is not None:
                raise_as_it_was(self.error, self.trace)
            return self.value
        finally:
            del self  # the traceback leads here, and from here to the error


class _RunOnce(Primitive):
    """What `Once` and `OnceValue` are."""

    __slots__ = ("_line", "_retry", "_round")

    _keeps_value = False

    def __init__(self, *, retry: bool = False, name: str | None = None) -> None:
        super().__init__(name)
        if not isinstance(retry, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"retry of a {type(self).__name__} is True or False, not {retry!r}")
        self._retry = retry
        self._round = _Round()
        self._line: Line[None] = Line(self)

    @property
    def done(self) -> bool:
        """Whether the function has been run: False before, and while it is running."""
        return self._round.done

    @property
    def waiters(self) -> int:
        """How many tasks sleep until it is done."""
        return len(self._line)

    def reset(self) -> None:
        """Let the next one who asks run the function again. Nothing if it has not been run.

        Raises:
            MisuseError: It is running; wait until it is done, or make another one.
        """
        if self._round.running:
            raise MisuseError(f"cannot reset {self!r} while it runs; wait until it is done, or make another one")
        self._round = _Round()

    # -- inside

    async def _run(self, fn: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        """Run a function if it is our turn, or else wait for the outcome."""
        round_ = self._round
        try:
            if round_.running:
                self._refuse_recursion(round_)
                await self._line.park(give_back=functools.partial(self._hand_on, round_))
                if round_.done:
                    return round_.outcome()
            round_.running, round_.runner = True, asyncio.current_task()
            try:
                value = await call(fn, args)
            except BaseException as error:
                if self._retry or not isinstance(error, Exception):
                    self._hand_on(round_)
                else:
                    self._end(round_, None, error)
                raise
            self._end(round_, value if self._keeps_value else None)
            return value
        finally:
            del self, round_, fn, args  # the traceback of an error that is kept leads here

    def _end(self, round_: _Round, value: Any, error: Exception | None = None) -> None:
        round_.end(value, error)
        self._line.wake_all()

    def _hand_on(self, round_: _Round) -> None:
        """Give the turn to the next in line, of a round that is not done."""
        round_.runner = None
        if not round_.done and not self._line.wake():
            round_.running = False

    def _refuse_recursion(self, round_: _Round) -> None:
        if round_.runner is not None and round_.runner is asyncio.current_task():
            raise MisuseError(f"{self!r} is asked for by what it runs, which would wait for itself for ever")

    def __repr__(self) -> str:
        round_ = self._round
        state = "running" if round_.running else "not run" if not round_.done else "done"
        failed = "" if round_.error is None else f" with {type(round_.error).__name__}"
        return f"<{self._title()} {state}{failed}, {self.waiters} waiting>"

    def _check(self) -> None:
        round_ = self._round
        assert not (round_.done and (round_.running or round_.runner)), "O1: it is done, and runs"
        assert round_.done or (round_.error is None and round_.value is None), "O1: an outcome of what is not done"
        assert round_.running or not self.waiters, "O2: somebody sleeps, and nobody runs"
        assert round_.running or round_.runner is None, "O3: somebody runs out of turn"
        self._line._check()

    def _snapshot(self) -> object:
        round_ = self._round
        return round_.running, round_.done, round_.runner, round_.value, type(round_.error), self._line._snapshot()


class Once(_RunOnce):
    """Do something only once; whoever comes meanwhile waits until it is done.

        connected = ac.Once()

        async def send(message: bytes) -> None:
            await connected.do(connect)
            ...

    Is the one who runs it cancelled, the next in line runs it instead, or whoever comes next.

    Args:
        retry: What an error means. False, as in Go: it is done, and whoever asks, then or later, gets that error.
            True: only who ran it gets the error, and the next in line, or whoever comes next, tries again.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `retry` is no bool, or `name` no string.

    Follows Go's ``sync.Once``; of its panics, ``sync.OnceFunc``.
    """

    __slots__ = ()

    async def do(self, fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Run ``fn(*args)`` if nothing was run before, or else wait until that is done.

        Args:
            fn: A function that returns something to await, mostly an ``async def``. It runs as part of the caller, and
                is not called if something was run before.
            *args: What it is called with.

        Raises:
            Exception: What was run has raised it.
            TypeError: `fn` is no function.
            MisuseError: What is being run asks for itself to be run; it would wait for itself for ever.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: of who waits, changes nothing. Of who runs it, it goes to `fn`; if it comes out of there, the turn
        goes to the next in line, and if nobody waits, nothing counts as done.

        Follows ``Once.Do``.
        """
        round_ = self._round
        try:
            if not round_.done:
                check_callable(fn)
                await self._run(fn, args)
            elif round_.error is not None:
                round_.outcome()
        finally:
            del self, round_, fn, args  # as in `_run`


class OnceValue(_RunOnce, Generic[T]):
    """Make a value when it is first asked for, and give it to everybody.

        settings = ac.OnceValue(load_settings)

        async def port() -> int:
            return (await settings()).port

    Is the one who makes it cancelled, the next in line makes it instead, or whoever comes next.

    Args:
        fn: A function without arguments that returns something to await, mostly an ``async def``.
        retry: What an error means. False, as in Go: whoever asks, then or later, gets that error. True: only who ran
            `fn` gets it, and the next in line, or whoever comes next, tries again.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `fn` is no function, `retry` no bool, or `name` no string.

    Follows Go's ``sync.OnceValue``.
    """

    __slots__ = ("_fn",)

    _keeps_value = True

    def __init__(self, fn: Callable[[], Awaitable[T]], *, retry: bool = False, name: str | None = None) -> None:
        super().__init__(retry=retry, name=name)
        check_callable(fn)
        self._fn = fn

    async def __call__(self) -> T:
        """Return the value; the first one who asks makes it, the others wait for it.

        Raises:
            Exception: The function has raised it.
            MisuseError: The function asks for its own value; it would wait for itself for ever.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: of who waits, changes nothing. Of who makes it, it goes to the function; if it comes out of there,
        the turn goes to the next in line, and if nobody waits, no value is there.
        """
        round_ = self._round
        try:
            value: T = round_.value
            if not round_.done:
                value = await self._run(self._fn, ())
            elif round_.error is not None:
                round_.outcome()
            return value
        finally:
            del self, round_  # as in `_run`
