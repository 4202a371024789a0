"""A pool of workers: many jobs, of which a few run beside each other, first come, first served.

What a pool does is done in `groups/workshop.py`; here stands what it is to those who use it.
"""

# The workshop is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import math
import operator
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, SupportsIndex, TypeVar, TypeVarTuple, cast

from aiochan.calling import check_callable
from aiochan.context import Context
from aiochan.core import RecvChan
from aiochan.errors import MisuseError
from aiochan.groups.workshop import Workshop

__all__ = ["WorkerPool"]

A = TypeVar("A")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PATIENCE = 1024  # jobs that are submitted in a row before the submitter goes round the loop once


class WorkerPool:
    """Run jobs, a few beside each other and the others in line.

        async with ac.WorkerPool(8) as pool:
            job = await pool.submit(fetch, url)              # in line; runs when a worker is free
            page = await pool.submit_wait(fetch, other_url)  # the same, and waits for the result
            async for page in pool.map(fetch, urls):         # in order, a few ahead
                ...
            print(await job)

    A job's result, or its error, is in the future that `submit` returns. An error stops nobody else; one that nobody
    asks for is told to the loop's exception handler, as that of any future. Jobs see the context variables of their
    submitter. Leaving waits until no job is left.

    If the body fails or is cancelled, or the context ends, then jobs in line are dropped, those that run are cancelled,
    and leaving waits for these; then the body's error goes on, or a Canceled or DeadlineExceeded tells of the context.
    The futures of jobs that could not come to their end raise Canceled or DeadlineExceeded, too.

    Args:
        n: How many jobs may run beside each other: the workers. A worker is there while it has a job.
        queue: How many jobs may stand in line, a whole number; by default any number. With 0 a job waits outside, in
            `submit`, until a worker is free.
        ctx: The context above; by default the current one. In the jobs and in the body, a context below it is the
            current one, which ends with the pool.
        name: Shown in ``repr`` and in the names of the tasks.
        results: Whether there is a channel of `results`.
        errors: Whether there is a channel of `errors`.

    Raises:
        TypeError: `n` or `queue` is no whole number, `ctx` no context, or `name` no string.
        ValueError: `n` is less than 1, or `queue` less than 0.

    Follows gammazero/workerpool, ivpusic/grpool (a bounded queue), dpaks/goworkers (channels of results and errors).
    """

    __slots__ = ("__weakref__", "_hurry", "_shop")

    def __init__(
        self,
        n: SupportsIndex,
        *,
        queue: float = math.inf,
        ctx: Context | None = None,
        name: str | None = None,
        results: bool = False,
        errors: bool = False,
    ) -> None:
        size = _whole(n, "n", 1)
        room = math.inf if queue == math.inf else _whole(cast(SupportsIndex, queue), "queue", 0)
        self._shop = Workshop(size, room, ctx, name, results, errors)
        self._hurry = 0

    # -- giving it work

    async def submit(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> asyncio.Future[T]:
        """Put a job in line, waiting for room if the queue is bounded; return without waiting for the job.

        A job that submits to its own pool needs an unbounded queue, or all workers may wait for each other.

        Args:
            fn: A coroutine function, or any other that returns an awaitable. It sees the context variables of now.
            *args: What it is called with.

        Returns:
            The job's future: await it for the result, or for what `fn` has raised. Cancelling it takes the job out of
            line, or cancels it if it runs; the future is done at once, the job may take its time. If the pool ended
            before the job did, it raises Canceled or DeadlineExceeded.

        Raises:
            TypeError: `fn` cannot be called.
            MisuseError: The pool was stopped, perhaps while this waited; or has not been entered, or was left.
            WrongLoop: The pool belongs to another loop or thread.

        Cancellation: nothing was put in line.

        Follows ``Submit`` of gammazero/workerpool, and with a bounded queue a send to grpool's ``JobQueue``.
        """
        self._hurry += 1
        if self._hurry >= PATIENCE:
            self._hurry = 0
            await asyncio.sleep(0)  # before it has any effect, as in core: a cancellation here undoes nothing
        shop = self._shop
        crew = shop.open_for("submit", self)
        check_callable(fn)
        if shop.take(crew):
            return shop.put(crew, fn, args)
        await shop.wait(crew)
        try:
            if shop.stopped:
                shop.give_back(crew)
                raise MisuseError(f"cannot submit: {self!r} was stopped while this waited for room")
            return shop.put(crew, fn, args)
        finally:
            crew.arrived()

    async def submit_wait(self, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Put a job in line, wait until it has ended, and return its result.

        A job that does so in its own pool keeps its worker meanwhile: when all workers wait like that, none goes on.

        Args:
            fn: As in `submit`.
            *args: What it is called with.

        Raises:
            TypeError: `fn` cannot be called.
            MisuseError: As in `submit`.
            WrongLoop: As in `submit`.
            Canceled: The pool ended before the job did; or DeadlineExceeded.
            Exception: Whatever `fn` raises.

        Cancellation: the job is taken out of line, or cancelled if it runs; nobody else is disturbed. This does not
        wait for its end then, but leaving the pool does. An error that it raises all the same is told to `errors`, or
        to the loop's exception handler.

        Follows ``SubmitWait`` of gammazero/workerpool.
        """
        job = await self.submit(fn, *args)
        try:
            return await job
        except asyncio.CancelledError:
            self._shop.unheard(job)
            raise
        finally:
            del job  # the traceback of its error leads here

    def map(self, fn: Callable[[A], Awaitable[T]], items: Iterable[A]) -> AsyncGenerator[T, None]:
        """Call ``fn(item)`` for each item as a job of its own, and give the results in the order of the items.

        Items are taken as results are: at most twice as many as there are workers are ahead of the result that the loop
        waits for. So `items` may be endless, and a slow reader holds everything back.

        Args:
            fn: A coroutine function of one argument, or any other that returns an awaitable.
            items: Taken one by one, by the task that asks for results.

        Returns:
            An async generator, for one ``async for``. What a job raises it raises in the place of its result, and ends.
            At its end, and when it is closed before (``contextlib.aclosing``), the jobs ahead are cancelled; errors of
            those that have failed already are told to the loop's exception handler.

        Raises:
            TypeError: `fn` cannot be called, or `items` is not iterable.
            MisuseError: As in `submit`, from here or from the generator.

        Cancellation: of the task that waits for a result, ends the generator.

        Follows ``concurrent.futures.Executor.map``.
        """
        self._shop.open_for("map", self)
        check_callable(fn)
        return self._map(fn, iter(items))

    async def _map(self, fn: Callable[[A], Awaitable[T]], items: Iterator[A]) -> AsyncGenerator[T, None]:
        ahead = deque[asyncio.Future[T]]()
        try:
            for item in items:
                ahead.append(await self.submit(fn, item))
                while len(ahead) >= 2 * self._shop.size:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for job in ahead:
                if job.done():  # to cancel it would take its error for heard
                    self._shop.unheard(job)
                else:
                    job.cancel()

    # -- changing and ending it

    def resize(self, n: SupportsIndex) -> None:
        """Have more or fewer workers from now on; no job that runs is disturbed.

        Args:
            n: How many jobs may run beside each other.

        Raises:
            TypeError: `n` is no whole number.
            ValueError: `n` is less than 1.
            MisuseError: The pool has not been entered, or was left.
            WrongLoop: The pool belongs to another loop or thread.

        Follows ``Tune`` of panjf2000/ants.
        """
        size = _whole(n, "n", 1)
        self._shop.resize(self._shop.group.at_work("resize", self), size)

    async def stop(self, wait: bool = True) -> None:
        """Take no more jobs, and wait until none is left. May be called again, and by several.

        Args:
            wait: Whether jobs in line are to run to their end. If not, those in line are dropped and those that run
                cancelled; their futures raise Canceled.

        Raises:
            MisuseError: A job of the pool calls it, which would wait for itself; or the pool has not been entered, or
                was left.
            WrongLoop: The pool belongs to another loop or thread.

        Cancellation: the pool stays stopped. Of the body, ends the pool once it is left.

        Follows ``StopWait`` and ``Stop`` of gammazero/workerpool.
        """
        crew = self._shop.group.at_work("stop", self)
        if asyncio.current_task() in crew.tasks:
            raise MisuseError(f"a job cannot stop {self!r}: it would wait for itself")
        self._shop.stop(crew, hurry=not wait)
        await crew.idle()

    async def __aenter__(self) -> Self:
        await self._shop.group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            await self._shop.group.__aexit__(kind, error, tb)
        finally:
            self._shop.leave()
            del error, tb  # they lead here

    # -- looking

    @property
    def results(self) -> RecvChan[Any]:
        """The results of all jobs, as they end; of a pool made with ``results=True``.

        There is room for any number: a result that nobody receives holds nobody up, and is never dropped. The channel
        is closed behind the last job, once the pool was stopped or left.

        Raises:
            MisuseError: The pool was made without.
        """
        if self._shop.results is None:
            raise MisuseError(f"{self!r} has no channel of results; make it with results=True")
        return self._shop.results.receiver

    @property
    def errors(self) -> RecvChan[Exception]:
        """The errors of all jobs, as they end; of a pool made with ``errors=True``.

        Otherwise as `results`. What is told here need not be asked for in the job's future.

        Raises:
            MisuseError: The pool was made without.
        """
        if self._shop.errors is None:
            raise MisuseError(f"{self!r} has no channel of errors; make it with errors=True")
        return self._shop.errors.receiver

    @property
    def size(self) -> int:
        """How many jobs may run beside each other."""
        return self._shop.size

    @property
    def running(self) -> int:
        """How many jobs run now: so many workers are there."""
        return self._shop.running

    @property
    def waiting(self) -> int:
        """How many jobs are in line."""
        return len(self._shop.line)

    @property
    def done(self) -> int:
        """How many jobs have returned."""
        return self._shop.done

    @property
    def failed(self) -> int:
        """How many jobs have raised an error."""
        return self._shop.failed

    @property
    def cancelled(self) -> int:
        """How many jobs were cancelled or dropped, in line or while they ran."""
        return self._shop.cancelled

    def __repr__(self) -> str:
        return repr(self._shop)

    def _check(self) -> None:
        self._shop._check()

    def _snapshot(self) -> object:
        return self._shop._snapshot()


def _whole(value: SupportsIndex, name: str, least: int) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}")
    return number
