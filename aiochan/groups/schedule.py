"""Jobs that run at their times: one heap and one timer, however many there are.

Theory of operation
-------------------
A job that waits is an entry of a heap, ordered by its time and then by its number, and costs the event loop nothing:
the loop has one timer, for the first of the heap. When it goes off, all that is due is started, in order, each job as a
task of an `ErrGroup`. The group knows everything else: what an error does, whom the end of the context stops, how to
wait. It *expects* us for as long as anything is in the heap, and so waits for jobs whose time has not come, too.

A job that was cancelled stays in the heap as a tombstone, since taking it out of the middle would cost O(n). A heap
that is mostly tombstones is made anew; the first of the heap never is one.

A loop may be late, and its timer may go off a little early: clocks have a resolution. So due is what is not later than
the clock *or* than the time that the timer was set to.

Invariants
----------
S1  The first of the heap is waiting. `_waiting` of the entries are, the others are tombstones.
S2  There is a timer, set to the time of the first, if and only if the heap is not empty.
S3  The group expects us if and only if the heap is not empty.
S4  Once the group is over, the heap is empty.
"""

# The group is asked for its crew and its context:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import contextvars
import heapq
import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVarTuple

from aiochan.calling import check_callable
from aiochan.context import Context, variables
from aiochan.errors import MisuseError
from aiochan.groups.crew import Crew
from aiochan.groups.jobs import Jobs, run
from aiochan.seconds import check_seconds

__all__ = ["Schedule"]

Ts = TypeVarTuple("Ts")


class Schedule:
    """Run jobs at their times, each as a task of its own, and wait for all of them.

        async with ac.Schedule() as s:
            s.delay(0.3, print_page, 3)
            s.delay(0.1, print_page, 1)
            cancel = s.delay(3600, remind)
            cancel()
            await s.wait()                          # or just leave: that waits, too

    Jobs start in the order of their times, and of equal times in the order in which they were given. Until its time a
    job costs nothing but memory: there is one timer for all. The first error, of a job or of the body, drops the jobs
    that wait, cancels those that run and the body, and leaving raises it when they have ended; so does the end of the
    context, and leaving then raises Canceled or DeadlineExceeded. In this, and when the body is cancelled, it is an
    `ErrGroup`. A job may schedule others, itself too, until `wait` was called.

    ``len(s)`` is how many jobs wait for their time.

    Args:
        ctx: The context above; by default the current one. In the jobs and in the body, a context below it is the
            current one, which ends with the schedule.
        name: Shown in ``repr`` and in the names of the tasks.

    Raises:
        TypeError: `ctx` is no context, or `name` no string.

    Follows ``github.com/mdlayher/schedgroup``.
    """

    __slots__ = (
        "__weakref__",
        "_armed",
        "_expected",
        "_group",
        "_heap",
        "_number",
        "_timer",
        "_waited",
        "_waiting",
    )

    def __init__(self, ctx: Context | None = None, *, name: str | None = None) -> None:
        self._group = Jobs("Schedule", ctx, name, self._drop)
        self._heap: list[tuple[float, int, _Job]] = []
        self._waiting = 0
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._armed = -math.inf
        self._expected = False
        self._waited = False

    # -- scheduling

    def delay(self, seconds: float, fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> Callable[[], bool]:
        """Run ``fn(*args)`` after some time.

        Args:
            seconds: How long from now, by the loop's clock. With nothing left (0 or less) it runs at once, which is in
                the next turn of the loop.
            fn: A coroutine function, or any other that returns an awaitable. It sees the context variables of now.
            *args: What it is called with.

        Returns:
            A function that takes the job back. It returns whether the job was still waiting: False if it has started,
            was taken back before, or was dropped. To stop a job that runs, let it look at a context or a signal.

        Raises:
            TypeError: `seconds` is no number, or `fn` cannot be called.
            ValueError: `seconds` is not a number (nan), or infinite: the schedule could never be left.
            MisuseError: `wait` was called; or the schedule has not been entered, or was left.
            WrongLoop: The schedule belongs to another loop or thread.

        Follows ``Group.Delay``.
        """
        seconds = _time("seconds", seconds)
        crew = self._at_work("delay")
        return self._add(crew, crew.loop.time() + seconds, fn, args)

    def at(self, when: float, fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> Callable[[], bool]:
        """Run ``fn(*args)`` at a time of the loop's clock.

        Args:
            when: In seconds, by the clock of the running loop (``loop.time()``). If it has passed, the job runs at
                once, which is in the next turn of the loop, behind those that are due before it.
            fn: As in `delay`.
            *args: What it is called with.

        Returns:
            A function that takes the job back, as from `delay`.

        Raises:
            TypeError: `when` is no number, or `fn` cannot be called.
            ValueError: `when` is not a number (nan), or infinite.
            MisuseError: As in `delay`.
            WrongLoop: The schedule belongs to another loop or thread.

        Follows ``Group.Schedule``.
        """
        when = _time("when", when)
        return self._add(self._at_work("at"), when, fn, args)

    async def wait(self) -> None:
        """Wait until every job has run to its end; from now on, nobody can schedule any more.

        Leaving waits as well. This is for those who want to go on in the body, and may be called once.

        Raises:
            MisuseError: It was called before; or a job calls it, which would wait for itself; or the schedule has not
                been entered, or was left.
            Canceled: The schedule has ended, and not for an error; or DeadlineExceeded.
            Exception: What a job has raised.

        Cancellation: of the body, drops and cancels all jobs once the schedule is left. Of another task: the jobs go
        on, and still nobody can schedule.

        Follows ``Group.Wait``.
        """
        self._at_work("wait")
        self._waited = True
        await self._group.wait()

    # -- entering and leaving

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            await self._group.__aexit__(kind, error, tb)
        finally:
            self._drop()  # there is something only if it was left in a hurry: the body's coroutine was closed
            self._group.dismiss()
            del error, tb  # they lead here

    # -- the heap

    def _add(
        self, crew: Crew, when: float, fn: Callable[..., Awaitable[object]], args: tuple[Any, ...]
    ) -> Callable[[], bool]:
        check_callable(fn)
        job = _Job(self, fn, args, variables(crew.ctx))
        if crew.closed:
            job.forget()  # dropped at once
        else:
            self._number += 1
            heapq.heappush(self._heap, (when, self._number, job))
            self._waiting += 1
            self._adjust(crew)
        return job.cancel

    def take_back(self, job: _Job) -> bool:
        """Take a job out of the heap; return whether it was still there."""
        crew = self._group.at_work("take a job back", self)
        job.forget()
        self._waiting -= 1
        self._adjust(crew)
        return True

    def _drop(self) -> None:
        """Forget all jobs that wait."""
        for _, _, job in self._heap:
            job.forget()
        self._heap.clear()
        self._waiting = 0
        if self._group.crew is not None:
            self._adjust(self._group.crew)

    def _adjust(self, crew: Crew) -> None:
        """Make the timer, and whether the group expects us, fit the heap."""
        heap = self._heap
        if len(heap) > 32 and 2 * self._waiting < len(heap):
            heap[:] = [entry for entry in heap if entry[2].fn is not None]
            heapq.heapify(heap)
        while heap and heap[0][2].fn is None:
            heapq.heappop(heap)
        if self._timer is not None and (not heap or heap[0][0] != self._armed):
            self._timer.cancel()
            self._timer = None
        if heap:
            if self._timer is None:
                self._armed = when = heap[0][0]
                self._timer = crew.loop.call_at(max(when, crew.loop.time()), self._due, crew)
            if not self._expected:
                self._expected = True
                crew.expect()
        elif self._expected:
            self._expected = False
            crew.arrived()

    def _due(self, crew: Crew) -> None:
        """Start all whose time has come: what the timer calls.

        An eager job may change all of it meanwhile. What it adds has to wait for the next turn, whatever its time, or a
        job that schedules itself anew would keep the loop for ever.
        """
        heap, self._timer = self._heap, None
        now, last = max(crew.loop.time(), self._armed), self._number
        added = list[tuple[float, int, _Job]]()
        try:
            while heap and heap[0][0] <= now and not crew.closed:
                entry = heapq.heappop(heap)
                if entry[1] > last:
                    added.append(entry)
                    continue
                job = entry[2]
                fn, context = job.fn, job.context
                if fn is not None and context is not None:
                    self._waiting -= 1
                    args = job.args
                    job.forget()
                    _ = context.run(crew.run, run(fn, args), fn)
        finally:
            for entry in added:
                heapq.heappush(heap, entry)
            if crew.closed:
                self._drop()
            self._adjust(crew)

    def _at_work(self, doing: str) -> Crew:
        crew = self._group.at_work(doing, self)
        if self._waited:
            raise MisuseError(f"cannot {doing}: {self!r} takes no more jobs, and no second wait(), after wait()")
        return crew

    # -- looking

    def __len__(self) -> int:
        return self._waiting

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        running = 0 if self._group.crew is None else len(self._group.crew.tasks)
        return self._group.state(f"{self._waiting} waiting {running} running{', waited for' if self._waited else ''}")

    def _check(self) -> None:
        heap = self._heap
        assert not heap or heap[0][2].fn is not None, "S1: a tombstone is the first"
        assert self._waiting == sum(job.fn is not None for *_, job in heap), "S1: miscounted"
        assert (self._timer is not None) == bool(heap), "S2: a timer too many or too few"
        assert not heap or self._armed == heap[0][0], "S2: the timer is set to another time"
        assert self._expected == bool(heap), "S3: the group expects nobody, or in vain"
        assert not (heap and self._group.crew and self._group.crew.closed), "S4: it is over, and keeps jobs"
        self._group._check()

    def _snapshot(self) -> object:
        waiting = [(when, job.fn, job.args) for when, _, job in sorted(self._heap) if job.fn is not None]
        return waiting, len(self._heap), self._waited, self._group._snapshot()


class _Job:
    """What is to be done at some time; a tombstone, once `fn` is None."""

    __slots__ = ("args", "context", "fn", "schedule")

    fn: Callable[..., Awaitable[object]] | None
    context: contextvars.Context | None

    def __init__(
        self,
        schedule: Schedule,
        fn: Callable[..., Awaitable[object]],
        args: tuple[Any, ...],
        context: contextvars.Context,
    ) -> None:
        self.schedule: Schedule | None = schedule
        self.fn = fn
        self.args = args
        self.context = context

    def cancel(self) -> bool:
        """Take the job back; return whether it was still waiting."""
        return self.schedule is not None and self.schedule.take_back(self)

    def forget(self) -> None:
        """Become a tombstone, which keeps nothing alive."""
        self.schedule = self.fn = self.context = None
        self.args = ()


def _time(what: str, value: float) -> float:
    if (seconds := check_seconds(what, value)) == math.inf:
        raise ValueError(f"{what} must be a finite number of seconds, not {value!r}")
    return seconds
