"""A place in a channel, taken before the value exists."""

# It is a handle on what hchan.py does:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from aiochan.core.runqueue import Pinned
from aiochan.errors import MisuseError

if TYPE_CHECKING:
    from aiochan.core.chan import Chan

__all__ = ["Reservation"]

T_contra = TypeVar("T_contra", contravariant=True)

_FRESH, _WAITING, _HELD, _USED, _LEFT = "not entered yet", "waiting", "held", "used already", "given back already"


class Reservation(Pinned, Generic[T_contra]):
    """One place in a channel: ``async with ch.reserve() as place: ...; place.send(value)``.

    Entering waits for the place, in line with the senders. Leaving gives it back if nothing was sent.
    """

    __slots__ = ("_chan", "_state")

    def __init__(self, chan: Chan[Any]) -> None:
        self._chan = chan
        self._state = _FRESH

    async def __aenter__(self) -> Self:
        """Wait for a place.

        Raises:
            ChannelClosed: The channel is closed, or was while this waited.
            MisuseError: This reservation was entered before.
            WrongLoop: The channel belongs to another loop or thread.

        Cancellation: no place was taken; one that had been granted goes to the next in line.
        """
        if self._state != _FRESH:
            raise MisuseError(f"{self!r} cannot be entered twice; call reserve() for each place")
        self._state = _WAITING
        try:
            await self._chan._reserve_place()
        except BaseException:
            self._state = _LEFT
            raise
        self._state = _HELD
        return self

    def send(self, value: T_contra) -> None:
        """Send `value` into the place. It never waits.

        Raises:
            ChannelClosed: The channel was closed meanwhile; the value was not sent.
            MisuseError: The place is not held: not taken yet, used, or given back.
            WrongLoop: The channel belongs to another thread.
        """
        if self._state != _HELD:
            raise MisuseError(f"{self!r} has no place to send into; one reservation takes one value")
        self._chan._use_place(value)
        self._state = _USED

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Give the place back if it was not used.

        Cancellation: never waits.
        """
        if self._state == _HELD:
            self._chan._return_place()
            self._state = _LEFT

    def __repr__(self) -> str:
        return f"<Reservation of {self._chan!r}, {self._state}>"
