"""Objects of different sizes: small ones for those who need little, and none kept that is larger than what is usual.

Theory of operation
-------------------
There is an `ObjectPool` for each *size class*: `smallest`, twice that, and so on, up to `largest`. Who asks for a size
gets an object of the least class that is enough. What comes back goes into the greatest class that it can serve in: so
whatever lies in a class is large enough for it, also if it has grown.

To calibrate is to count how large objects are when they come back. After so many, the size that most of them had is the
one that they are made with, and those that are larger than 95 of 100 are not kept any more, until the next count.

Invariants
----------
Z1  What lies in a class measures at least the size of that class.
Z2  `smallest` <= `usual` <= `largest`, and so is `kept`.
"""

# The classes are asked for their invariants:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import Generic, SupportsIndex, TypeVar

from aiochan.calling import check_callable
from aiochan.counts import whole
from aiochan.pools.objectpool import ENOUGH, Loan, ObjectPool

__all__ = ["SizedPool"]

T = TypeVar("T")

USUAL = 0.95  # the part of all objects that is no larger than what is kept, as in bytebufferpool


class SizedPool(Generic[T]):
    """Keep objects of different sizes, for those who need one of that size next.

        buffers = SizedPool(bytearray, len, smallest=4096, largest=1 << 20)

        with buffers.borrow(len(header) + length) as buffer:
            ...

    An object that is asked for may be larger, mostly less than twice as large. One that is larger than `largest` is
    made when it is asked for, and dropped when it comes back.

    Args:
        new: Makes an object of a size.
        measure: Tells how large an object is, before it is reset.
        smallest: The size of the smallest.
        largest: The size of the largest that are kept.
        reset: Called with an object that comes back, to make it as good as new; its size must stay. None does nothing.
        max_idle: How many are kept of each class.
        calibrate: After how many objects that came back `usual` and `kept` are set anew, by what was measured; None
            never.
        name: Shown in ``repr``.

    Attributes:
        sizes: The sizes of the classes.
        usual: The size that `get` assumes; `smallest` at first.
        kept: The largest size that is kept now; `largest` at first.

    Raises:
        TypeError: A function cannot be called, or a number is none.
        ValueError: A number is too small, or `largest` is less than `smallest`.

    Follows ``bucketpool`` of vitess, and valyala's bytebufferpool.
    """

    __slots__ = (
        "__weakref__",
        "_calibrate",
        "_counted",
        "_counts",
        "_measure",
        "_name",
        "_new",
        "_pools",
        "kept",
        "sizes",
        "usual",
    )

    def __init__(
        self,
        new: Callable[[int], T],
        measure: Callable[[T], int],
        *,
        smallest: SupportsIndex,
        largest: SupportsIndex,
        reset: Callable[[T], object] | None = None,
        max_idle: SupportsIndex = ENOUGH,
        calibrate: SupportsIndex | None = None,
        name: str | None = None,
    ) -> None:
        check_callable(new)
        check_callable(measure)
        size = whole("smallest", smallest, 1)
        most = whole("largest", largest, size)
        self.sizes: list[int] = []
        while size < most:
            self.sizes.append(size)
            size *= 2
        self.sizes.append(most)
        self._new, self._measure, self._name = new, measure, name
        self._pools = [
            ObjectPool[T](functools.partial(new, size), reset=reset, max_idle=max_idle) for size in self.sizes
        ]
        self._calibrate = None if calibrate is None else whole("calibrate", calibrate, 1)
        self._counts, self._counted = [0] * len(self.sizes), 0
        self.usual, self.kept = self.sizes[0], most

    def get(self, size: SupportsIndex | None = None) -> T:
        """Take an object that is large enough; make one if there is none.

        Args:
            size: How large it must be; None is `usual`.

        Raises:
            TypeError: `size` is no whole number.
            ValueError: `size` is negative.

        Follows ``Pool.Get`` of bucketpool.
        """
        wanted = self.usual if size is None else whole("size", size, 0)
        at = bisect_left(self.sizes, wanted)
        return self._pools[at].get() if at < len(self.sizes) else self._new(wanted)

    def put(self, obj: T) -> None:
        """Give an object that nobody uses any more to whoever needs one of its size next. None is ignored.

        Args:
            obj: The object; it need not have come from here. Whoever puts it must not use it any more.

        Raises:
            MisuseError: It lies here already.
            Exception: What `reset` or `measure` has raised; the object is not kept.

        Follows ``Pool.Put`` of bucketpool and of bytebufferpool.
        """
        if obj is None:
            return
        size = self._measure(obj)
        if self._calibrate is not None:
            self._count(size)
        if self.sizes[0] <= size <= self.kept:
            self._pools[bisect_right(self.sizes, size) - 1].put(obj)

    def borrow(self, size: SupportsIndex | None = None) -> Loan[T]:
        """Take an object for a ``with`` or ``async with`` block, and put it back on leaving.

        If the block is left by an error, the object is dropped: nobody knows in what state it is.

        Args:
            size: How large it must be; None is `usual`.
        """
        return Loan(functools.partial(self.get, size), self.put)

    def sweep(self) -> int:
        """Drop what nobody has needed between the last two calls of this, and return how many that were."""
        return sum(pool.sweep() for pool in self._pools)

    @property
    def idle(self) -> int:
        """How many objects wait to be used again."""
        return sum(pool.idle for pool in self._pools)

    def _count(self, size: int) -> None:
        self._counts[min(bisect_left(self.sizes, size), len(self.sizes) - 1)] += 1
        self._counted += 1
        if self._counted == self._calibrate:
            self.usual = self.sizes[self._counts.index(max(self._counts))]
            enough = bisect_left(list(accumulate(self._counts)), USUAL * self._counted)
            self.kept = max(self.usual, self.sizes[enough])
            self._counts, self._counted = [0] * len(self.sizes), 0
            for pool in self._pools[bisect_right(self.sizes, self.kept) :]:
                pool.sweep()
                pool.sweep()  # nothing survives two of them

    def __repr__(self) -> str:
        name = f"at {id(self):#x}" if self._name is None else repr(self._name)
        return f"<SizedPool {name} {self.sizes[0]} to {self.kept}, usually {self.usual}, {self.idle} idle>"

    def _check(self) -> None:
        for size, pool in zip(self.sizes, self._pools, strict=True):
            pool._check()
            assert all(self._measure(obj) >= size for obj in pool._lying()), "Z1: an object is too small for its class"
        assert self.sizes[0] <= self.usual <= self.kept <= self.sizes[-1], "Z2: a size is out of range"
