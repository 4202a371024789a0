"""Channels of which only the end matters: `Signal`, whose closing is the message, and `never`, which has none."""

# A signal is a channel that shows little of itself:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Literal, Never

from aiochan.core import runqueue
from aiochan.core.chan import Chan
from aiochan.core.ends import RecvChan, coroutine_function
from aiochan.core.hchan import RECV
from aiochan.core.runqueue import breathe
from aiochan.errors import ChannelClosed, WouldBlock

__all__ = ["Signal", "never"]


class Signal(RecvChan[None]):
    """A channel that carries no value: closing it is the message, to everybody who waits now or later.

    Follows Go's ``done := make(chan struct{})`` with ``close(done)``. Unlike a channel it may be closed twice, and
    receiving from it once closed answers None instead of raising.

    Args:
        name: Shown in ``repr`` and in reports.
    """

    __slots__ = ()

    def __init__(self, name: str | None = None) -> None:
        super().__init__(Chan[Never](0, name=name))

    def close(self) -> None:
        """Say it: wake everybody who waits. Closing again does nothing.

        Raises:
            WrongLoop: The signal belongs to another thread.
        """
        if not self._chan.closed:
            self._chan.close()

    async def wait(self) -> None:
        """Wait until the signal is closed.

        Raises:
            WrongLoop: The signal belongs to another loop or thread.

        Cancellation: changes nothing.
        """
        for _ in runqueue.budget:  # as in a receive
            break
        else:
            await breathe()
        chan = self._chan
        if not chan._closed:  # nothing is ever in this channel, so a receive can only be told the end
            waiter = chan._line_up(chan._recvq, RECV, None)
            try:
                await waiter
            except BaseException:
                waiter.quit()
                raise

    @coroutine_function
    def recv(self) -> Coroutine[Any, Any, None]:
        """Wait until the signal is closed; the same as `wait`, as a channel spells it.

        Cancellation: changes nothing.
        """
        return self.wait()

    async def recv_ok(self) -> tuple[None, Literal[False]]:
        """Wait until the signal is closed, and answer as a channel that has ended.

        Cancellation: changes nothing.
        """
        await self.wait()
        return None, False

    def recv_nowait(self) -> None:
        """Return None if the signal is closed.

        Raises:
            WouldBlock: It is still open.
            WrongLoop: The signal belongs to another thread.
        """
        with suppress(ChannelClosed):
            try:
                self._chan.recv_nowait()
            except WouldBlock:
                raise WouldBlock(f"not closed yet: {self!r}") from None

    __eq__ = object.__eq__  # pyright: ignore[reportAssignmentType]
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        name = repr(self.name) if self.name is not None else f"at {id(self):#x}"
        waiting = self.stats().parked_receivers
        return f"<Signal {name} {'closed' if self.closed else 'open'}, {waiting} waiting>"

    def _check(self) -> None:
        self._chan._check()

    def _snapshot(self) -> object:
        return self._chan._snapshot()


def never() -> RecvChan[Never]:
    """Return a receive end on which nothing ever arrives, as Go's nil channel.

    A case of a select on it (or on None) is never ready. Each call makes a new one, so it may be used in any loop.
    """
    return Chan[Never](0, name="never").receiver
