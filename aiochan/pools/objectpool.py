"""Objects that are dear to make and may be used again: buffers, parsers, scratch lists.

Nothing here waits, or belongs to an event loop: an object that is not there is made, and one too many is dropped, for
the garbage collector to take. What must be closed belongs into a `ResourcePool`.

Invariants
----------
O1  No object lies here twice, so nobody gets what another one has.
O2  At most `max_idle` lie here.
O3  What has lain here through two sweeps is gone; what was put here since the last one is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, SupportsIndex, TypeVar

from aiochan.calling import check_callable
from aiochan.counts import whole
from aiochan.errors import MisuseError

__all__ = ["Loan", "ObjectPool"]

T = TypeVar("T")

ENOUGH = 64  # objects to keep, where nobody says how many


class ObjectPool(Generic[T]):
    """Keep objects that were used, for those who need one next.

        buffers = ObjectPool(lambda: bytearray(65536))

        with buffers.borrow() as buffer:
            count = file.readinto(buffer)

    What is not there is made, so `get` never waits; what is too much is dropped, so `put` never does. The object that
    was put here last is the first to go out. It may be used from several threads.

    Objects that grow can be kept small: of one that measures more than `largest` when it comes back, its memory would
    stay in use for nothing, so it is dropped, or replaced.

    Args:
        new: Makes an object.
        reset: Called with an object that comes back, to make it as good as new; None does nothing.
        max_idle: How many are kept.
        measure: Tells how large an object is.
        largest: The size above which one is not kept; goes together with `measure`.
        replace: Whether a new one is kept in the place of one that is too large, so that the next one finds one ready.
        name: Shown in ``repr``.

    Attributes:
        made: How many objects were made.
        dropped: How many were not kept: too many, too large, or too long idle.

    Raises:
        TypeError: A function cannot be called, or a number is none; or only one of `measure` and `largest` is given.
        ValueError: A number is negative.

    Follows ``sync.Pool`` of Go, and bpool's ``BufferPool``, ``BytesPool`` and ``SizedBufferPool``.
    """

    __slots__ = (
        *("__weakref__", "_idle", "_largest", "_max_idle", "_measure", "_name", "_new", "_replace", "_reset"),
        *("_victims", "dropped", "made"),
    )

    def __init__(
        self,
        new: Callable[[], T],
        *,
        reset: Callable[[T], object] | None = None,
        max_idle: SupportsIndex = ENOUGH,
        measure: Callable[[T], int] | None = None,
        largest: SupportsIndex | None = None,
        replace: bool = False,
        name: str | None = None,
    ) -> None:
        for fn in (new, reset, measure):
            if fn is not None or fn is new:
                check_callable(fn)
        if (measure is None) != (largest is None):
            raise TypeError("measure and largest go together: how large an object is, and how large it may be")
        self._new, self._reset, self._measure = new, reset, measure
        self._max_idle = whole("max_idle", max_idle, 0)
        self._largest = 0 if largest is None else whole("largest", largest, 0)
        self._replace = replace
        self._name = name
        self._idle: dict[int, T] = {}  # by id, the newest last
        self._victims: dict[int, T] = {}  # those that have lain here through one sweep
        self.made = self.dropped = 0

    def get(self) -> T:
        """Take the object that was put here last; make one if there is none.

        Follows ``Pool.Get``.
        """
        try:  # and not `if self._idle`: another thread may be faster
            return self._idle.popitem()[1]
        except KeyError:
            pass
        try:
            return self._victims.popitem()[1]
        except KeyError:
            pass
        self.made += 1
        return self._new()

    def put(self, obj: T) -> None:
        """Give an object that nobody uses any more to whoever needs one next. None is ignored, as in Go.

        Args:
            obj: The object; it need not have come from here. Whoever puts it must not use it any more.

        Raises:
            MisuseError: It lies here already.
            Exception: What `reset` or `measure` has raised; the object is not kept.

        Follows ``Pool.Put``.
        """
        if obj is None:
            return
        key = id(obj)
        if key in self._idle or key in self._victims:
            raise MisuseError(f"{obj!r} was put into {self!r} already; put it back once, and do not use it after that")
        if self._measure is not None and self._measure(obj) > self._largest:
            self.dropped += 1
            if not self._replace:
                return
            self.made += 1
            obj = self._new()
            key = id(obj)
        elif self._reset is not None:
            self._reset(obj)
        if len(self._idle) + len(self._victims) < self._max_idle:
            self._idle[key] = obj
        else:
            self.dropped += 1

    def borrow(self) -> Loan[T]:
        """Take an object for a ``with`` or ``async with`` block, and put it back on leaving.

        If the block is left by an error, the object is dropped: nobody knows in what state it is.
        """
        return Loan(self.get, self.put)

    def sweep(self) -> int:
        """Drop what nobody has needed between the last two calls of this, and return how many that were.

        Call it now and then, for example once in a minute: then what was needed at the busiest time does not stay
        for ever, and what is in use all the time stays.

        Follows what Go's garbage collector does to a ``sync.Pool`` in each cycle.
        """
        gone, self._victims, self._idle = self._victims, self._idle, {}
        self.dropped += len(gone)
        return len(gone)

    @property
    def idle(self) -> int:
        """How many objects wait to be used again."""
        return len(self._idle) + len(self._victims)

    def _lying(self) -> list[T]:
        """List the objects that wait to be used again; they stay here."""
        return [*self._victims.values(), *self._idle.values()]

    def __repr__(self) -> str:
        name = f"at {id(self):#x}" if self._name is None else repr(self._name)
        return f"<ObjectPool {name} {self.idle}/{self._max_idle} idle, {self.made} made, {self.dropped} dropped>"

    def _check(self) -> None:
        objects = [*self._idle.items(), *self._victims.items()]
        assert all(key == id(obj) for key, obj in objects), "O1: an object is not where it belongs"
        assert len({id(obj) for _, obj in objects}) == len(objects), "O1: an object lies here twice"
        assert len(objects) <= self._max_idle, "O2: more are kept than may be"


class Loan(Generic[T]):
    """Hold an object of a pool for the time of one block; see `ObjectPool.borrow`.

    Args:
        get: Takes the object.
        put: Puts it back.
    """

    __slots__ = ("_get", "_held", "_obj", "_put")

    _obj: T

    def __init__(self, get: Callable[[], T], put: Callable[[T], object]) -> None:
        self._get, self._put = get, put
        self._held = False

    def __enter__(self) -> T:
        if self._held:
            raise MisuseError(f"{self._obj!r} is lent to this block already; borrow another one")
        obj = self._obj = self._get()
        self._held = True
        return obj

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        obj = self._obj
        del self._obj
        self._held = False
        if kind is None:
            self._put(obj)

    async def __aenter__(self) -> T:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)
