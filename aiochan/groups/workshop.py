"""Where the jobs of a pool stand in line, and how many of them run: what is behind `WorkerPool`.

Theory of operation
-------------------
A worker is a place, not a task. What asyncio hangs on a task (cancellation and its count, context variables, identity)
must not go from one job to the next, so each job runs as a task of its own. In line it is no task yet, only a `Job`:
the future that its submitter holds. A place that becomes free takes the first in line in the done callback of the task
that had it: nobody has to be woken for that, and nothing can come in between. (`docs/design/0013` has the choice.)

What a job raises is its future's. The tasks are those of an `ErrGroup` that does not hear of such errors; it hears of a
KeyboardInterrupt, and knows how to end: when the context does, when the body fails or is cancelled, and by waiting.

Room is counted in jobs that have not ended: at most `size` run and `queue` wait. Who submits while there is no room
stands in a line of its own, and is promised what becomes free as `core/waiters.py` says; the crew expects whoever has a
promise, so that leaving leaves nobody behind.

Invariants
----------
J1  `taken` counts the jobs that run, those in line, and the promises to submitters who have not run yet.
J2  While there is room, nobody waits for it.
J3  While a job is in line, `size` of them run.
J4  Once the pool is stopped or over, nobody waits for room; once over, nothing is in line.
J5  A job is in line, or has a task, or is done.
"""

# The group is asked for its crew and its context:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple

from aiochan.context import Context, variables
from aiochan.core import Chan, WaitQueue
from aiochan.errors import Canceled, ContextError, MisuseError
from aiochan.groups.crew import Crew
from aiochan.groups.jobs import Failed, Job, Jobs, attempt

__all__ = ["Workshop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Workshop:
    """The line and the workers of a pool.

    Args:
        size: How many workers there are.
        queue: How many jobs may be in line.
        ctx: As for an `ErrGroup`.
        name: As for an `ErrGroup`.
        results: Whether to make a channel of them.
        errors: Whether to make a channel of them.

    Attributes:
        group: The tasks of the jobs that run.
        line: The jobs that do not run yet.
        taken: How much room is taken.
        stopped: Whether no more jobs are taken.
        running, done, failed, cancelled: How many jobs run, and how the others have ended.
    """

    __slots__ = (
        *("_filling", "_jobs", "_outside", "_starting", "cancelled", "done", "errors", "failed", "group", "line"),
        *("queue", "results", "running", "size", "stopped", "taken"),
    )

    def __init__(
        self, size: int, queue: float, ctx: Context | None, name: str | None, results: bool, errors: bool
    ) -> None:
        self.size = size
        self.queue = queue
        self.group = Jobs("WorkerPool", ctx, name, self._over, self._ended)
        self.results = Chan[Any](math.inf, name=f"{name or 'WorkerPool'}.results") if results else None
        self.errors = Chan[Exception](math.inf, name=f"{name or 'WorkerPool'}.errors") if errors else None
        self.line: OrderedDict[Job[Any], None] = OrderedDict()  # anybody can leave it
        self.stopped = False
        self.taken = self.running = self.done = self.failed = self.cancelled = 0
        self._outside = WaitQueue[None](name)
        self._jobs: dict[asyncio.Task[Any], Job[Any]] = {}
        self._starting: Job[Any] | None = None  # an eager task may end before we know it
        self._filling = False

    # -- jobs come and go

    def put(self, crew: Crew, fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> Job[T]:
        """Start a job whose place is taken already, or put it in line."""
        job: Job[T] = Job(crew.loop, self._job_cancelled, fn, args)
        if crew.closed:
            self._drop(job)
        elif self.running < self.size and not self.line:
            self._start(job, crew)
        else:
            job.context = variables(crew.ctx)
            self.line[job] = None
        return job

    def _fill(self, crew: Crew) -> None:
        """Give free workers what is in line."""
        if self._filling:
            return  # an eager job has ended; those who started it go on
        self._filling = True
        try:
            while self.line and self.running < self.size:
                job, _ = self.line.popitem(last=False)
                assert job.context is not None, "it has stood in line"
                job.context.run(self._start, job, crew)
        finally:
            self._filling = False

    def _start(self, job: Job[Any], crew: Crew) -> None:
        assert job.fn is not None, "it is not done"
        outer, self._starting = self._starting, job
        self.running += 1
        try:
            task = crew.run(attempt(job.fn, job.args), job.fn)
        except BaseException:
            self.running -= 1
            self._drop(job)
            raise
        finally:
            self._starting = outer
        if not task.done():
            self._jobs[task] = job
            job.task = task
            if job.done():  # cancelled in its eager first step
                task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Tell a job what has become of it, and give its worker the next one."""
        job, crew = self._jobs.pop(task, None) or self._starting, self.group.crew
        assert job is not None and crew is not None, "whose task was it?"
        self.running -= 1
        if task.cancelled() or task.exception() is not None:  # what is no Exception ends the group, which raises it
            self.cancelled += 1
            job.end(self._why() if crew.closed else None)
        elif crew.closed and isinstance(outcome := task.result(), Failed) and isinstance(outcome.error, ContextError):
            self.cancelled += 1  # the way in which a job says that it was cancelled
            job.end(outcome.error)
        elif isinstance(outcome := task.result(), Failed):
            self.failed += 1
            self._job_failed(job, crew, outcome.error)
        else:
            self.done += 1
            job.succeed(outcome)
            if self.results is not None:
                self.results.send_nowait(outcome)
        self._fill(crew)
        self.give_back(crew)

    def _job_failed(self, job: Job[Any], crew: Crew, error: Exception) -> None:
        if self.errors is not None:
            job.end(error)
            self.errors.send_nowait(error)
        elif not job.fail(error):
            self._tell(crew.loop, error)

    def unheard(self, job: asyncio.Future[Any]) -> None:
        """Tell of a job's error if its only waiter was cancelled in the turn in which he would have heard of it."""
        if isinstance(job, Job) and job.failed and (error := job.exception()) is not None:
            self._tell(job.get_loop(), error)

    def _tell(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        said = f"a job of {self!r} has failed, and whoever waited for it was cancelled"
        loop.call_exception_handler({"message": said, "exception": error})

    def _job_cancelled(self, job: Job[Any]) -> None:
        """Stop a job whose future was cancelled."""
        if job.task is not None:
            job.task.cancel()
        elif job in self.line:
            del self.line[job]
            self._drop(job)

    def _drop(self, job: Job[Any]) -> None:
        """Count out a job that will not run, and tell it."""
        crew = self.group.crew
        assert crew is not None, "its room was taken"
        self.cancelled += 1
        job.end(self._why())
        self.give_back(crew)

    def _drop_line(self) -> None:
        while self.line:
            self._drop(self.line.popitem(last=False)[0])

    def _why(self) -> ContextError:
        """Say why jobs do not come to their end: a new error, whose traceback is nobody else's."""
        err = self.group._ctx.err()
        return Canceled(f"{self.group._title()} was stopped") if err is None else type(err)(*err.args)

    # -- room for jobs

    def open_for(self, doing: str, owner: object) -> Crew:
        """Return the crew, or refuse because no more jobs are taken.

        Raises:
            MisuseError: The pool was stopped; or it was not entered, or was left.
        """
        crew = self.group.at_work(doing, owner)
        if self.stopped:
            raise MisuseError(f"cannot {doing}: {owner!r} takes no more jobs")
        return crew

    def take(self, crew: Crew) -> bool:
        """Take room for a job; return whether there was any. Once nothing is started any more, there always is."""
        if self.taken >= self.size + self.queue and not crew.closed:
            return False
        self.taken += 1
        return True

    async def wait(self, crew: Crew) -> None:
        """Wait for room, or for the end; after that it is taken, and the crew expects the caller.

        Cancellation: leaves the line; room that was promised goes on to the next.
        """

        def pass_on() -> None:
            self.give_back(crew)
            crew.arrived()

        await self._outside.park(give_back=pass_on)

    def give_back(self, crew: Crew) -> None:
        """Give room back: to those who wait for it, who are then sure to get it."""
        self.taken -= 1
        self._admit(crew)
        self._close_behind()

    def _admit(self, crew: Crew) -> None:
        while len(self._outside) and self.taken < self.size + self.queue:
            self._promise(crew)

    def _let_go(self, crew: Crew) -> None:
        """Let those who wait for room come and see that it is too late."""
        while len(self._outside):
            self._promise(crew)

    def _promise(self, crew: Crew) -> None:
        self.taken += 1  # before it wakes, so that nobody slips in
        crew.expect()
        self._outside.wake()

    # -- changes, and the end

    def resize(self, crew: Crew, size: int) -> None:
        """Have more or fewer workers."""
        self.size = size
        self._fill(crew)
        self._admit(crew)

    def stop(self, crew: Crew, hurry: bool) -> None:
        """Take no more jobs; in a hurry, end those that are there."""
        self.stopped = True
        self._let_go(crew)
        if hurry:
            crew.stop()
            self._drop_line()
        self._close_behind()

    def leave(self) -> None:
        """Close behind the last job, with the group left."""
        self.stopped = True
        self._drop_line()  # there is one only if it was left in a hurry: the body's coroutine was closed
        self._close_behind()
        if not self.taken:  # else there are jobs that have to be told how they end
            self.group.dismiss()

    def _over(self) -> None:
        """End with the group."""
        if self.group.crew is not None:
            self._let_go(self.group.crew)
        self._drop_line()

    def _close_behind(self) -> None:
        """Close the channels if nothing can come any more."""
        for ch in (self.results, self.errors):
            if ch is not None and self.stopped and not self.taken and not ch.closed:
                ch.close()

    def __repr__(self) -> str:
        stopped = ", stopped" if self.stopped else ""
        return self.group.state(f"{self.running}/{self.size} running {len(self.line)} waiting{stopped}")

    def _check(self) -> None:
        crew = self.group.crew
        over = crew is not None and crew.closed
        self.group._check()
        self._outside._check()
        if crew is not None:
            assert self.taken == self.running + len(self.line) + crew.expected, "J1: places were lost or doubled"
            assert self.running == len(self._jobs) == len(crew.tasks), "J1: who runs?"
        if len(self._outside):
            assert self.taken >= self.size + self.queue, "J2: somebody waits beside room"
            assert not self.stopped and not over, "J4: somebody waits for nothing"
        assert not self.line or self.running >= self.size, "J3: a worker is idle"
        assert not (self.line and over), "J4: it is over, and keeps jobs"
        assert all(job.task is None and not job.done() for job in self.line), "J5: in line, and does not wait"
        assert all(job.task is task for task, job in self._jobs.items()), "J5: whose task is it?"

    def _snapshot(self) -> object:
        jobs = [(task, job, job.fn, job.args) for task, job in self._jobs.items()]
        line = [(job, job.fn, job.args) for job in self.line]
        channels = [None if ch is None else ch._snapshot() for ch in (self.results, self.errors)]
        counts = self.size, self.taken, self.running, self.stopped, self.done, self.failed, self.cancelled
        return jobs, line, channels, counts, self._outside._snapshot(), self.group._snapshot()
