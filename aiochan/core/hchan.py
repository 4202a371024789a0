"""A channel: one queue of values, and three lines of sleeping tasks.

    held       the values that were sent and not yet taken, oldest first: the ring, and what woken receivers were promised
    granted    how many of them are promised: permits of receivers that were woken and have not run yet
    reserved   places that were given to producers who have not produced yet (`Chan.reserve`)
    recvq      receivers asleep              sendq   senders asleep              slotq   reservations asleep

    surplus    len(held) - granted: what a newcomer may take, and what ``len(ch)`` tells
    room       open and surplus + reserved < capacity

A woken receiver owns a permit, not a value (core/waiters.py says why): when it runs it takes the oldest value, whichever
that is by then. If it is cancelled first, its permit goes to the next in line, or else simply lapses; the values have
not moved. A sender that was let in from the line leaves its `Waiter` in `held` instead of the bare value, so that a late
cancellation can still take that value back.

An operation looks only for what it needs - surplus or a sleeping sender; room or a sleeping receiver - and never at its
own kind: if there is surplus, nobody sleeps in recvq (C2), so nobody can be overtaken.

Invariants, true whenever no method is running; `_check` asserts them
---------------------------------------------------------------------
C1  0 <= granted <= len(held), and 0 <= reserved.
C2  surplus => nobody sleeps in recvq.
C3  room => nobody sleeps in sendq or slotq.
C4  closed => nobody sleeps in sendq or slotq, and in recvq only while something is held.
C5  whoever sleeps in recvq and sendq at once is alone in both: a select, which is never its own partner.
C6  a dropping channel has no sleeping senders; ``drop_oldest`` never holds more than its capacity of surplus.
Surplus may exceed the capacity, by the number of receivers that were cancelled after a value had been promised to them
with nobody in line behind them. So "surplus <= capacity" is not an invariant.

The life of an operation: try (`_put`, `_take`: all changes of state, synchronous, shared with select), else park.
`send` and `recv` each begin with a shortcut of their synchronous half, for the case in which nobody sleeps.
"""

from __future__ import annotations

import asyncio
import math
import operator
from collections import deque
from threading import get_ident
from typing import Any, Final, Generic, TypeVar, cast

from aiochan.core import hooks, runqueue
from aiochan.core.ends import CommaOk, RecvChan, SendChan
from aiochan.core.reservation import Reservation
from aiochan.core.runqueue import RunQueue, breathe, running_queue, wrong_loop
from aiochan.core.stats import Snapshot, Stats
from aiochan.core.waiters import CLOSED, GRANTED, Line, Parked, Waiter
from aiochan.errors import ChannelClosed, WouldBlock

__all__ = ["END", "MUST_WAIT", "RECV", "RECV_OK", "SEND", "Chan"]

T = TypeVar("T")

RECV, RECV_OK, SEND, RESERVE = "recv", "recv_ok", "send", "reserve"  # what a task may want of a channel
OVERFLOWS = WAIT, DROP_OLDEST, DROP_NEWEST = "wait", "drop_oldest", "drop_newest"

MUST_WAIT: Final = object()  # the answers of _take that are no value
END: Final = object()

get_running_loop = asyncio.get_running_loop


class Chan(SendChan[T], RecvChan[T], Generic[T]):
    """A channel with Go's meaning: typed values from senders to receivers, first come, first served.

    Follows Go's ``make(chan T, capacity)``, with cancellation that loses nothing. Any object is a value, None included.

    Args:
        capacity: How many values fit in while nobody receives: 0 for a rendezvous, a whole number for a ring of that
            size, ``math.inf`` for no limit.
        name: Shown in ``repr``, in errors and in reports.
        overflow: What a send into a full channel does: ``"wait"``; ``"drop_oldest"`` lets the oldest value fall that
            nobody was promised (with capacity 1: the latest value only); ``"drop_newest"`` lets the arriving one fall.

    Raises:
        TypeError: `capacity` is no whole number, or `name` no string.
        ValueError: `capacity` is negative, `overflow` is unknown, or a dropping channel has no room for one value.
    """

    __slots__ = (
        "__weakref__",
        "_arrivals",
        "_capacity",
        "_cause",
        "_closed",
        "_dropped",
        "_granted",
        "_held",
        "_limit",
        "_name",
        "_overflow",
        "_queue",
        "_received",
        "_recvq",
        "_reserved",
        "_sendq",
        "_slotq",
    )

    def __init__(self, capacity: float = 0, *, name: str | None = None, overflow: str = WAIT) -> None:
        self._capacity = _whole(capacity)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of a channel is a string, not {name!r}")
        if overflow not in OVERFLOWS:
            raise ValueError(f"overflow must be one of {', '.join(OVERFLOWS)}, not {overflow!r}")
        if overflow != WAIT and capacity < 1:
            raise ValueError(f"overflow={overflow!r} needs a capacity of at least 1, not {capacity!r}")
        self._name = name
        self._overflow = overflow
        self._limit = self._capacity  # what room is measured by: -1 once closed
        self._closed = False
        self._cause: BaseException | None = None
        self._held: deque[Any] = deque()
        self._granted = self._reserved = 0
        self._received = self._dropped = self._arrivals = 0
        self._recvq: Line | None = None  # lines are made for the first who stands in them
        self._sendq: Line | None = None
        self._slotq: Line | None = None
        self._queue: RunQueue | None = None  # of the loop that first waited here

    # -- send

    async def send(self, value: T) -> None:
        """Send `value`, waiting until there is room for it or a receiver.

        Returns when the value is in the channel, or was taken by or promised to a receiver. Follows Go's ``ch <- v``.

        Raises:
            ChannelClosed: The channel is closed, or was while this waited; the value was not sent.
            WrongLoop: The channel belongs to another loop or thread.

        Cancellation: the value was not sent, with one exception: a receiver already had it or was promised it. (If that
        receiver is cancelled too, with nobody behind it, the value stays in the channel, even at capacity 0.)
        """
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        if len(self._held) - self._granted + self._reserved < self._limit and not self._recvq:
            self._held.append(value)
            return
        if self._put(value):
            return
        waiter = self._line_up(SEND, value)
        try:
            await waiter
        except BaseException:
            if waiter.state == GRANTED:
                self._take_back(waiter)
            else:
                waiter.quit()
            raise
        if waiter.state == CLOSED:
            raise self._error(SEND)

    def send_nowait(self, value: T) -> None:
        """Send `value` now, as a Go ``select`` with a ``default`` does.

        Raises:
            WouldBlock: There is neither room nor a receiver.
            ChannelClosed: The channel is closed.
            WrongLoop: The channel belongs to another thread.
        """
        if not self._put(value):
            raise WouldBlock(f"no room and no receiver: {self!r}")

    def _put(self, value: Any, index: int | None = None) -> bool:
        """Send now if that can be done now: the synchronous half of every send."""
        if self._queue is not None and self._queue.thread != get_ident():
            raise wrong_loop(self, self._queue)
        if self._closed:
            raise self._error(SEND, index)
        held = self._held
        if (q := self._recvq) and q.grant(GRANTED) is not None:
            self._granted += 1
            held.append(value)
        elif len(held) - self._granted + self._reserved < self._limit:
            held.append(value)
        elif self._overflow == WAIT:
            return False
        elif self._overflow == DROP_NEWEST:
            self._dropped += 1
        else:
            held.append(value)
            value = self._drop_oldest()  # named, so that it dies when all is in order again
        return True

    def _drop_oldest(self) -> Any:
        held, first = self._held, self._granted  # those before it are promised
        value = held[first]
        del held[first]
        self._dropped += 1
        return value

    def _take_back(self, sender: Waiter) -> None:
        """Undo a send from the line that was granted and then cancelled, if no receiver counts on it."""
        held = self._held
        if len(held) == self._granted:
            return  # one of the promises would be broken
        for back, item in enumerate(reversed(held), 1):
            if item is sender:
                del held[-back]
                self._admit()
                return

    # -- receive

    async def recv(self) -> T:
        """Receive the next value, waiting for it. Follows Go's ``<-ch``.

        Raises:
            ChannelClosed: The channel is closed and drained.
            WrongLoop: The channel belongs to another loop or thread.

        Cancellation: nothing was received. What this task had been promised goes to the next in line, in order.
        """
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        value = self._take()
        if value is MUST_WAIT:
            waiter = self._line_up(RECV, None)
            try:
                await waiter
            except BaseException:
                if waiter.state == GRANTED:
                    self._pass_on()
                else:
                    waiter.quit()
                raise
            value = END if waiter.state == CLOSED else self._redeem()
        if value is END:
            raise self._error(RECV)
        return cast(T, value)

    async def recv_ok(self) -> CommaOk[T]:
        """Receive ``(value, True)``, or ``(None, False)`` once closed and drained. Follows Go's ``v, ok := <-ch``.

        Raises:
            WrongLoop: The channel belongs to another loop or thread.

        Cancellation: nothing was received, as in `recv`.
        """
        try:
            return await self.recv(), True
        except ChannelClosed:
            return None, False

    def recv_nowait(self) -> T:
        """Receive the next value now, as a Go ``select`` with a ``default`` does.

        Raises:
            WouldBlock: There is no value that nobody was promised, and no sender.
            ChannelClosed: The channel is closed and drained.
            WrongLoop: The channel belongs to another thread.
        """
        value = self._take()
        if value is MUST_WAIT:
            raise WouldBlock(f"no value and no sender: {self!r}")
        if value is END:
            raise self._error(RECV)
        return cast(T, value)

    def __aiter__(self) -> Chan[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.recv()
        except ChannelClosed:
            if self._cause is not None:
                raise
            raise StopAsyncIteration from None

    def _take(self) -> Any:
        """Receive now if that can be done now: the synchronous half of every receive."""
        if self._queue is not None and self._queue.thread != get_ident():
            raise wrong_loop(self, self._queue)
        held = self._held
        if len(held) > self._granted:
            value = held.popleft()
            if self._sendq or self._slotq:
                self._admit()
        elif (q := self._sendq) and (sender := q.grant(GRANTED)) is not None:
            held.append(sender)  # behind what is promised: whoever runs takes the oldest
            value = held.popleft()
        else:
            return END if self._closed and not held else MUST_WAIT
        self._received += 1
        return value.value if type(value) is Waiter else value

    def _redeem(self) -> Any:
        """Turn a permit into the oldest value. Surplus stays what it was, so nobody can be let in for it."""
        self._granted -= 1
        self._received += 1
        value = self._held.popleft()
        if self._closed and not self._held:
            self._tell_end()
        return value.value if type(value) is Waiter else value

    def _pass_on(self) -> None:
        """Hand on the permit of a receiver that was cancelled before it ran."""
        if (q := self._recvq) and q.grant(GRANTED) is not None:
            return
        self._granted -= 1  # the value stays where it is, for whoever comes
        if self._overflow == DROP_OLDEST and len(self._held) - self._granted > self._capacity:
            self._drop_oldest()

    # -- reserve

    def reserve(self) -> Reservation[T]:
        """Take a place first and produce the value later: ``async with ch.reserve() as place: place.send(v)``.

        Reservations and senders share one line, by arrival. A value that is sent through a place enters when it is
        sent, ahead of the senders asleep then. A place that is not used goes to the next in line. Follows tokio's
        ``Sender::reserve``.

        Raises:
            ValueError: A rendezvous or dropping channel has no places to give.
        """
        if self._capacity < 1 or self._overflow != WAIT:
            raise ValueError(f"only a channel with room that makes senders wait has places to reserve: {self!r}")
        return Reservation(self)

    async def _reserve_place(self) -> None:
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        if self._queue is not None and self._queue.thread != get_ident():
            raise wrong_loop(self, self._queue)
        if self._closed:
            raise self._error(RESERVE)
        if len(self._held) - self._granted + self._reserved < self._limit:
            self._reserved += 1
            return
        waiter = self._line_up(RESERVE, None)
        try:
            await waiter
        except BaseException:
            if waiter.state == GRANTED:
                self._return_place()
            else:
                waiter.quit()
            raise
        if waiter.state == CLOSED:
            raise self._error(RESERVE)

    def _use_place(self, value: Any) -> None:
        """Put a value into a reserved place, whatever else is there by now."""
        if self._queue is not None and self._queue.thread != get_ident():
            raise wrong_loop(self, self._queue)
        if self._closed:
            raise self._error(SEND)
        self._held.append(value)
        if (q := self._recvq) and q.grant(GRANTED) is not None:
            self._granted += 1
        self._return_place()  # a value that went to a receiver left its place free

    def _return_place(self) -> None:
        self._reserved -= 1
        self._admit()

    # -- sleep and wake

    def _line_up(self, kind: str, value: Any) -> Waiter:
        """Stand in line for what cannot be done now."""
        queue = self._own()
        line = self._line(kind)
        waiter = Waiter(queue, line, kind, value)
        self._arrivals = waiter.ticket = self._arrivals + 1
        line.append(waiter)
        return waiter

    def _own(self) -> RunQueue:
        """Belong to the running loop, from the first wait on."""
        queue = self._queue
        if queue is None:
            self._queue = queue = running_queue()
        elif queue.loop is not get_running_loop():
            raise wrong_loop(self, queue)
        return queue

    def _line(self, kind: str) -> Line:
        """Find the line of those who want `kind`, made for the first of them."""
        attribute = "_sendq" if kind == SEND else "_slotq" if kind == RESERVE else "_recvq"
        line: Line | None = getattr(self, attribute)
        if line is None:
            line = Line(self)
            setattr(self, attribute, line)
        return line

    def _admit(self) -> None:
        """Give new room to who has waited longest for it, sender or reservation."""
        held, limit = self._held, self._limit
        while len(held) - self._granted + self._reserved < limit:
            sender = q.first() if (q := self._sendq) else None
            slot = q.first() if (q := self._slotq) else None
            if sender is not None and (slot is None or sender.ticket < slot.ticket):
                held.append(cast(Line, self._sendq).grant(GRANTED))
            elif slot is not None:
                cast(Line, self._slotq).grant(GRANTED)
                self._reserved += 1
            else:
                return

    # -- close

    def close(self, cause: BaseException | None = None) -> None:
        """Close the channel: nothing can be sent any more, what is in it can still be received.

        Sleeping senders and reservations are told at once and their values are not sent; sleeping receivers are told
        first, or, while values are promised, when the last of these was taken. Follows Go's ``close(ch)``.

        Args:
            cause: Why, if not simply because all is done. It is the ``__cause__`` of every `ChannelClosed` from here
                on, and ``async for`` ends by raising that instead of just ending.

        Raises:
            ChannelClosed: It is closed already.
            TypeError: `cause` is no exception.
            WrongLoop: The channel belongs to another thread.
        """
        if cause is not None and not isinstance(cause, BaseException):
            raise TypeError(f"the cause of a close is an exception or None, not {cause!r}")
        if self._queue is not None and self._queue.thread != get_ident():
            raise wrong_loop(self, self._queue)
        if self._closed:
            raise self._error("close")
        self._closed, self._cause, self._limit = True, cause, -1
        if not self._held:
            self._tell_end()
        for line in (self._sendq, self._slotq):
            while line and line.grant(CLOSED) is not None:
                pass
        if hooks.observer is not None:
            hooks.observer.closed(self)

    def _tell_end(self) -> None:
        while (q := self._recvq) and q.grant(CLOSED) is not None:
            pass

    def _error(self, doing: str, index: int | None = None) -> ChannelClosed:
        error = ChannelClosed(self, index, doing)
        error.__cause__ = self._cause
        return error

    # -- to be looked at

    @property
    def sender(self) -> SendChan[T]:
        """The send end alone, as Go's ``chan<- T``."""
        return SendChan(self)

    @property
    def receiver(self) -> RecvChan[T]:
        """The receive end alone, as Go's ``<-chan T``."""
        return RecvChan(self)

    @property
    def capacity(self) -> float:
        """How many values fit in: 0, a whole number, or ``math.inf``."""
        return self._capacity

    @property
    def closed(self) -> bool:
        """Whether it was closed; values may still be in it."""
        return self._closed

    @property
    def name(self) -> str | None:
        """The name it was made with."""
        return self._name

    def stats(self) -> Stats:
        """Count what is in the channel, who waits for it and what has gone through."""
        held = len(self._held)
        return Stats(
            length=held - self._granted,
            promised=self._granted,
            reserved=self._reserved,
            capacity=self._capacity,
            parked_senders=_sleeping(self._sendq) + _sleeping(self._slotq),
            parked_receivers=_sleeping(self._recvq),
            sent=self._received + self._dropped + held,
            received=self._received,
            dropped=self._dropped,
            closed=self._closed,
        )

    def __len__(self) -> int:
        return len(self._held) - self._granted

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        name = repr(self._name) if self._name is not None else f"at {id(self):#x}"
        overflow = "" if self._overflow == WAIT else f" {self._overflow}"
        stats = self.stats()
        return (
            f"<Chan {name} {stats.length}/{self._capacity}{overflow} {'closed' if self._closed else 'open'},"
            f" {stats.parked_senders} senders {stats.parked_receivers} receivers parked>"
        )

    def _check(self) -> None:
        """Assert the invariants; see the top of the file."""
        recvq, sendq, slotq = map(_places, (self._recvq, self._sendq, self._slotq))
        surplus, senders = len(self._held) - self._granted, sendq + slotq
        room = not self._closed and surplus + self._reserved < self._capacity
        assert 0 <= self._granted <= len(self._held) and self._reserved >= 0, f"C1: {self!r}"
        assert not (surplus and recvq), f"C2: a receiver sleeps beside a value: {self!r}"
        assert not (room and senders), f"C3: somebody sleeps beside a free place: {self!r}"
        assert not (self._closed and senders), f"C4: a sender sleeps on a closed channel: {self!r}"
        assert not (self._closed and recvq and not self._held), f"C4: nobody told the end: {self!r}"
        both = {id(getattr(place, "waiter", place)) for place in recvq + sendq}
        assert not (recvq and sendq) or len(both) == 1, f"C5: partners asleep side by side: {self!r}"
        if self._overflow != WAIT:
            assert not senders, f"C6: {self!r}"
            assert self._overflow == DROP_NEWEST or surplus <= self._capacity, f"C6: {self!r}"
        for line in (self._recvq, self._sendq, self._slotq):
            assert _sleeping(line) == len(_places(line)), f"W2: tombstones miscounted: {self!r}"

    def _snapshot(self) -> Snapshot:
        def line(q: Line | None) -> tuple[Parked, ...]:
            return tuple(place.parked() for place in _places(q))

        return Snapshot(
            tuple((v.value, True) if type(v) is Waiter else (v, False) for v in self._held),
            self._granted,
            self._reserved,
            self._closed,
            self._dropped,
            self._received,
            line(self._recvq),
            line(self._sendq),
            line(self._slotq),
        )


def _sleeping(line: Line | None) -> int:
    return line.sleeping() if line else 0


def _places(line: Line | None) -> list[Any]:
    return line.places() if line else []


def _whole(capacity: float) -> float:
    if capacity == math.inf:
        return math.inf
    if isinstance(capacity, bool):
        raise TypeError(f"capacity must be a whole number >= 0 or math.inf, not {capacity!r}")
    try:
        whole = operator.index(cast(Any, capacity))
    except TypeError:
        text = f"capacity must be a whole number >= 0 or math.inf, not {capacity!r}"
        raise TypeError(text) from None
    if whole < 0:
        raise ValueError(f"capacity must be >= 0, not {capacity!r}")
    return whole
