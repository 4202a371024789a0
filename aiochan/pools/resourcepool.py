"""Connections and whatever else is dear to open: lent to one at a time, kept for the next one, never too many.

Theory of operation
-------------------
The pool has `max_open` *places*. Whoever borrows takes a place first, and keeps it while a resource is opened, checked,
used and closed in it: so what is open can never be more than the places. Idle resources lie on a stack beside the
places, the newest on top; whoever takes a place takes the top of the stack along, or else opens. Both happen in one
step, and so does their reverse, which is why idle resources and places in use together never exceed `max_open` (R3).

Who finds no free place stands in line. By the rule of ``core/waiters.py`` whoever is woken there was promised a place,
not a particular resource: when it runs, it takes the newest that lies there. A place that is given back goes to the
first in line in the same step, so nobody who comes later can take it.

Opening and closing are errands (``errand.py``): tasks of the pool's own, which no cancellation of a borrower reaches.
The place stays taken until they have ended. A resource that was opened for somebody who has left meanwhile is lent to
the next in line, or laid aside.

Invariants
----------
R1  Places that are free, promised and in use are `max_open`; what is lent is in use.
R2  While a place is free, nobody stands in line.
R3  Idle resources and places in use together are at most `max_open`.
R4  Idle resources that nobody was promised a place for are at most `max_idle`.
R5  Once closed, nothing is idle or promised, and nobody stands in line.
R6  Who waits for the end of the pool waits for a place in use.
"""

# A lease and its pool are one machine; lines are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, SupportsIndex, TypeVar

from aiochan.calling import call, check_callable
from aiochan.counts import whole
from aiochan.errors import Canceled, MisuseError, NotHeld, WrongLoop
from aiochan.loops import running_loop
from aiochan.pools.errand import Errand
from aiochan.pools.lease import Lease
from aiochan.pools.resources import REASONS, Limits, Reason, Resource, ResourceStats
from aiochan.pools.shelf import Shelf
from aiochan.sync.primitive import Line, Primitive, nothing
from aiochan.tasks import tell_failure

__all__ = ["ResourcePool"]

T = TypeVar("T")


class ResourcePool(Primitive, Generic[T]):
    """Lend resources that are dear to open, such as connections: a few of them, one borrower at a time, used again.

        async with ResourcePool(connect, Connection.close, max_open=10) as pool:
            ...
            async with pool.lease() as lease:
                await lease.value.execute("select 1")

    Whoever borrows gets the resource that was used last (so that in quiet times the others grow old and are closed), or
    else a new one; if `max_open` are open, it waits, first come, first served. `max_open` holds at every moment: what
    is being opened, checked or closed counts.

    Opening and closing are done in tasks of the pool, so a borrower that is cancelled never interrupts them. What was
    opened for a borrower that has left is lent to the next one. If a resource cannot be opened, the borrower that it
    was for gets the error, and the next in line tries again. What `close` raises is told to the loop's exception
    handler. Who wants a limit for the time that either may take sets it inside: ``async with asyncio.timeout(5)``.

    Args:
        open: Opens a resource: a function that returns something to await.
        close: Closes one: a function that is called with it, and returns something to await.
        max_open: How many may be open at once.
        max_idle: How many are kept for later while nobody waits; None is all.
        max_lifetime: Seconds after its opening when a resource is closed, as soon as nobody has it; None is never.
        max_idle_time: Seconds after which a resource that nobody wanted is closed; None is never.
        check: Called with a resource that was idle before it is lent; plain or ``async def``. If the answer is false or
            an Exception is raised, the resource is closed and the next one is tried. None checks nothing.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: A function cannot be called, or a number is none.
        ValueError: A number is too small.

    Follows ``DB`` of Go's database/sql, and fatih/pool.
    """

    __slots__ = (
        *("_check_value", "_close_value", "_closed", "_closed_by", "_drain", "_free", "_lent", "_line", "_loop"),
        *("_max_open", "_open_value", "_opened", "_promised", "_shelf", "_waited", "_waits"),
    )

    def __init__(
        self,
        open: Callable[[], Awaitable[T]],  # noqa: A002 - the word for it
        close: Callable[[T], Awaitable[object]],
        *,
        max_open: SupportsIndex,
        max_idle: SupportsIndex | None = None,
        max_lifetime: float | None = None,
        max_idle_time: float | None = None,
        check: Callable[[T], object] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        for fn in (open, close) if check is None else (open, close, check):
            check_callable(fn)
        self._open_value, self._close_value, self._check_value = open, close, check
        self._max_open = self._free = whole("max_open", max_open, 1)
        room = self._max_open if max_idle is None else whole("max_idle", max_idle, 0)
        self._shelf = Shelf[T](Limits(max_lifetime, max_idle_time), room, self._tidy)
        self._promised = self._lent = self._waits = self._opened = 0
        self._waited = 0.0
        self._closed = False
        self._closed_by: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line = Line[None](self)
        self._drain = Line[None](self)

    # -- borrowing

    def lease(self) -> Lease[T]:
        """Make a lease, whose ``async with`` block borrows a resource and gives it back.

        Entering raises what `acquire` does.
        """
        return Lease(self)

    async def acquire(self) -> Lease[T]:
        """Borrow a resource until it is given to `release`; where a block will do, `lease` is safer.

        Raises:
            MisuseError: The pool is closed, perhaps while this waited.
            Exception: What opening has raised.
            Canceled: Opening was cancelled, but not by this task.
            WrongLoop: The pool is in use in another event loop.

        Cancellation: borrows nothing. A place that was promised goes on to the next in line; what is being opened is
        for the next one, too; what is being checked is closed.

        Follows ``DB.Conn``.
        """
        return await self._lend(Lease(self))

    async def release(self, lease: Lease[T]) -> None:
        """Give back what was borrowed. If it is closed now, wait until it is.

        Args:
            lease: What `acquire` returned.

        Raises:
            TypeError: It is no lease; what was borrowed is its value.
            NotHeld: It was given back before, or is a lease of another pool.
            WrongLoop: The pool is in use in another event loop. Nothing has changed.

        Cancellation: leaves the closing to the pool.

        Follows ``Conn.Close`` of Go's database/sql.
        """
        if not isinstance(lease, Lease):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{self!r} takes back the lease that acquire() returned, not {lease!r}")
        if lease._pool is not self:
            raise NotHeld(f"{lease!r} is no lease of {self!r}; give it back where it was borrowed")
        closing = self._take_back(lease, broken=False)
        if closing is not None:
            await closing.over.wait()

    async def close(self) -> None:
        """Lend nothing any more, close what is idle, and wait until all that was lent is back and closed.

        Whoever stands in line is refused. May be called again, and by several. Who has a resource, or is just being
        asked to open, check or close one, must not wait for this: it would wait for itself.

        Raises:
            WrongLoop: The pool is in use in another event loop.

        Cancellation: stops waiting; the pool stays closed, and what comes back is closed as before.

        Follows ``DB.Close``, which does not wait, and ``http.Server.Shutdown``, which does.
        """
        self._need_own_loop(asyncio.get_running_loop())
        if not self._closed:
            self._shut()
        if self._free < self._max_open:
            await self._drain.park(give_back=nothing)

    async def __aenter__(self) -> ResourcePool[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- to be looked at

    @property
    def lent(self) -> int:
        """How many resources have been lent and not been given back."""
        return self._lent

    @property
    def idle(self) -> int:
        """How many resources wait to be lent."""
        return len(self._shelf.stack)

    @property
    def waiters(self) -> int:
        """How many tasks wait for a resource."""
        return len(self._line)

    @property
    def closed(self) -> bool:
        """Whether nothing is lent any more."""
        return self._closed

    def stats(self) -> ResourceStats:
        """Return the state of the pool and what has happened to it, in numbers.

        Follows ``DB.Stats``.
        """
        return ResourceStats(
            max_open=self._max_open,
            open=self._in_use() + len(self._shelf.stack),
            lent=self._lent,
            idle=len(self._shelf.stack),
            waiting=len(self._line),
            waits=self._waits,
            waited=self._waited,
            opened=self._opened,
            closed=dict(self._closed_by),
        )

    # -- a resource is lent

    async def _lend(self, lease: Lease[T]) -> Lease[T]:
        if lease._asked:
            raise MisuseError(f"{lease!r} serves once; ask the pool for another one")
        lease._asked = True
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._need_own_loop(loop)
        if self._closed:
            raise self._refusal()
        if self._free:
            self._free -= 1
        else:
            await self._turn()
        stack = self._shelf.stack  # mostly something good lies there, and we are done
        if stack and self._check_value is None and ((until := stack[-1].until) == math.inf or loop.time() < until):
            resource = stack.pop()
        else:
            resource = await self._find(loop)
        lease._resource = resource
        self._lent += 1
        return lease

    async def _turn(self) -> None:
        """Wait for a place."""
        loop = asyncio.get_running_loop()
        self._waits += 1
        began = loop.time()
        try:
            await self._line.park(give_back=self._pass_on)
        finally:
            self._waited += loop.time() - began
        if self._closed:
            raise self._refusal()
        self._promised -= 1

    async def _find(self, loop: asyncio.AbstractEventLoop) -> Resource[T]:
        """Put a resource into our place: the newest that is good, or a new one."""
        shelf = self._shelf
        while shelf.stack:
            resource = shelf.stack.pop()
            reason = shelf.limits.verdict(resource, loop.time())
            if reason is None:
                if await self._is_well(resource):
                    return resource
                reason = "failed_check"
            closing = self._retire(resource, reason, wanted=True)
            if closing is not None:
                await closing.wait()  # before we open another one: there is but one place
            if self._closed:
                self._vacate()
                raise self._refusal()
        return await self._open(loop)

    async def _is_well(self, resource: Resource[T]) -> bool:
        if self._check_value is None:
            return True
        try:
            answer: Any = self._check_value(resource.value)
            return bool(await answer if inspect.isawaitable(answer) else answer)
        except Exception:  # noqa: BLE001 - however it fails to answer, it is not well
            return False
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and not _cancelled():
                return False  # something that it waits for was cancelled, and not the borrower
            self._retire(resource, "unusable")  # nobody knows how far the check got
            raise

    async def _open(self, loop: asyncio.AbstractEventLoop) -> Resource[T]:
        opening = Errand(self._settle_opening, wanted=True)
        try:
            await opening.start(loop, self._opening(loop), f"{self._what()}/open").wait()
            return self._opened_for_us(opening.task)
        finally:
            del opening  # the traceback of an error leads to this frame, which must not lead back to the error

    def _opened_for_us(self, task: asyncio.Task[Resource[T]]) -> Resource[T]:
        try:
            return task.result()
        except BaseException as error:
            self._vacate()
            if task.cancelled():  # and we are not
                what = f"the task {task.get_name()!r}, which opens a resource of {self!r}, was cancelled"
                raise Canceled(what) from error
            raise
        finally:
            del task

    async def _opening(self, loop: asyncio.AbstractEventLoop) -> Resource[T]:
        value = await call(self._open_value, ())
        self._opened += 1
        return self._shelf.limits.born(value, loop.time())

    def _settle_opening(self, task: asyncio.Task[Resource[T]]) -> None:
        """Take what was opened for somebody who has left."""
        if task.cancelled() or task.exception() is not None:
            tell_failure(task, repr(self))
            self._vacate()
        else:
            self._lay_aside(task.result())

    # -- a resource comes back

    def _take_back(self, lease: Lease[T], broken: bool) -> Errand[None] | None:
        """Take a resource back; return the errand that closes it, or None if it is kept."""
        resource = lease._resource
        if resource is None:
            raise NotHeld(f"{lease!r} was given back already, or never lent; give it back once")
        if (loop := running_loop()) is not None:  # None: a coroutine is closed after its loop
            self._need_own_loop(loop)
        lease._resource = None
        self._lent -= 1
        if broken or lease._unusable:
            return self._retire(resource, "unusable")
        return self._lay_aside(resource)

    def _lay_aside(self, resource: Resource[T]) -> Errand[None] | None:
        """Keep the resource of our place for the next one, or close it; in both cases the place is given back."""
        loop, shelf = self._loop, self._shelf
        assert loop is not None
        if self._closed:
            return self._retire(resource, "end")
        if resource.expires != math.inf and loop.time() >= resource.expires:
            return self._retire(resource, "max_lifetime")
        if len(shelf.stack) - self._promised >= shelf.room and not len(self._line):
            return self._retire(resource, "max_idle")
        shelf.lay(resource, loop)
        self._vacate()
        return None

    def _retire(self, resource: Resource[T], reason: Reason, *, wanted: bool = False) -> Errand[None] | None:
        """Close the resource of our place, which is given back when it is closed, unless somebody wants it.

        Returns:
            The errand that does it; None if the loop was closed, and nobody can.
        """
        self._closed_by[reason] += 1
        assert self._loop is not None
        if self._loop.is_closed():
            self._vacate()
            return None
        closing = Errand[None](lambda _task: self._vacate(), wanted=wanted)
        closing.start(self._loop, self._closing(resource), f"{self._what()}/close")
        tell_failure(closing.task, repr(self))
        return closing

    async def _closing(self, resource: Resource[T]) -> None:
        await call(self._close_value, (resource.value,))

    def _vacate(self) -> None:
        """Give our place back: to the first in line, if there is one."""
        if self._line.wake():  # nobody stands there once we are closed
            self._promised += 1
            return
        self._free += 1
        if self._closed and self._free == self._max_open:
            self._drain.wake_all()

    def _pass_on(self) -> None:
        """Give back a place that was promised to a task that was cancelled since."""
        if not self._closed:  # then it is not promised any more
            self._promised -= 1
            self._vacate()
            self._tidy()

    # -- idle resources are closed

    def _tidy(self) -> None:
        """Close the idle resources that are too old, or too many; not those for which somebody was promised a place."""
        if self._loop is not None and not self._loop.is_closed():
            self._retire_idle(self._shelf.sort_out(self._promised, self._loop))

    def _retire_idle(self, given_up: list[tuple[Resource[T], Reason]]) -> None:
        self._free -= len(given_up)  # they are there, by R1 and R3; all at once, as an eager task may borrow in between
        for resource, reason in given_up:
            self._retire(resource, reason)

    def _shut(self) -> None:
        self._closed = True
        self._free += self._promised
        self._promised = 0
        self._line.wake_all()
        self._retire_idle(self._shelf.clear())

    # -- to be told

    def _need_own_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise WrongLoop(
                f"{self!r} and its resources belong to the event loop that borrowed first; make a pool for each loop"
            )

    def _refusal(self) -> MisuseError:
        return MisuseError(f"{self!r} lends nothing any more; borrow before it is closed")

    def _in_use(self) -> int:
        return self._max_open - self._free - self._promised

    def _what(self) -> str:
        return "ResourcePool" if self.name is None else self.name

    def __repr__(self) -> str:
        name = f"at {id(self):#x}" if self.name is None else repr(self.name)
        is_open = f"{self._in_use() + len(self._shelf.stack)}/{self._max_open} open"
        closed = ", closed" if self._closed else ""
        return f"<ResourcePool {name} {is_open}, {self._lent} lent, {len(self._line)} waiting{closed}>"

    def _check(self) -> None:
        in_use, idle = self._in_use(), self.idle
        assert min(self._free, self._promised, self._lent) >= 0 and self._lent <= in_use, "R1: places were miscounted"
        assert not (self._free and len(self._line)), "R2: somebody waits beside a free place"
        assert idle + in_use <= self._max_open, "R3: more are open than may be"
        assert idle - self._promised <= self._shelf.room, "R4: more are idle than may be"
        assert not self._closed or not (idle or self._promised or len(self._line)), "R5: closed, and not cleared"
        assert not len(self._drain) or (self._closed and in_use), "R6: somebody waits for the end, which has come"
        for part in (self._line, self._drain):
            part._check()
        self._shelf._check(self._promised)

    def _snapshot(self) -> Any:
        return (
            [resource.value for resource in self._shelf.stack],
            (self._free, self._promised, self._lent, self._closed),
            (self._line._snapshot(), self._drain._snapshot()),
        )


def _cancelled() -> bool:
    """Tell whether the running task was asked to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
