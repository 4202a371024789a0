"""The tasks of a schedule or a pool: an `ErrGroup` that tells its owner what a group on its own keeps to itself.

`Schedule` and `WorkerPool` are a group and a line in front of it. The group decides how everything ends; the line is
theirs, and has to be dropped when it does.
"""

# Whoever owns a group may look into it; so may what is derived from it:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar, TypeVarTuple

from aiochan.calling import call
from aiochan.context import Context
from aiochan.errors import WrongLoop
from aiochan.groups.crew import Crew
from aiochan.groups.errgroup import ErrGroup
from aiochan.loops import running_loop

__all__ = ["Failed", "Job", "Jobs", "attempt", "run"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Ended = Callable[[asyncio.Task[Any]], object]


class Jobs(ErrGroup):
    """A group of jobs.

    Args:
        kind: What the owner is called.
        ctx: As for an `ErrGroup`.
        name: As for an `ErrGroup`.
        over: Called in the moment in which nobody is to start any more; maybe twice.
        ended: Called with each task that has ended, after the group has taken its error.

    Attributes:
        crew: The crew, from entering until the owner was dismissed.
    """

    __slots__ = ("_called", "_ended", "_over_too", "crew")

    def __init__(
        self, kind: str, ctx: Context | None, name: str | None, over: Callable[[], object], ended: Ended | None = None
    ) -> None:
        super().__init__(ctx, name=kind if name is None else name)  # the names of the tasks begin with it
        self._called = kind if name is None else f"{kind} {name!r}"
        self._over_too: Callable[[], object] | None = over
        self._ended = ended
        self.crew: Crew | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.crew = self._crew
        return self

    def at_work(self, doing: str, owner: object) -> Crew:
        """Return the crew.

        Raises:
            MisuseError: The owner has not been entered, or was left.
            WrongLoop: It belongs to another loop or thread.
        """
        crew = self._crew
        if crew is None:
            raise self._closed_to(doing, owner)
        if running_loop() is not crew.loop:
            raise WrongLoop(f"{owner!r} belongs to another event loop or thread; use it there")
        return crew

    def state(self, inside: str) -> str:
        """Return what ``repr`` of the owner is, with `inside` for the time between entering and leaving."""
        if self._crew is None:
            inside = "not entered" if self._later is None else "left"
        return f"<{self._title()} {inside}{', over' if self._crew is not None and self._over else ''}>"

    def dismiss(self) -> None:
        """Let go of the owner, behind the last task: without garbage collection, both are free to die."""
        self._over_too = self._ended = self.crew = None

    def _close(self) -> None:
        super()._close()
        if self._over_too is not None:
            self._over_too()

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        super()._task_ended(task)
        if self._ended is not None:
            self._ended(task)

    def _title(self) -> str:
        return self._called


async def run(fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> T:
    """Call ``fn(*args)`` inside of its task, so that whatever goes wrong is the task's error.

    Cancellation: goes on to `fn`.
    """
    return await call(fn, args)


@dataclass(frozen=True, slots=True)
class Failed:
    """What a job has raised, as a result: so the group does not take it for an error of its own."""

    error: Exception


async def attempt(fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> T | Failed:
    """Call ``fn(*args)``, and return its result or its error.

    Cancellation: goes on to `fn`.
    """
    try:
        return await call(fn, args)
    except Exception as error:  # noqa: BLE001 - the submitter of the job hears of it
        return Failed(error)


class Job(asyncio.Future[T]):
    """A job of a pool: what its submitter holds, and what stands in line.

    Args:
        loop: The loop of the pool.
        cancelled: Called with the job when it was cancelled, unless it was done.
        fn: What is to be called.
        args: What with.

    Attributes:
        context: The context variables of its submitter, kept while it is in line.
        task: What runs it, while it does.
        failed: Whether it has ended with an error of its own.
    """

    __slots__ = ("_cancelled_too", "args", "context", "failed", "fn", "task")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        cancelled: Callable[[Job[Any]], object],
        fn: Callable[..., Awaitable[T]],
        args: tuple[Any, ...],
    ) -> None:
        super().__init__(loop=loop)
        self._cancelled_too: Callable[[Job[Any]], object] | None = cancelled
        self.fn: Callable[..., Awaitable[T]] | None = fn
        self.args = args
        self.context: contextvars.Context | None = None
        self.task: asyncio.Task[T] | None = None
        self.failed = False

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the job: take it out of line, or cancel its task. The future is done at once."""
        if not super().cancel(msg):
            return False
        if self._cancelled_too is not None:
            self._cancelled_too(self)
        return True

    def succeed(self, result: T) -> None:
        """End with a result, unless it was cancelled."""
        if not self.done():
            self.set_result(result)
        self._forget()

    def fail(self, error: Exception) -> bool:
        """End with an error; return False if it was cancelled, so that nobody can ask for it."""
        heard = not self.done()
        if heard:
            self.set_exception(error)
            self.failed = True
        self._forget()
        return heard

    def end(self, error: Exception | None) -> None:
        """End with an error that need not be asked for, or without one, cancelled; unless it was cancelled before."""
        if self.done():
            pass
        elif error is None:
            super().cancel()
        else:
            self.set_exception(error)
            self.exception()  # so that nobody complains if it is not asked for
        self._forget()

    def _forget(self) -> None:
        """Keep nothing alive any more, whoever keeps us."""
        self._cancelled_too = self.fn = self.context = self.task = None
        self.args = ()
