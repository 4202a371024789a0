"""Who sleeps, who may wake it, and what a late cancellation does.

The one rule about cancellation
-------------------------------
asyncio can cancel a task in the same turn of the loop in which its wait was already granted. Then ``CancelledError``
arrives although a value, a place or a lock was promised. So:

    A woken waiter holds a permit, never the thing itself;
    a cancelled waiter passes its permit on, at once and in line.

Everything that parks does it in this shape, and awaits nothing on its way out::

    sleeper(waiter := Waiter(), queue, line, kind, value)
    line.append(waiter)
    try:
        await waiter
    except BaseException:                 # CancelledError, GeneratorExit, KeyboardInterrupt: the same for all
        if waiter.state == GRANTED:
            ...                           # give back what was granted; the next in line gets it, synchronously
        else:
            waiter.quit()                 # out of every line
        raise

Who waits for a turn and not for a value uses `WaitQueue`, which is this shape and nothing else.

Theory of operation
-------------------
A `Waiter` is what the task awaits (asyncio takes it for a future) and, for a plain operation, its place in a line as
well. A select is one `Waiter` with a `Place` in each of its lines. `commit` is where "who won" is decided.

Invariants
----------
W1  A waiter's state leaves PARKED once and never changes again.
W2  Whoever is not PARKED stands in no line. What may be left there is a tombstone, counted in `Line.dead`, that keeps
    no value and no task alive; so ``len(line) - line.dead`` tasks sleep in a line, at any moment.
W3  A waiter that was cancelled is dead in that moment, long before its task runs: nothing is ever granted to it.
W4  Woken tasks run in the order in which they were woken.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from aiochan.core import hooks
from aiochan.core.runqueue import Pinned, RunQueue, running_queue, wrong_loop

__all__ = [
    "CANCELLED",
    "CLOSED",
    "GRANTED",
    "PARKED",
    "Line",
    "Parked",
    "Place",
    "Selecting",
    "WaitQueue",
    "Waiter",
    "sleeper",
    "undisturbed",
]

PARKED, CANCELLED, GRANTED, CLOSED = range(4)  # the order matters: below GRANTED nobody answered
STATES = "parked", "cancelled", "granted", "closed"

T = TypeVar("T")


class Parked(NamedTuple):
    """One sleeping task in one line, as ``_snapshot()`` shows it."""

    owner: asyncio.Task[Any] | None
    kind: str
    index: int | None  # type: ignore[assignment]  # of the case in a select; nobody searches a Parked
    value: Any
    ticket: int


def undisturbed(step: Callable[[], object]) -> None:
    """Walk over a line or a ring with the collector off: a finaliser might change what is walked over."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        step()
    finally:
        if collecting:
            gc.enable()


class Line(deque[Any]):
    """First come, first served.

    Leaving from the middle leaves a tombstone; a line that is mostly tombstones is rebuilt. So joining, leaving and
    granting cost O(1), averaged over time.
    """

    __slots__ = ("dead", "home", "last")

    def __init__(self, home: object) -> None:
        self.dead = 0
        self.home = weakref.ref(home)  # weak, or a channel would need the garbage collector to die
        self.last = 0  # the number of the select that joined last: it needs no second place

    def sleeping(self) -> int:
        """Count who sleeps here."""
        return len(self) - self.dead

    def places(self) -> list[Any]:
        """List who sleeps here, first come first."""
        return [place for place in list(self) if not place.state]

    def bury(self) -> None:
        """Count one more tombstone."""
        self.dead = dead = self.dead + 1
        if dead > 16 and 2 * dead > len(self):
            undisturbed(self.sweep)

    def sweep(self) -> None:
        """Take all tombstones away."""
        living = self.places()
        self.clear()
        self.extend(living)
        self.dead = 0

    def first(self) -> Any:
        """Find who is served next; None when nobody sleeps here."""
        while self:
            place = self[0]
            if not place.state:
                return place
            if self and self[0] is place:  # else a signal handler has used this line in between
                self.popleft()
                self.dead -= 1
        return None

    def grant(self, outcome: int) -> Waiter | None:
        """Commit who is served next, and return its waiter; None when nobody sleeps here."""
        while self:
            waiter: Waiter | None = self.popleft().commit(outcome)
            if waiter is not None:
                return waiter
            self.dead -= 1
        return None


class Waiter:
    """One sleeping task: what it awaits and, for a plain operation, its place in line as well."""

    __slots__ = (
        "_asyncio_future_blocking",
        "context",
        "get_loop",
        "kind",
        "line",
        "message",
        "queue",
        "state",
        "ticket",
        "value",
        "wakeup",
    )

    queue: RunQueue
    line: Line | None  # none for a select, which has places, and for a tombstone
    kind: str
    value: Any
    state: int
    ticket: int  # by arrival, among those who wait for room
    message: object  # of who cancelled it
    wakeup: Callable[[Any], object] | None
    context: contextvars.Context | None  # given together with the wake-up
    get_loop: Callable[[], asyncio.AbstractEventLoop]  # of whose tasks may wait for this
    _asyncio_future_blocking: bool  # that it may be waited for at all

    # -- what asyncio.Task asks of a future that it waits for

    def __await__(self) -> Generator[Waiter, None, None]:
        try:
            yield self
        except asyncio.CancelledError as error:
            if self.state == CANCELLED:  # twice in one turn; as with a future, what the first one said counts
                error.args = () if self.message is None else (self.message,)
            raise
        if self.state < GRANTED:
            if self.state == PARKED:
                raise RuntimeError("a sleeping operation was resumed although nobody woke it")
            message = self.message
            raise asyncio.CancelledError() if message is None else asyncio.CancelledError(message)

    def add_done_callback(self, wakeup: Callable[[Any], object], *, context: contextvars.Context | None = None) -> None:
        """Remember how to wake the task; it is asleep from now on."""
        self.context = contextvars.copy_context() if context is None else context
        self.wakeup = wakeup
        if hooks.observer is not None:
            hooks.observer.parked(self)
        if self.state:  # decided meanwhile, by a finaliser that ran in the middle of our own steps: say it again
            outcome, self.state = self.state, PARKED
            self.commit(outcome)

    def done(self) -> bool:
        """Tell whether this wait is decided; anyio asks."""
        return self.state != PARKED

    def cancel(self, msg: object = None) -> bool:
        """Take the task out of every line and wake it with a CancelledError; False when it was decided before."""
        if self.state:
            return False
        self.message = msg
        if self.commit(CANCELLED) is None:
            return False
        self.leave()
        return True

    # -- what becomes of it

    def commit(self, outcome: int) -> Waiter | None:
        """Decide this wait and wake the task; None when it was decided before."""
        if self.state:
            return None
        self.state = outcome
        if (wakeup := self.wakeup) is not None:
            if hooks.observer is not None:
                (hooks.observer.left if outcome == CANCELLED else hooks.observer.woken)(self)
            queue, context = self.queue, self.context
            self.wakeup = self.context = None  # a value that nobody reads yet must not keep its sender's task alive
            queue.push((wakeup, context))  # type: ignore[arg-type]
            if not queue.scheduled:
                queue.schedule()
        return self

    def quit(self) -> None:
        """Leave every line: the coroutine was thrown into or closed in its sleep. Nothing once decided."""
        if not self.state:
            self.state, self.message = CANCELLED, None
            if hooks.observer is not None and self.wakeup is not None:  # a select can be refused half way in
                hooks.observer.left(self)
            if self.owner is None:  # else we may run inside the task's own end, which must not be its last reference
                self.wakeup = None
            self.context = None
            self.leave()

    def leave(self) -> None:
        """Turn what stands in line into a tombstone, which keeps nothing alive, not even in a circle with its line."""
        line, self.line = self.line, None
        _last, self.value = self.value, None  # dies when all is in order: its finaliser may use this very channel
        if line is not None:
            line.bury()

    # -- to be looked at

    @property
    def owner(self) -> asyncio.Task[Any] | None:
        """The task that sleeps, if it is a task."""
        task: Any = getattr(self.wakeup, "__self__", None)
        return task if isinstance(task, asyncio.Task) else None  # pyright: ignore[reportUnknownVariableType]

    def waits_for(self) -> list[tuple[object, str, int | None]]:
        """List the objects it sleeps on, or what woke it: each with what it wants there, and its case in a select."""
        return [(self.line.home(), self.kind, None)] if self.line is not None else []

    def parked(self) -> Parked:
        """Describe it as a place in line."""
        return Parked(self.owner, self.kind, None, self.value, self.ticket)

    def __repr__(self) -> str:
        places = self.waits_for()
        wants = ", ".join(f"{kind} on {thing!r}" for thing, kind, _ in places[:3])
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        return f"<Waiter {STATES[self.state]}: {wants or self.kind}{more}>"

    def _snapshot(self) -> tuple[str, str, int | None]:
        return STATES[self.state], self.kind, None


def sleeper(waiter: Waiter, queue: RunQueue, line: Line | None, kind: str, value: Any) -> None:
    """Begin a waiter; `HChan._line_up` does the same, in place."""
    waiter.queue = queue
    waiter.get_loop = queue.get_loop
    waiter.line = line
    waiter.kind = kind
    waiter.value = value
    waiter.state = PARKED
    waiter.ticket = 0
    waiter.wakeup = None
    waiter._asyncio_future_blocking = True  # pyright: ignore[reportPrivateUsage]


class Selecting(Waiter):
    """One sleeping select: no place of its own, but one in each of its lines."""

    __slots__ = ("stands", "won")

    stands: list[Place]
    won: Place | None  # the place that was served

    def leave(self) -> None:
        """Turn the places that were not served into tombstones; the one that was is out of its line already."""
        super().leave()
        won = self.won  # the values that were not sent stay alive in the arguments of the select, which is still there
        stands, self.stands = self.stands, [] if won is None else [won]
        for place in stands:
            line = place.line
            if place is won:
                pass
            elif line and line[-1] is place:  # mostly nobody lined up behind it: it goes, and leaves no tombstone
                line.pop()
            else:
                place.line, place.case, place.waiter = None, None, _NOBODY
                line.bury()

    def waits_for(self) -> list[tuple[object, str, int | None]]:
        """List the objects it sleeps on, or what woke it: each with what it wants there, and its case in a select."""
        return [(place.line.home(), place.kind, place.index) for place in self.stands if place.line is not None]

    def _snapshot(self) -> tuple[str, str, int | None]:
        won = self.won
        return STATES[self.state], won.kind if won else self.kind, won.index if won else None


class Place:
    """Where a select stands in one line: the case it speaks for there."""

    __slots__ = ("case", "drawn", "index", "line", "ticket", "waiter")

    waiter: Selecting  # all of these are set where it is made, in select._stand: it makes many
    line: Any
    index: int
    case: Any
    ticket: int
    drawn: int  # how many cases of the select could stand here

    @property
    def state(self) -> int:
        """The state of the waiter; of a tombstone, that of nobody."""
        return self.waiter.state

    @property
    def kind(self) -> str:
        """What it wants here."""
        kind: str = self.case[1]
        return kind

    def commit(self, outcome: int) -> Waiter | None:
        """Decide the select for this case: its task is woken, and it leaves all its other lines at once."""
        waiter = self.waiter
        if waiter.state:
            return None
        waiter.won = self
        if waiter.commit(outcome) is None:  # Ctrl-C has cancelled it in between, and buried us
            waiter.won = None
            self.line.dead += 1  # `grant` takes us for the tombstone that it has just taken away
            return None
        if len(waiter.stands) > 1:
            waiter.leave()
        waiter.value = self.case[2]  # of a send; nobody asks a receiver
        return waiter

    def parked(self) -> Parked:
        """Describe it as a place in line."""
        value = self.case[2] if self.kind == "send" else None
        return Parked(self.waiter.owner, self.kind, self.index, value, self.ticket)


_NOBODY = Selecting.__new__(Selecting)  # whose tombstones are those of a select
_NOBODY.state = CANCELLED


class WaitQueue(Pinned, Generic[T]):
    """A line of tasks that wait for their turn: what locks, semaphores and barriers are built on.

    It parks and wakes, first come first served, and knows nothing else: what the turn is good for is the caller's
    state, to be changed by whoever wakes, at once, so that nobody can slip in before the woken task runs. A lock::

        async def lock(self) -> None:
            if self.locked:
                await self.line.park(give_back=self.unlock)  # woken: the lock is ours already
            self.locked = True

        def unlock(self) -> None:
            if not self.line.wake():                         # handed to the longest waiting, or else free
                self.locked = False

    A queue is always true; ``len(queue)`` tells whether anybody sleeps.

    After Go's ``runtime.sema`` and trio's ``ParkingLot``, with the rule of cancellation that asyncio needs.

    Args:
        name: Shown in ``repr`` and in reports.
    """

    __slots__ = ("__weakref__", "_line", "_name", "_queue")

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._queue: RunQueue | None = None
        self._line = Line(self)

    async def park(self, tag: T | None = None, give_back: Callable[[], object] | None = None) -> None:
        """Sleep until somebody wakes this task.

        Args:
            tag: What this task wants, for whoever wakes to see (`first`); None if there is nothing to tell.
            give_back: Called when the task was woken and then cancelled before it ran, so that what it was granted
                goes on to the next in line. It must not wait. Left out, it is `wake`.

        Raises:
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: loses nothing. Asleep, the task leaves the line and nobody else moves; woken already, it calls
        `give_back` before the CancelledError goes on.
        """
        queue = running_queue()
        if self._queue is not queue:
            if self._queue is not None and self._queue.loop is not queue.loop:
                raise wrong_loop(self, self._queue)
            self._queue = queue
        sleeper(waiter := Waiter(), queue, self._line, "wait", tag)
        tag = None  # it may be the task itself, whose error leads to this frame
        self._line.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.state == GRANTED:
                (self.wake if give_back is None else give_back)()
            else:
                waiter.quit()
            raise
        finally:
            waiter.value = give_back = None  # the tag; and what is bound to it, mostly

    def wake(self, n: int = 1) -> int:
        """Wake the `n` tasks that have waited longest.

        Returns:
            How many were woken: less than `n` when no more sleep here.

        Raises:
            ValueError: `n` is negative.
            WrongLoop: They belong to the loop of another thread.
        """
        if n < 0:
            raise ValueError(f"cannot wake {n} tasks; n must be >= 0")
        if self._queue is not None:
            self._queue.check_thread(self)
        woken = 0
        while woken < n and self._line.grant(GRANTED) is not None:
            woken += 1
        return woken

    def wake_all(self) -> int:
        """Wake everybody who sleeps here now, and return how many that were."""
        return self.wake(len(self))

    @property
    def first(self) -> T | None:
        """The tag of the task that has waited longest; None when nobody sleeps here."""
        place = self._line.first()
        return None if place is None else place.value

    def __len__(self) -> int:
        return self._line.sleeping()

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[T | None]:
        return iter([waiter.value for waiter in self._line.places()])

    def __repr__(self) -> str:
        name = f"{self._name!r}" if self._name is not None else f"at {id(self):#x}"
        return f"<WaitQueue {name}, {len(self)} parked>"

    def _check(self) -> None:
        places = self._line.places()
        assert len(self._line) - self._line.dead == len(places), "W2: tombstones miscounted"

    def _snapshot(self) -> tuple[Parked, ...]:
        return tuple(place.parked() for place in self._line.places())
