"""What a borrower has: one resource, for one time, and a way to say that it is broken."""

# A lease and its pool are one machine:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiochan.errors import ContextError, NotHeld

if TYPE_CHECKING:
    from aiochan.pools.resourcepool import ResourcePool
    from aiochan.pools.resources import Resource

__all__ = ["Lease"]

T = TypeVar("T")


class Lease(Generic[T]):
    """Hold a resource of a pool for the time of one block, or until it is given back with `ResourcePool.release`.

        async with pool.lease() as lease:
            await lease.value.execute("select 1")

    It is made by the pool and serves once, so that nobody can use or give back what somebody else has by now.

    If the block is left by a cancellation or a timeout, the resource is closed and not lent to the next one: nobody
    knows how far it got, and the next one might read the answer that was meant for this one. Whoever knows better uses
    `ResourcePool.acquire` and `ResourcePool.release`. Any other error leaves it as it is.

    Follows ``PoolConn`` of fatih/pool, and ``driver.ErrBadConn`` of Go's database/sql.
    """

    __slots__ = ("_asked", "_pool", "_resource", "_unusable")

    def __init__(self, pool: ResourcePool[T]) -> None:
        self._pool = pool
        self._resource: Resource[T] | None = None
        self._asked = self._unusable = False

    @property
    def value(self) -> T:
        """The resource.

        Raises:
            NotHeld: It is not lent yet, or was given back.
        """
        if self._resource is None:
            raise NotHeld(f"{self!r} has no resource; use it inside of its async with block")
        return self._resource.value

    @property
    def held(self) -> bool:
        """Whether the resource is lent to the holder of this."""
        return self._resource is not None

    def mark_unusable(self) -> None:
        """Have the resource closed when it is given back, and lent to nobody any more.

        Raises:
            NotHeld: It is not lent yet, or was given back.

        Follows ``PoolConn.MarkUnusable`` of fatih/pool.
        """
        if self._resource is None:
            raise NotHeld(f"{self!r} has no resource that could be marked; do it before it is given back")
        self._unusable = True

    def __aenter__(self) -> Coroutine[Any, Any, Lease[T]]:
        return self._pool._lend(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        closing = self._pool._take_back(self, broken=kind is not None and _interrupted(kind))
        if closing is not None and (kind is None or issubclass(kind, Exception)):
            await closing.over.wait()  # never on the way out of a cancellation; the pool closes it all the same

    def __repr__(self) -> str:
        state = "nothing" if self._resource is None else repr(self._resource.value)
        return f"<Lease of {state} from {self._pool!r}{', unusable' if self._unusable else ''}>"


def _interrupted(kind: type[BaseException]) -> bool:
    """Tell whether an error cut off what was going on: a cancellation, or what a timeout or a context makes of one."""
    return not issubclass(kind, Exception) or issubclass(kind, TimeoutError | ContextError)
