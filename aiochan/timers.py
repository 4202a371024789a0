"""Time as channels: `after`, `at` and `tick`, and what can be stopped and set anew: `Timer` and `Ticker`.

Each is made of three parts:

    the loop's handle ---> _Alarm ---> Chan(1) ---> whoever sleeps there
                              ^
    _TimerEnd ----------------+                     the receive end: what users hold, and whoever waits

T1  The handle keeps the channel alive, and so the tasks that sleep there, as it does for `asyncio.sleep`: a task that
    nobody knows but its timer wakes all the same.
T2  The handle does not keep the end, and whoever waits does: the coroutine of a receive, the case of a select. So the
    death of an end tells that nobody waits and nobody ever will; it takes the handle off the loop.
T3  What was sent before `stop` or `reset` is received by nobody afterwards, but for receivers it had been promised to:
    the channel is cleared. Nor does the alarm go off again while such a promise is open, for whoever comes first takes
    the oldest value.
T4  An alarm has one handle at most, and none once its end is dead. The end may die anywhere, even in the middle of
    `fire` and in other threads, where the collector runs.

In Go a timer is in the heap only while somebody waits for it, since Go 1.23 (``runtime/time.go``, `blockTimerChan`). A
task of asyncio that waits cannot be asked for that at no cost; the death of an end costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math

from aiochan.core import Chan, CommaOk, RecvChan
from aiochan.errors import MisuseError, WrongLoop
from aiochan.loops import running_loop
from aiochan.seconds import check_seconds

__all__ = ["Ticker", "Timer", "after", "at", "tick"]

_MANY = 2.0**60  # more ticks are not missed at once; a whole number that a float can be multiplied with


def after(d: float) -> RecvChan[float]:
    """Return a channel on which one value arrives after `d` seconds: the loop's time then.

    It is meant for the case of a select that gives up waiting::

        match await ac.select(ac.recv(jobs), ac.recv(ac.after(5))):
            case 0, job: ...
            case 1, _: ...  # nobody had work for five seconds

    When nobody can receive from the channel any more, its timer leaves the loop at once: there is no need to stop it,
    even in a loop that makes a million of them. Follows Go's ``time.After``, as it is since Go 1.23.

    Args:
        d: Seconds from now; 0 or less for the next turn of the loop, ``math.inf`` for never.

    Raises:
        TypeError: `d` is no number.
        ValueError: `d` is nan.
        MisuseError: No event loop is running.
    """
    seconds, end = check_seconds("after(): d", d), _TimerEnd(_Alarm("after"))
    end.alarm.go_off_in(seconds)
    return end


def at(when: float) -> RecvChan[float]:
    """Return a channel on which one value arrives at the time `when`: the loop's time then.

    As `after`, on the clock of the loop. Follows ``time.After(time.Until(when))`` of Go.

    Args:
        when: A time of ``loop.time()``, in seconds; a time that has passed for the next turn of the loop, ``math.inf``
            for never.

    Raises:
        TypeError: `when` is no number.
        ValueError: `when` is nan.
        MisuseError: No event loop is running.
    """
    seconds, end = check_seconds("at(): when", when), _TimerEnd(_Alarm("at"))
    end.alarm.go_off_at(seconds)
    return end


def tick(period: float) -> RecvChan[float]:
    """Return a channel on which a value arrives every `period` seconds: the loop's time then.

    The first comes after one period. A tick that finds the last one still there is dropped, so a slow reader misses
    some; the others keep to the beat, however late the loop or the reader is. The channel never ends; when nobody can
    receive from it any more, its timer leaves the loop. Follows Go's ``time.Tick``, as it is since Go 1.23.

    Args:
        period: Seconds between two ticks, more than 0; ``math.inf`` for no tick at all.

    Raises:
        TypeError: `period` is no number.
        ValueError: `period` is 0, negative or nan.
        MisuseError: No event loop is running.
    """
    seconds, end = _period("tick", period), _TimerEnd(_Alarm("tick"))
    end.alarm.go_off_every(seconds)
    return end


class Timer:
    """A channel on which one value arrives, with a timer that can be stopped and set anew.

    Follows Go's ``time.Timer``, as it is since Go 1.23: after `stop` or `reset` nobody receives what was sent before.
    So there is nothing to drain first.

    Args:
        d: Seconds from now; 0 or less for the next turn of the loop, ``math.inf`` for never.

    Raises:
        TypeError: `d` is no number.
        ValueError: `d` is nan.
        MisuseError: No event loop is running.
    """

    __slots__ = ("__weakref__", "_end")

    def __init__(self, d: float) -> None:
        seconds = check_seconds("Timer(): d", d)
        self._end = _TimerEnd(_Alarm("Timer"))
        self._end.alarm.go_off_in(seconds)

    @property
    def ch(self) -> RecvChan[float]:
        """Where the value arrives: the loop's time when the timer went off. Always the same end."""
        return self._end

    def stop(self) -> bool:
        """Stop it: nothing arrives any more, and what has arrived and was not received is thrown away.

        What a woken receiver was promised is received, as far as the timer is concerned; if that receiver is cancelled
        before it runs, the value is thrown away too.

        Returns:
            True if this stopped it; False if its value was received, or if it was stopped before.

        Raises:
            MisuseError: No event loop is running.
            WrongLoop: It belongs to another event loop.
        """
        alarm = self._end.alarm
        alarm.check("Timer.stop")
        return alarm.stop()

    def reset(self, d: float) -> bool:
        """Stop it, as `stop` does, and let it go off in `d` seconds from now.

        Args:
            d: As for the timer itself.

        Returns:
            What `stop` would return.

        Raises:
            TypeError: `d` is no number.
            ValueError: `d` is nan.
            MisuseError: No event loop is running.
            WrongLoop: It belongs to another event loop.
        """
        seconds, alarm = check_seconds("Timer.reset(): d", d), self._end.alarm
        alarm.check("Timer.reset")
        stopped = alarm.stop()
        alarm.go_off_in(seconds)
        return stopped

    def __repr__(self) -> str:
        return f"<{self._end.alarm}>"


class Ticker:
    """A channel on which a value arrives every `period` seconds, with a timer that can be stopped and set anew.

    Ticks are as in `tick`. Follows Go's ``time.Ticker``, as it is since Go 1.23: after `stop` or `reset` nobody
    receives what was sent before.

    Args:
        period: Seconds between two ticks, more than 0; ``math.inf`` for no tick at all.

    Raises:
        TypeError: `period` is no number.
        ValueError: `period` is 0, negative or nan.
        MisuseError: No event loop is running.
    """

    __slots__ = ("__weakref__", "_end")

    def __init__(self, period: float) -> None:
        seconds = _period("Ticker", period)
        self._end = _TimerEnd(_Alarm("Ticker"))
        self._end.alarm.go_off_every(seconds)

    @property
    def ch(self) -> RecvChan[float]:
        """Where the ticks arrive: the loop's time at each. Always the same end; it is never closed."""
        return self._end

    def stop(self) -> None:
        """Stop it: no tick arrives any more, and one that was not received is thrown away.

        Whoever waits goes on waiting, until it is set anew.

        Raises:
            MisuseError: No event loop is running.
            WrongLoop: It belongs to another event loop.
        """
        alarm = self._end.alarm
        alarm.check("Ticker.stop")
        alarm.stop()

    def reset(self, period: float) -> None:
        """Stop it, as `stop` does, and let it tick anew, for the first time after one period from now.

        Args:
            period: As for the ticker itself.

        Raises:
            TypeError: `period` is no number.
            ValueError: `period` is 0, negative or nan.
            MisuseError: No event loop is running.
            WrongLoop: It belongs to another event loop.
        """
        seconds, alarm = _period("Ticker.reset", period), self._end.alarm
        alarm.check("Ticker.reset")
        alarm.stop()
        alarm.go_off_every(seconds)

    def __repr__(self) -> str:
        return f"<{self._end.alarm}>"


class _Alarm:
    """What the loop's handle, the end and its user have in common: when to send, and where to."""

    __slots__ = ("abandoned", "chan", "handle", "loop", "owes", "pending", "period", "start", "ticks", "when")

    def __init__(self, name: str) -> None:
        self.loop = _running_loop(name)
        # To call Chan[float] takes several times as long.
        self.chan: Chan[float] = Chan(1, name=name, overflow="drop_newest")
        self.handle: asyncio.Handle | None = None
        self.pending = False  # whether anything is to come
        self.owes = False  # whether a promise from before the last `stop` may still be open
        self.abandoned = False  # whether the end is dead

    # -- on

    def go_off_in(self, seconds: float) -> None:
        """Go off once."""
        self.go_off_at(self.loop.time() + seconds)

    def go_off_every(self, period: float) -> None:
        """Go off every `period` seconds."""
        self.start, self.ticks = self.loop.time(), 1
        self.go_off_at(self.start + period, period)

    def go_off_at(self, when: float, period: float = 0.0) -> None:
        """Go off at a time, and after that every `period` seconds if that is not 0."""
        self.pending = True
        self.when, self.period = when, period
        if when <= self.loop.time():
            self.go_off_soon()
        elif when < math.inf:
            self.handle = self.loop.call_at(when, self.fire, context=contextvars.Context())

    def go_off_soon(self) -> None:
        # In an empty context: that of whoever sets a timer is no business of the timer, and may hold much.
        self.handle = self.loop.call_soon(self.fire, context=contextvars.Context())

    def fire(self) -> None:
        """Go off; the loop calls it."""
        self.handle = None
        if self.owes and self.chan.stats().promised:
            self.go_off_soon()
        else:
            self.owes = False
            now = self.loop.time()
            if self.period:
                self.go_off_at(self.next_tick(now), self.period)
            else:
                self.pending = False
            self.chan.send_nowait(now)
        if self.abandoned:
            self.drop()

    def next_tick(self, now: float) -> float:
        """Count the ticks up to now, missed ones included, from the start: sums of periods would drift."""
        late = max(0.0, now - self.when)  # a loop may be early too, by the resolution of its clock
        self.ticks += 1 + int(min(late / self.period, _MANY))
        return self.start + self.ticks * self.period

    # -- off

    def stop(self) -> bool:
        """Leave the loop and take back what was not received; tell whether there was either."""
        pending, self.pending = self.pending, False
        self.drop()
        thrown_away = self.chan.clear()
        self.owes = self.chan.stats().promised > 0
        return pending or thrown_away > 0

    def drop(self) -> None:
        """Leave the loop."""
        handle, self.handle = self.handle, None
        if handle is not None:
            handle.cancel()

    def abandon(self) -> None:
        """Leave the loop for good, wherever and whenever the end may die: the collector runs in any thread."""
        self.abandoned = True
        if self.handle is None:
            return
        if running_loop() is self.loop:
            self.drop()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and has forgotten its handles
                self.loop.call_soon_threadsafe(self.drop)

    # -- who asks

    def check(self, who: str) -> None:
        """Refuse a caller from elsewhere."""
        if _running_loop(who) is not self.loop:
            raise WrongLoop(
                f"{who}() is called in another event loop than that of {self!r}; make a timer for each loop"
            )

    def __repr__(self) -> str:
        due = f"due at {self.when}" if self.pending else "over"
        every = f" every {self.period} s" if self.pending and self.period else ""
        return f"{self.chan.name} {due}{every}"


class _TimerEnd(RecvChan[float]):
    """The receive end of an alarm; it takes the alarm off the loop when it dies."""

    __slots__ = ("alarm",)

    def __init__(self, alarm: _Alarm) -> None:
        self.alarm = alarm
        super().__init__(alarm.chan)

    def __del__(self) -> None:
        self.alarm.abandon()

    # The coroutines of the channel know the channel only. These keep the end as long as they wait (T2), and no longer:
    # a cancelled task keeps its error, with a traceback that leads here.

    async def recv(self) -> float:
        try:
            return await super().recv()
        finally:
            del self

    async def recv_ok(self) -> CommaOk[float]:
        try:
            return await super().recv_ok()
        finally:
            del self

    async def __anext__(self) -> float:
        try:
            return await super().__anext__()
        finally:
            del self

    # As in Go: a value that nobody has received yet is no business of anybody but the timer, which may take it back.

    @property
    def capacity(self) -> float:
        return 0

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"<RecvChan of {self.alarm}>"

    def _check(self) -> None:
        self.alarm.chan._check()  # pyright: ignore[reportPrivateUsage]
        assert self.alarm.pending or self.alarm.handle is None, f"T4: {self!r} is over, and on the loop"

    def _snapshot(self) -> object:
        alarm = self.alarm
        inside = alarm.chan._snapshot()  # pyright: ignore[reportPrivateUsage]
        return inside, alarm.pending, alarm.when, alarm.period, alarm.owes

    def __fingerprint__(self) -> object:
        return self.alarm


def _running_loop(who: str) -> asyncio.AbstractEventLoop:
    if (loop := running_loop()) is None:
        raise MisuseError(f"{who}() needs a running event loop: call it in a coroutine or in a callback")
    return loop


def _period(who: str, value: float) -> float:
    if (period := check_seconds(f"{who}(): period", value)) <= 0:
        raise ValueError(f"{who}(): period must be more than 0 seconds, not {value!r}")
    return period
