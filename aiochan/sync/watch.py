"""The latest value of something, and word of it to all who wait for the next one.

Theory of operation
-------------------
A value that is set has a number, its version. `changed` waits for a version above the one that its caller has seen, and
reads the value when it runs; so nobody misses the last value, however many there were in between. A view is a channel
of one place in which the newest value pushes out the one before it (``drop_oldest``), for whoever wants to select.

    Watch ---> Chan ---> whoever sleeps there           so a task sleeps safely that nobody knows but this
      ^         ^
      +- _View -+        the receive end: what people hold, and whoever waits

The death of a `_View` tells that nobody receives any more and nobody ever will; it takes its channel off. It may die
anywhere, even in the middle of a `set` and in other threads, where the collector runs.

Invariants
----------
V1  The version counts what was set. It never goes back.
V2  Whoever sleeps in `changed` has seen the version that is there: all others were woken.
V3  The newest value in a view is the value of the watch, unless all of its values were received.
V4  A receiver sleeps at a view only if nothing is in it.
"""

# A view takes itself off, and channels are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, SupportsIndex, TypeVar

from aiochan.calling import check_callable
from aiochan.core import Chan, CommaOk, RecvChan
from aiochan.counts import whole
from aiochan.errors import MisuseError
from aiochan.sync.primitive import Line, Primitive, nothing

__all__ = ["Watch"]

T = TypeVar("T")


class Watch(Primitive, Generic[T]):
    """Keep one value that many read and wait for, and few replace: a configuration, a leader, a state.

        config = ac.Watch(load_config())
        config.set(load_config())                        # where it is known that there is a new one

        async for current in config.watch():             # the value now, and then always the newest
            apply(current)

    Readers get the value itself, not a copy: replace it by another one, and do not change it in place. A reader who is
    slow misses values, but never the last one. Setting an equal value is a change like any other.

    Args:
        value: What it holds at first; any object, None included.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `name` is no string.

    Follows Go's ``atomic.Value`` and tokio's ``watch``.
    """

    __slots__ = ("_line", "_value", "_version", "_views")

    def __init__(self, value: T, name: str | None = None) -> None:
        super().__init__(name)
        self._value = value
        self._version = 0
        self._line = Line[None](self)
        self._views: dict[int, Chan[T]] = {}  # by the id of the channel: one that dies in between is taken out at once

    # -- now

    def get(self) -> T:
        """Return the value. Follows ``Value.Load``."""
        return self._value

    @property
    def version(self) -> int:
        """How often it was set."""
        return self._version

    def set(self, value: T) -> None:
        """Replace the value, and tell all who wait. Follows ``Value.Store``.

        Raises:
            WrongLoop: Tasks of another thread wait for it.
        """
        self.swap(value)

    def swap(self, value: T) -> T:
        """Replace the value, and return the one before it. Follows ``Value.Swap``.

        Raises:
            WrongLoop: Tasks of another thread wait for it.
        """
        self._line.wake_all()  # first, as it refuses another thread; they run when we are through
        old, self._value = self._value, value
        self._version += 1
        if self._views:
            for chan in list(self._views.values()):
                chan.send_nowait(self._value)  # not `value`: a finaliser of the old one may have set a newer one
        return old

    def update(self, fn: Callable[[T], T]) -> T:
        """Replace the value by what `fn` makes of it, and return that.

            hits.update(lambda n: n + 1)

        Args:
            fn: Called with the value; a plain function, so that nobody can come in between. If it raises, nothing has
                changed.

        Raises:
            TypeError: `fn` cannot be called, or returned a coroutine.
            MisuseError: `fn` has set this very watch, so that its answer is out of date.
            WrongLoop: Tasks of another thread wait for it.
        """
        check_callable(fn)
        version = self._version
        value = fn(self._value)
        if asyncio.iscoroutine(value):
            value.close()
            raise TypeError(f"update() of {self!r} takes a plain function, not {fn!r}: await first, and set() then")
        if version != self._version:
            raise MisuseError(f"{fn!r} has set {self!r} while it made a new value for it; let it return the value only")
        self.swap(value)
        return value

    def compare_and_set(self, old: T, new: T) -> bool:
        """Replace the value if it is `old`, or equal to it, and tell whether that was so.

        Equal is what ``==`` says, as for the items of a list. Whoever has to know that nothing was set in between
        remembers the `version`. Follows ``Value.CompareAndSwap``.

        Raises:
            WrongLoop: Tasks of another thread wait for it.
        """
        version = -1
        while version != self._version:  # once, unless the comparison itself sets this watch
            version = self._version
            if not (self._value is old or self._value == old):
                return False
        self.swap(new)
        return True

    # -- the next one

    async def changed(self, since: SupportsIndex | None = None) -> T:
        """Wait for a newer value than the version `since`, and return the newest one.

            seen = config.version
            while True:
                current = await config.changed(seen)
                seen = config.version                    # of `current`, as nothing was awaited in between

        Args:
            since: The version that is known already. If there is a newer one this returns at once, so that nothing is
                missed between two calls. Left out, it is the version now.

        Raises:
            TypeError: `since` is no whole number.
            ValueError: `since` is negative, or there is no such version yet.
            WrongLoop: Tasks of another loop or thread wait for it.

        Cancellation: changes nothing.
        """
        seen = self._version if since is None else whole("since", since, 0)
        if seen > self._version:
            raise ValueError(f"{self!r} has no version {seen} yet; remember its .version when you read the value")
        while self._version == seen:
            await self._line.park(give_back=nothing)
        return self._value

    def watch(self) -> RecvChan[T]:
        """Return a channel on which the value arrives, and then always the newest.

        Of all values that are set between two receives only the last one arrives. A receiver that waits is promised the
        first value that is set, and gets that one even if it is not the newest any more when it runs; the newest comes
        next. Each call makes another view, which begins with the value now. There is nothing to close: a view that
        nobody holds any more, and nobody waits on, is forgotten.
        """
        return _View(self, Chan[T](1, name=self._name, overflow="drop_oldest"))

    # -- to be looked at

    def __repr__(self) -> str:
        waiting = len(self._line) + sum(chan.stats().parked_receivers for chan in list(self._views.values()))
        return f"<{self._title()} version {self._version}, {waiting} waiting>"

    def _check(self) -> None:
        assert self._version >= 0, "V1"
        self._line._check()
        for chan in self._views.values():
            chan._check()  # V4: C2 of the channel
            held = chan._snapshot().held
            assert not held or held[-1][0] is self._value, f"V3: {self!r} has a view that is out of date: {held}"

    def _snapshot(self) -> object:
        return self._value, self._version, self._line._snapshot(), [chan._snapshot() for chan in self._views.values()]


class _View(RecvChan[T]):
    """The receive end of a view; its channel is taken off the watch when it dies."""

    __slots__ = ("_key", "_watch")

    def __init__(self, watch: Watch[T], chan: Chan[T]) -> None:
        self._watch, self._key = watch, id(chan)
        super().__init__(chan)
        chan.send_nowait(watch._value)
        watch._views[self._key] = chan

    def __del__(self) -> None:
        self._watch._views.pop(self._key, None)

    # The coroutines of the channel know the channel only. These keep the view as long as they wait, and no longer: a
    # cancelled task keeps its error, with a traceback that leads here.

    async def recv(self) -> T:
        try:
            return await super().recv()
        finally:
            del self

    async def recv_ok(self) -> CommaOk[T]:
        try:
            return await super().recv_ok()
        finally:
            del self

    async def __anext__(self) -> T:
        try:
            return await super().__anext__()
        finally:
            del self

    def __fingerprint__(self) -> object:
        return self._watch._views[self._key], self._watch
