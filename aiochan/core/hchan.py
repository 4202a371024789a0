"""A channel: one queue of values, and three lines of sleeping tasks.

    held       the values that were sent and not yet taken, oldest first: the ring, and what receivers were promised
    granted    how many of them are promised: permits of receivers that were woken and have not run yet
    reserved   places that were given to producers who have not produced yet (`Chan.reserve`)
    recvq      receivers asleep              sendq   senders asleep              slotq   reservations asleep

    surplus    len(held) - granted: what a newcomer may take, and what ``len(ch)`` tells
    room       open and surplus + reserved < capacity

A woken receiver owns a permit, not a value (core/waiters.py says why): when it runs it takes the oldest value,
whichever that is by then. If it is cancelled first, its permit goes to the next in line, or else simply lapses; the
values have not moved. The value of a sender that was let in from the line stands in `held` as `Admitted`, so that a
late cancellation can still find it and take it back.

`clear` cannot break a promise, so it remembers how many there were (`_void`, in numbers that `_received` counts up to):
a permit from then that is given back takes its value out of the channel instead of going to the next in line.

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

The life of an operation: try (`_put`, `_take`), else line up and sleep (`_line_up`), and when it runs again redeem what
it was granted (`_redeem`), or give it back (`_pass_on`, `_take_back`). All changes of state are here, and synchronous;
chan.py and select.py call them and do the sleeping.
"""

from __future__ import annotations

import asyncio
import math
import operator
from collections import deque
from threading import get_ident
from typing import Any, Final, Literal, TypeAlias, cast

from aiochan.core import hooks
from aiochan.core.ends import End
from aiochan.core.runqueue import RunQueue, running_queue, wrong_loop
from aiochan.core.stats import Snapshot, Stats
from aiochan.core.waiters import CLOSED, GRANTED, PARKED, Line, Parked, Waiter, undisturbed
from aiochan.errors import ChannelClosed

__all__ = ["END", "MUST_WAIT", "RECV", "RECV_OK", "RESERVE", "SEND", "WAIT", "Admitted", "HChan", "whole"]

RECV, RECV_OK, SEND, RESERVE = "recv", "recv_ok", "send", "reserve"  # what a task may want of a channel
OVERFLOWS = WAIT, DROP_OLDEST, DROP_NEWEST = "wait", "drop_oldest", "drop_newest"
Overflow: TypeAlias = Literal["wait", "drop_oldest", "drop_newest"]

MUST_WAIT: Final = object()  # the answers of _take that are no value
END: Final = object()

get_running_loop = asyncio.get_running_loop


class Admitted:
    """A value whose sender was let in from the line: it may still be taken back. Nobody outside ever sees one."""

    __slots__ = ("sender",)

    def __init__(self, sender: Any) -> None:
        self.sender: Waiter = sender


class HChan(End):
    """The state of a channel, and everything that changes it; `Chan` is its face, and the only subclass."""

    __slots__ = (
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
        "_void",
    )

    def __init__(self, capacity: float = 0, *, name: str | None = None, overflow: Overflow = "wait") -> None:
        self._capacity = whole(capacity)
        if not isinstance(name, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of a channel is a string, not {name!r}")
        if overflow not in OVERFLOWS:
            raise ValueError(f"overflow must be one of {', '.join(OVERFLOWS)}, not {overflow!r}")
        if overflow != WAIT and self._capacity < 1:
            raise ValueError(f"overflow={overflow!r} needs a capacity of at least 1, not {capacity!r}")
        self._name = name
        self._overflow = overflow
        self._limit = self._capacity  # what room is measured by: -1 once closed
        self._closed = False
        self._cause: BaseException | None = None
        self._held: deque[Any] = deque()
        self._granted: int = 0
        self._reserved: int = 0
        self._received = self._dropped = self._arrivals = self._void = 0
        self._recvq: Line | None = None  # see _line
        self._sendq: Line | None = None
        self._slotq: Line | None = None
        self._queue: RunQueue | None = None  # of the loop that first waited here

    # -- send

    def _put(self, value: Any, index: int | None = None) -> bool:
        """Send now if that can be done now: the synchronous half of every send."""
        if (queue := self._queue) is not None and queue.thread != get_ident():
            queue.check_thread(self)
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
        undisturbed(lambda: self._remove(sender))
        self._admit()

    def _remove(self, sender: Waiter) -> None:
        held = self._held
        if len(held) == self._granted:
            return  # one of the promises would be broken
        for i, pair in enumerate(zip(held, reversed(held), strict=True)):  # mostly it is at one of the ends
            for at, item in zip((i, len(held) - 1 - i), pair, strict=True):
                if type(item) is Admitted and item.sender is sender:
                    del held[at]
                    self._void -= self._received + at < self._void
                    return

    def _take(self) -> Any:
        """Receive now if that can be done now: the synchronous half of every receive."""
        if (queue := self._queue) is not None and queue.thread != get_ident():
            queue.check_thread(self)
        held = self._held
        if len(held) > self._granted:
            value = held.popleft()
            if self._sendq or self._slotq:
                self._admit()
        elif (q := self._sendq) and (sender := q.grant(GRANTED)) is not None:
            if held:  # all of it promised: the new one goes behind, and whoever runs takes the oldest
                held.append(Admitted(sender))
                value = held.popleft()
            else:
                value = sender.value
        else:
            return END if self._closed and not held else MUST_WAIT
        self._received += 1
        return value.sender.value if type(value) is Admitted else value

    def _redeem(self) -> Any:
        """Turn a permit into the oldest value. Surplus stays what it was, so nobody can be let in for it."""
        self._granted -= 1
        self._received += 1
        value = self._held.popleft()
        if self._closed and not self._held:
            self._tell_end()
        return value.sender.value if type(value) is Admitted else value

    def _pass_on(self) -> None:
        """Hand on the permit of a receiver that was cancelled before it ran."""
        if self._received < self._void:
            _last = self._throw_away()
            return
        if (q := self._recvq) and q.grant(GRANTED) is not None:
            return
        self._granted -= 1  # the value stays where it is, for whoever comes
        if self._overflow == DROP_OLDEST and len(self._held) - self._granted > self._capacity:
            self._drop_oldest()

    def _throw_away(self) -> Any:
        """Let fall a value that was promised before a `clear`, and given back after it."""
        self._granted -= 1
        self._void -= 1
        self._dropped += 1
        value = self._held.popleft()
        if self._closed and not self._held:
            self._tell_end()
        return value

    def _clear(self) -> int:
        """Empty the channel but for what is promised."""
        if self._queue is not None:
            self._queue.check_thread(self)
        held = self._held
        thrown_away = [held.popleft() for _ in range(len(held) - self._granted)]  # they die when all is in order
        self._dropped += len(thrown_away)
        self._void = self._received + self._granted
        self._admit()
        return len(thrown_away)

    def _use_place(self, value: Any) -> None:
        """Put a value into a reserved place, whatever else is there by now."""
        if self._queue is not None:
            self._queue.check_thread(self)
        if self._closed:
            raise self._error(SEND)
        if (q := self._recvq) and q.grant(GRANTED) is not None:
            self._granted += 1
        self._held.append(value)
        self._reserved -= 1
        self._admit()  # a value that went to a receiver left its place free

    def _return_place(self) -> None:
        if self._queue is not None:
            self._queue.check_thread(self)
        self._reserved -= 1
        self._admit()

    # -- sleep and wake

    def _line_up(self, line: Line | None, kind: str, value: Any) -> Waiter:
        """Stand in line for what cannot be done now."""
        queue = self._queue
        if queue is None or not (queue.draining and queue.thread == get_ident()):
            queue = self._own()
        if line is None:
            line = self._line(kind)
        waiter = Waiter()  # as `sleeper` makes it, which would be a call more for everybody who sleeps
        waiter.queue = queue
        waiter.get_loop = queue.get_loop
        waiter.line = line
        waiter.kind = kind
        waiter.value = value
        waiter.state = PARKED
        waiter.wakeup = None
        waiter._asyncio_future_blocking = True  # pyright: ignore[reportPrivateUsage]
        waiter.ticket = self._ticket() if self._slotq is not None else 0
        line.append(waiter)
        # A finaliser may have used this channel since we looked; from here on it finds us in line.
        surplus = len(self._held) - self._granted
        if (surplus > 0 if kind == RECV else surplus + self._reserved < self._limit) or self._closed:
            self._settle()
        return waiter

    def _room(self) -> bool:
        return len(self._held) - self._granted + self._reserved < self._limit

    def _settle(self) -> None:
        """Serve whoever can be served, so that C2 .. C4 hold."""
        while len(self._held) > self._granted and (q := self._recvq):
            self._granted += 1  # first: a finaliser that runs in the grant must not take this value for surplus
            if q.grant(GRANTED) is None:
                self._granted -= 1
        self._admit()
        if self._closed:
            self._tell_closed()

    def _own(self) -> RunQueue:
        """Belong to the running loop, from the first wait on."""
        queue = self._queue
        if queue is None:
            self._queue = queue = running_queue()
            return queue
        queue.check_thread(self)
        if queue.loop is not get_running_loop():
            raise wrong_loop(self, queue)
        return queue

    def _line(self, kind: str) -> Line:
        """Make a line, for the first who stands in it."""
        line = Line(self)
        if kind == SEND:
            self._sendq = line
        elif kind == RESERVE:
            self._slotq = line
        else:
            self._recvq = line
        return line

    def _ticket(self) -> int:
        """Number an arrival, since two lines wait for room. Until the first reservation there is only one."""
        self._arrivals += 1
        return self._arrivals

    def _admit(self) -> None:
        """Give new room to who has waited longest for it, sender or reservation."""
        held, limit = self._held, self._limit
        while len(held) - self._granted + self._reserved < limit:
            sender = q.first() if (q := self._sendq) else None
            slot = q.first() if (q := self._slotq) else None
            if sender is not None and (slot is None or sender.ticket < slot.ticket):
                held.append(Admitted(cast(Line, self._sendq).grant(GRANTED)))
            elif slot is not None:
                self._reserved += 1
                if cast(Line, self._slotq).grant(GRANTED) is None:  # a finaliser was quicker
                    self._reserved -= 1
            else:
                return

    # -- close

    def _close(self, cause: BaseException | None) -> None:
        if not isinstance(cause, BaseException | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the cause of a close is an exception or None, not {cause!r}")
        if self._queue is not None:
            self._queue.check_thread(self)
        if self._closed:
            raise self._error("close")
        self._closed, self._cause, self._limit = True, cause, -1
        self._tell_closed()
        if hooks.observer is not None:
            hooks.observer.closed(self)

    def _tell_closed(self) -> None:
        if not self._held:
            self._tell_end()
        for line in (self._sendq, self._slotq):
            while line and line.grant(CLOSED) is not None:
                pass

    def _tell_end(self) -> None:
        while (q := self._recvq) and q.grant(CLOSED) is not None:
            pass

    def _error(self, doing: str, index: int | None = None) -> ChannelClosed:
        error = ChannelClosed(self, index, doing)
        error.__cause__ = self._cause
        return error

    # -- to be looked at

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

    __eq__ = object.__eq__  # pyright: ignore[reportAssignmentType]
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
            tuple((v.sender.value, True) if type(v) is Admitted else (v, False) for v in self._held),
            self._granted,
            self._reserved,
            self._closed,
            self._dropped,
            self._received,
            self._cause,
            self._overflow,
            tuple(v.sender if type(v) is Admitted else None for v in self._held),
            line(self._recvq),
            line(self._sendq),
            line(self._slotq),
            max(0, self._void - self._received),
        )


def _sleeping(line: Line | None) -> int:
    return line.sleeping() if line else 0


def _places(line: Line | None) -> list[Any]:
    return line.places() if line else []


def whole(capacity: float) -> float:
    """Check a capacity, and make a genuine whole number of it."""
    if capacity == math.inf:
        return math.inf
    if isinstance(capacity, bool):
        raise TypeError(f"capacity must be a whole number >= 0 or math.inf, not {capacity!r}")
    try:
        number = operator.index(cast(Any, capacity))
    except TypeError:
        text = f"capacity must be a whole number >= 0 or math.inf, not {capacity!r}"
        raise TypeError(text) from None
    if number < 0:
        raise ValueError(f"capacity must be >= 0, not {capacity!r}")
    return number
