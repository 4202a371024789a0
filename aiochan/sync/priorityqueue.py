"""A queue from which the best item leaves first, with a close that everybody hears of.

Theory of operation
-------------------
As in a channel, a woken popper holds a permit and not an item (core/waiters.py says why): when it runs it takes the
best item there is by then. If it is cancelled first, its permit goes to the next in line, or else lapses; the item has
not moved. What nobody was promised is for whoever comes.

Entries are ``(rank, number, item)``; the numbers make equals leave in the order in which they came, and see to it that
items are never compared when there is a key. Tuples ask ``==`` first, which classes that define ``<`` alone answer by
identity; so the rank is the key itself only where these two are known to agree, and else a `_Rank`. A comparison may
raise in the middle of a move of `heapq`, which has shifted entries along one path of the heap by then; `_shift_back`
shifts them back, so that nothing is lost or out of order because of one item that cannot be compared. A comparison that
uses the queue itself would tear that path, so it is refused while entries move.

Invariants
----------
Q1  0 <= granted <= len(heap).
Q2  surplus, which is len(heap) - granted, => nobody sleeps.
Q3  closed => poppers sleep only while something is held.
Q4  no entry is smaller than its parent in the heap.
"""

# The line is asked for its invariants and its state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

from aiochan.calling import check_callable
from aiochan.core import WaitQueue
from aiochan.errors import ChannelClosed, MisuseError, WouldBlock
from aiochan.sync.primitive import Line, Primitive

__all__ = ["PriorityQueue"]

T = TypeVar("T")

_Entry: TypeAlias = "tuple[Any, int, T]"
_AGREEING = frozenset({int, float, str, bytes})  # types whose ``==`` is what ``<`` leaves open


class _Rank:
    """A key of which only ``<`` is asked; equal is who is neither smaller nor larger."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        key = _key_of(other)
        return not (self.key < key or key < self.key)

    def __lt__(self, other: object) -> bool:
        return bool(self.key < _key_of(other))

    def __gt__(self, other: object) -> bool:  # an int on the left asks this
        return bool(_key_of(other) < self.key)

    __hash__ = None  # type: ignore[assignment]


def _key_of(rank: Any) -> Any:
    return rank.key if type(rank) is _Rank else rank


class PriorityQueue(Primitive, Generic[T]):
    """Keep items of which the smallest leaves first, and those that are equal in the order in which they came.

        jobs = ac.PriorityQueue[Job](key=lambda job: -job.urgency)  # the most urgent first
        jobs.push(job)
        async for job in jobs:                                      # until it is closed
            await job.run()

    There is no limit, so `push` never waits; those who pop are served first come, first served.

    Args:
        key: What items are ranked by, called once for each; left out, it is the items themselves. Only ``<`` is asked.
        name: Shown in ``repr``, in errors and in reports.

    Raises:
        TypeError: `key` cannot be called, or `name` is no string.

    Follows the priority queue of the Kubernetes scheduler, with asyncio's direction: the smallest first.
    """

    __slots__ = ("_cause", "_closed", "_granted", "_heap", "_key", "_line", "_moving", "_number")

    def __init__(self, key: Callable[[T], Any] | None = None, name: str | None = None) -> None:
        super().__init__(name)
        if key is not None:
            check_callable(key)
        self._key = key
        self._heap: list[_Entry[T]] = []
        self._number = 0  # of the last that came
        self._granted = 0
        self._moving = False  # whether heapq is at work, and asks items how they compare
        self._line: WaitQueue[None] = Line(self)
        self._closed = False
        self._cause: BaseException | None = None

    # -- in

    def push(self, item: T) -> None:
        """Put an item in; the popper that has waited longest is woken for the best one.

        Raises:
            ChannelClosed: The queue is closed.
            Exception: What the key or a comparison raises, such as TypeError for what cannot be compared. The item is
                not in the queue then, and nothing else has changed.
            MisuseError: A comparison of its items calls it.
            WrongLoop: The queue belongs to another thread.
        """
        if self._closed:
            raise self._error("push")
        key: Any = item if self._key is None else self._key(item)
        self._refuse_comparisons()
        self._number += 1
        entry = key if type(key) in _AGREEING else _Rank(key), self._number, item
        self._moving = True
        try:
            heapq.heappush(self._heap, entry)
            if self._line.wake():
                self._granted += 1
        except BaseException:
            self._shift_back(entry, len(self._heap) - 1)
            self._heap.pop()
            raise
        finally:
            self._moving = False

    # -- out

    async def pop(self) -> T:
        """Take the best item out, waiting for one.

        Raises:
            ChannelClosed: The queue is closed and drained.
            Exception: What a comparison raises; the item stays.
            MisuseError: A comparison of its items calls it.
            WrongLoop: The queue belongs to another loop or thread. (Noticed where anybody has to sleep or is woken.)

        Cancellation: nothing was taken. What this task had been promised goes to the next in line.
        """
        if len(self._heap) > self._granted:
            return self._take()
        return await self._wait()

    def pop_nowait(self) -> T:
        """Take the best item out now.

        Raises:
            WouldBlock: There is none that nobody was promised.
            ChannelClosed: The queue is closed and drained.
            Exception: What a comparison raises; the item stays.
            MisuseError: A comparison of its items calls it.
            WrongLoop: The queue belongs to another thread.
        """
        self._line.wake(0)  # refuses another thread
        if len(self._heap) > self._granted:
            return self._take()
        if self._closed and not self._heap:
            raise self._error("pop")
        raise WouldBlock(f"no item: {self!r}")

    def __aiter__(self) -> PriorityQueue[T]:
        return self

    async def __anext__(self) -> T:
        if len(self._heap) > self._granted:
            return self._take()
        try:
            return await self._wait()
        except ChannelClosed:
            if self._cause is not None:
                raise
        raise StopAsyncIteration

    async def _wait(self) -> T:
        if not (self._closed and not self._heap):
            await self._line.park(give_back=self._pass_on)
        if not self._heap:  # a permit stands for an item that is there, so this is the end
            raise self._error("pop")
        try:
            item = self._take()
        except BaseException:
            self._pass_on()
            raise
        self._granted -= 1
        if self._closed and not self._heap:
            self._line.wake_all()
        return item

    def _take(self) -> T:
        self._refuse_comparisons()
        heap = self._heap
        best, last = heap[0], heap[-1]
        self._moving = True
        try:
            return heapq.heappop(heap)[2]
        except BaseException:  # the last one had gone to the top, and on its way down could not be compared
            self._shift_back(last, 0)
            heap[0] = best
            heap.append(last)
            raise
        finally:
            self._moving = False

    def _refuse_comparisons(self) -> None:
        if self._moving:
            raise MisuseError(f"an item of {self!r} uses the queue while it is compared; it must only compare")

    def _pass_on(self) -> None:
        """Hand on the permit of a popper that was cancelled before it ran; who was told of the end has none."""
        if self._heap and not self._line.wake():
            self._granted -= 1

    def _shift_back(self, entry: _Entry[T], home: int) -> None:
        """Move an entry back along the path that it has gone through the heap, up or down, with all it has shifted."""
        heap = self._heap
        at = next(i for i, each in enumerate(heap) if each is entry)
        path = [max(at, home)]
        while path[-1] != min(at, home):
            path.append((path[-1] - 1) // 2)
        if path[0] != at:
            path.reverse()
        for here, there in itertools.pairwise(path):
            heap[here], heap[there] = heap[there], heap[here]

    # -- close

    def close(self, cause: BaseException | None = None) -> None:
        """Close the queue: nothing can be pushed any more, what is in it can still be popped.

        Who waits is told at once, or, while items are promised, when the last of these was taken.

        Args:
            cause: Why, if not simply because all is done. It is the ``__cause__`` of every `ChannelClosed` from here
                on, and ``async for`` ends by raising that instead of just ending.

        Raises:
            ChannelClosed: It is closed already.
            TypeError: `cause` is no exception.
            WrongLoop: The queue belongs to another thread.
        """
        if not isinstance(cause, BaseException | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the cause of a close is an exception or None, not {cause!r}")
        self._line.wake(0)  # refuses another thread
        if self._closed:
            raise self._error("close")
        self._closed, self._cause = True, cause
        if not self._heap:
            self._line.wake_all()

    @property
    def closed(self) -> bool:
        """Whether it was closed; items may still be in it."""
        return self._closed

    @property
    def waiters(self) -> int:
        """How many wait for an item."""
        return len(self._line)

    def _error(self, doing: str) -> ChannelClosed:
        error = ChannelClosed(self, doing=doing)
        error.__cause__ = self._cause
        return error

    # -- to be looked at

    def __len__(self) -> int:
        return len(self._heap) - self._granted

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<{self._title()} {len(self)} items, {state}, {len(self._line)} waiting>"

    def _check(self) -> None:
        heap = self._heap
        assert 0 <= self._granted <= len(heap), f"Q1: {self!r}"
        assert len(heap) == self._granted or not len(self._line), f"Q2: a popper sleeps beside an item: {self!r}"
        assert heap or not self._closed or not len(self._line), f"Q3: nobody told the end: {self!r}"
        assert all(heap[(i - 1) // 2] < heap[i] for i in range(1, len(heap))), f"Q4: {heap}"
        self._line._check()

    def _snapshot(self) -> object:
        return tuple(self._heap), self._granted, self._closed, self._cause, self._line._snapshot()
