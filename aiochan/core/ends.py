"""The two ends of a channel, as Go's ``chan<- T`` and ``<-chan T``.

A `Chan` is both at once, so a function that asks for a `RecvChan[T]` takes a `Chan[T]`. What ``ch.sender`` and
``ch.receiver`` return is one end and no more: there is no way back from it to the other.
"""

# Views look through to their channel:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias, TypeVar

from aiochan.core.runqueue import Pinned

if TYPE_CHECKING:
    from aiochan.core.chan import Chan
    from aiochan.core.reservation import Reservation
    from aiochan.core.stats import Stats

__all__ = ["CommaOk", "End", "RecvChan", "SendChan"]

T = TypeVar("T")

T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

CommaOk: TypeAlias = tuple[T, Literal[True]] | tuple[None, Literal[False]]


F = TypeVar("F", bound=Callable[..., Any])


def coroutine_function(method: F) -> F:
    """Mark a method that only passes a coroutine on, for tools that ask, such as ``mock.create_autospec``."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(method)
    method._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined, unreachable, unused-ignore]
    return method


class End(Pinned):
    """What both ends can tell. Two views of the same end of one channel are equal."""

    __slots__ = ("__weakref__", "_chan")

    _chan: Chan[Any]

    def __init__(self, chan: Chan[Any]) -> None:
        if not hasattr(type(chan), "_held"):
            raise TypeError(
                f"{type(self).__name__} is an end of a channel, as ch.sender and ch.receiver, not of {chan!r}"
            )
        self._chan = chan

    @property
    def capacity(self) -> float:
        """How many values fit in: 0, a whole number, or ``math.inf``."""
        return self._chan.capacity

    @property
    def closed(self) -> bool:
        """Whether the channel was closed; values may still be in it."""
        return self._chan.closed

    @property
    def name(self) -> str | None:
        """The name it was made with."""
        return self._chan.name

    def stats(self) -> Stats:
        """Count what is in the channel, who waits for it and what has gone through."""
        return self._chan.stats()

    def __len__(self) -> int:
        return len(self._chan)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._chan is self._chan

    def __hash__(self) -> int:
        return hash((type(self), id(self._chan)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._chan!r}>"


class SendChan(End, Generic[T_contra]):
    """The send end of a channel, as Go's ``chan<- T``; see `Chan` for what the methods do."""

    __slots__ = ()

    @coroutine_function
    def send(self, value: T_contra) -> Coroutine[Any, Any, None]:
        """Send `value`, waiting until there is room or a receiver; see `Chan.send`.

        Cancellation: the value was not sent, unless a receiver already had it or was promised one.
        """
        return self._chan.send(value)

    def send_nowait(self, value: T_contra) -> None:
        """Send `value` now or raise WouldBlock; see `Chan.send_nowait`."""
        self._chan.send_nowait(value)

    def close(self, cause: BaseException | None = None) -> None:
        """Close the channel; see `Chan.close`."""
        self._chan.close(cause)

    def reserve(self) -> Reservation[T_contra]:
        """Take a place now for a value that is produced later; see `Chan.reserve`."""
        return self._chan.reserve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._close_on_exit(error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._close_on_exit(error)

    def _close_on_exit(self, error: BaseException | None) -> None:
        if not self.closed:
            self.close(error)


class RecvChan(End, Generic[T_co]):
    """The receive end of a channel, as Go's ``<-chan T``; see `Chan` for what the methods do."""

    __slots__ = ()

    @coroutine_function
    def recv(self) -> Coroutine[Any, Any, T_co]:
        """Receive the next value, waiting for it; see `Chan.recv`.

        Cancellation: nothing was received.
        """
        return self._chan.recv()

    @coroutine_function
    def recv_ok(self) -> Coroutine[Any, Any, CommaOk[T_co]]:
        """Receive ``(value, True)``, or ``(None, False)`` at the end; see `Chan.recv_ok`.

        Cancellation: nothing was received.
        """
        return self._chan.recv_ok()

    def recv_nowait(self) -> T_co:
        """Receive the next value now or raise WouldBlock; see `Chan.recv_nowait`."""
        value: T_co = self._chan.recv_nowait()
        return value

    def __aiter__(self) -> Self:
        return self

    @coroutine_function
    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        return self._chan.__anext__()
