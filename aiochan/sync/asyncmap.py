"""A map with the steps that are one step, a value that is made once, and a lock for each key.

Theory of operation
-------------------
Between two awaits nobody else runs, so a dict is a map for many tasks already. What it lacks is what takes longer: to
make a missing value while others ask for it, and to keep others out of one key. Both leave nothing behind.

A value that is being made has a *call* under its key: the others wait there. The first one makes the value in its own
task; whoever that fails tells everybody; whoever is cancelled there hands the turn to the next in line, which is woken
without an answer. So "one at a time" holds, and nobody's cancellation is anybody else's.

A store in between is the answer for all who wait: they are told at once, and the value that is being made is dropped in
favour of it. The call itself stays, with nobody in its line, until the factory is through; so a key that is deleted and
asked for meanwhile is not made twice at the same time.

A key that is locked has an entry among the locks, and a line from the first who has to wait on. Unlocking hands over to
the next, or takes the entry out.

Invariants
----------
A1  Nobody sleeps for a value that is there.
A2  A call that was answered does not stand under its key any more.
A3  A key has a lock entry only while it is locked, and a call only while its value is made, or its turn was handed to
    somebody who has not run yet.
"""

# The lines are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Hashable, ItemsView, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Generic, TypeAlias, TypeVar, TypeVarTuple

from aiochan.calling import call, check_callable
from aiochan.core import CommaOk
from aiochan.errors import MisuseError, NotHeld
from aiochan.raising import raise_as_it_was
from aiochan.sync.owned import Side
from aiochan.sync.primitive import Line, Primitive

__all__ = ["AsyncMap"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Ts = TypeVarTuple("Ts")

_Answer: TypeAlias = "tuple[Any, BaseException | None, TracebackType | None]"
_MISSING: Final[Any] = object()


class AsyncMap(Primitive, Generic[K, V]):
    """Map keys to values for many tasks: values that are made once, and a lock for each key.

        users = ac.AsyncMap[int, User]()
        user = await users.get_or_create(7, fetch_user, 7)   # one fetch, however many ask at the same time

        async with users.locking(7):                         # nobody else is in here with 7
            await save(user)

    Methods that wait are coroutines; all others are one step, as everything is between two awaits.

    Args:
        items: What is in it at first: a mapping, or pairs of a key and a value.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `items` is none of these, or `name` is no string.

    Follows Go's ``sync.Map``; what it adds is `get_or_create` and the locks.
    """

    __slots__ = ("_calls", "_items", "_locks")

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), name: str | None = None) -> None:
        super().__init__(name)
        self._items: dict[K, V] = dict(items)
        self._calls: dict[K, _Call] = {}
        self._locks: dict[K, Line[None] | None] = {}

    # -- one step

    def load(self, key: K) -> CommaOk[V]:
        """Return ``(value, True)``, or ``(None, False)`` if there is none. Follows ``Map.Load``."""
        value: Any = self._items.get(key, _MISSING)
        return (None, False) if value is _MISSING else (value, True)

    def store(self, key: K, value: V) -> None:
        """Set the value of a key; who waits for it to be made gets this one. Follows ``Map.Store``.

        Raises:
            WrongLoop: Tasks of another thread wait for it.
        """
        if self._calls:
            self._answer(key, value)
        self._items[key] = value

    def load_or_store(self, key: K, value: V) -> tuple[V, bool]:
        """Return the value that is there, and True; or else set this one, and return it and False.

        Raises:
            WrongLoop: Tasks of another thread wait for it.

        Follows ``Map.LoadOrStore``.
        """
        actual: Any = self._items.get(key, _MISSING)
        if actual is not _MISSING:
            return actual, True
        self.store(key, value)
        return value, False

    def load_and_delete(self, key: K) -> CommaOk[V]:
        """Take a key out, and return what `load` would have returned. Follows ``Map.LoadAndDelete``."""
        value: Any = self._items.pop(key, _MISSING)
        return (None, False) if value is _MISSING else (value, True)

    def delete(self, key: K) -> None:
        """Take a key out, if it is there. Follows ``Map.Delete``.

        A value that is being made is not there yet: it will be.
        """
        self._items.pop(key, None)

    def swap(self, key: K, value: V) -> CommaOk[V]:
        """Set the value of a key, and return what `load` would have returned before. Follows ``Map.Swap``.

        Raises:
            WrongLoop: Tasks of another thread wait for it.
        """
        before = self.load(key)
        self.store(key, value)
        return before

    def compare_and_swap(self, key: K, old: V, new: V) -> bool:
        """Set the value of a key if it is `old`, or equal to it, and tell whether that was so.

        Follows ``Map.CompareAndSwap``.
        """
        if holds := self._holds(key, old):
            self._items[key] = new
        return holds

    def compare_and_delete(self, key: K, old: V) -> bool:
        """Take a key out if its value is `old`, or equal to it, and tell whether that was so.

        Follows ``Map.CompareAndDelete``.
        """
        if holds := self._holds(key, old):
            del self._items[key]
        return holds

    def _holds(self, key: K, old: V) -> bool:
        value: Any = self._items.get(key, _MISSING)
        while value is not _MISSING and (value is old or value == old):
            seen, value = value, self._items.get(key, _MISSING)
            if value is seen:  # else the comparison itself has changed it
                return True
        return False

    def range(self) -> ItemsView[K, V]:
        """Return all keys with their values, as they are now: later changes do not show, and do no harm.

            for key, value in users.range():
                await check(value)                           # others may store and delete meanwhile

        Follows ``Map.Range``; leave the loop where Go's function returns false.
        """
        return self._items.copy().items()

    def clear(self) -> None:
        """Take all keys out; locks and values that are being made are not touched. Follows ``Map.Clear``."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    # -- a value that is made once

    async def get_or_create(self, key: K, factory: Callable[[*Ts], Awaitable[V]], *args: *Ts) -> V:
        """Return the value of a key; if there is none, make it by ``await factory(*args)`` and store it.

        Of all who ask for one key at the same time, one calls its factory in its own task, and the others wait for what
        comes of it. If a value is stored meanwhile, that one counts: who waits gets it at once, and what the factory
        returns is dropped, unless the value was deleted again by then.

        Args:
            key: The key.
            factory: A function that returns an awaitable.
            args: What it is called with.

        Returns:
            The value that is in the map.

        Raises:
            TypeError: `factory` cannot be called, or what it returned cannot be awaited.
            Exception: What the factory raised; all who wait for it get the same, and nothing is stored.
            MisuseError: The factory asks for the key that it is making.
            WrongLoop: Tasks of another loop or thread wait for it.

        Cancellation: goes on to the factory, if this task has called it; then the next who waits calls its own.
        """
        check_callable(factory)
        value: Any = self._items.get(key, _MISSING)
        if value is _MISSING:
            value = await self._join(key, factory, args)
        made: V = value
        return made

    async def _join(self, key: K, factory: Callable[[*Ts], Awaitable[V]], args: tuple[*Ts]) -> V:
        making = self._calls.get(key)
        if making is None:
            self._calls[key] = _Call(Line(self))
        else:
            if making.runner is not None and making.runner is asyncio.current_task():
                raise MisuseError(f"{self!r} is asked for {key!r} by what makes {key!r}: it would wait for itself")
            await making.line.park(give_back=functools.partial(self._hand_on, key, making))
            answer = making.answer
            del making
            if answer is not None:
                try:
                    value: V = _told(answer)
                    return value
                finally:
                    del answer  # the traceback of an error leads here, and must not lead on to itself
        return await self._make(key, factory, args)

    async def _make(self, key: K, factory: Callable[[*Ts], Awaitable[V]], args: tuple[*Ts]) -> V:
        self._calls[key].runner = asyncio.current_task()
        try:
            value = await call(factory, args)
        except Exception as error:
            self._calls.pop(key).tell((None, error, error.__traceback__))
            raise
        except BaseException:
            self._hand_on(key, self._calls[key])
            raise
        value = self._items.setdefault(key, value)
        self._calls.pop(key).tell((value, None, None))
        return value

    def _answer(self, key: K, value: V) -> None:
        """Tell those who wait for a value to be made that there is one."""
        making = self._calls.get(key)
        if making is None:
            return
        making.tell((value, None, None))
        if making.runner is None:  # its turn was handed on, to one of those who were told now
            del self._calls[key]
        else:
            self._calls[key] = _Call(Line(self), making.runner)

    def _hand_on(self, key: K, making: _Call) -> None:
        """Let the next one make the value: who had the turn was cancelled. Who was answered has none."""
        if making.answer is None:
            making.runner = None
            if not making.line.wake():
                del self._calls[key]

    # -- a lock for each key

    async def lock(self, key: K) -> None:
        """Lock a key, waiting until nobody else has it; whether it is in the map does not matter.

        First come, first served. A task that locks the same key again waits for itself.

        Raises:
            WrongLoop: Tasks of another loop or thread wait for it.

        Cancellation: the key is not locked. What this task had been handed goes to the next in line.
        """
        if key not in self._locks:
            self._locks[key] = None
            return
        line = self._locks[key]
        if line is None:
            line = self._locks[key] = Line[None](self)
        await line.park(give_back=functools.partial(self.unlock, key))

    def unlock(self, key: K) -> None:
        """Unlock a key, and hand it to who has waited longest. Any task may do that.

        Raises:
            NotHeld: The key is not locked.
            WrongLoop: Tasks of another thread wait for it.
        """
        if key not in self._locks:
            raise NotHeld(f"unlock of the unlocked key {key!r} of {self!r}: unlock once for each lock")
        line = self._locks[key]
        if line is None or not line.wake():
            del self._locks[key]

    def locking(self, key: K) -> AbstractAsyncContextManager[None]:
        """Lock a key for a block: ``async with users.locking(7):``."""
        return Side(f"key {key!r}", self, functools.partial(self.lock, key), functools.partial(self.unlock, key))

    # -- to be looked at

    def __repr__(self) -> str:
        making = f", {len(self._calls)} being made" if self._calls else ""
        locked = f", {len(self._locks)} locked" if self._locks else ""
        return f"<{self._title()} {len(self._items)} items{making}{locked}>"

    def _check(self) -> None:
        for key, making in self._calls.items():
            making.line._check()
            assert key not in self._items or not len(making.line), f"A1: somebody waits for {key!r}, which is there"
            assert making.answer is None, f"A2: the call for {key!r} was answered"
        for line in self._locks.values():
            if line is not None:
                line._check()

    def _snapshot(self) -> object:
        calls = {key: (making.runner is None, making.line._snapshot()) for key, making in self._calls.items()}
        locks = {key: line and line._snapshot() for key, line in self._locks.items()}
        return dict(self._items), calls, locks


class _Call:
    """Those who wait for one answer: a value or an error."""

    __slots__ = ("answer", "line", "runner")

    def __init__(self, line: Line[None], runner: asyncio.Task[Any] | None = None) -> None:
        self.line = line
        self.runner = runner  # who makes the value; None before it has begun
        self.answer: _Answer | None = None

    def tell(self, answer: _Answer) -> None:
        self.line.wake_all()  # first, as it refuses another thread; they run when we are through
        self.answer = answer


def _told(answer: _Answer) -> Any:
    value, error, trace = answer
    if error is None:
        return value
    try:
        raise_as_it_was(error, trace)
    finally:
        del answer, error, trace  # the traceback leads here
