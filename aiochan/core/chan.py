"""The channel as people use it: what each operation promises, and where it sleeps.

Every blocking operation is *try, else park*. Its synchronous half is in hchan.py, where the invariants are; `send` and
`recv` begin with a shortcut of that half for the commonest case, in which nobody sleeps and no call is needed.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from aiochan.core import runqueue
from aiochan.core.ends import CommaOk, RecvChan, SendChan, coroutine_function
from aiochan.core.hchan import END, MUST_WAIT, RECV, RESERVE, SEND, WAIT, Admitted, HChan
from aiochan.core.reservation import Reservation
from aiochan.core.runqueue import breathe
from aiochan.core.waiters import CLOSED, GRANTED
from aiochan.errors import ChannelClosed, WouldBlock

__all__ = ["Chan"]

T = TypeVar("T")


class Chan(HChan, SendChan[T], RecvChan[T], Generic[T]):
    """A channel with Go's meaning: typed values from senders to receivers, first come, first served.

    Follows Go's ``make(chan T, capacity)``, with cancellation that loses nothing. Any object is a value, None included.

    Args:
        capacity: How many values fit in while nobody receives: 0 for a rendezvous, a whole number for a ring of that
            size, ``math.inf`` for no limit.
        name: Shown in ``repr``, in errors and in reports.
        overflow: What a send into a full channel does: ``"wait"``; ``"drop_oldest"`` lets the oldest value fall that
            nobody was promised (with capacity 1: the latest value only); ``"drop_newest"`` lets the arriving one fall.

    Raises:
        TypeError: `capacity` is no whole number, or `name` no string.
        ValueError: `capacity` is negative, `overflow` is unknown, or a dropping channel has no room for one value.
    """

    __slots__ = ()

    # -- send

    async def send(self, value: T) -> None:
        """Send `value`, waiting until there is room for it or a receiver.

        Returns when the value is in the channel, or was taken by or promised to a receiver. Follows Go's ``ch <- v``.

        Raises:
            ChannelClosed: The channel is closed, or was while this waited; the value was not sent.
            WrongLoop: The channel belongs to another loop or thread. (Noticed where anybody has to sleep or is woken.)

        Cancellation: the value was not sent, with one exception: a receiver already had it or was promised it. (If that
        receiver is cancelled too, with nobody behind it, the value stays in the channel, even at capacity 0.)
        """
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        if not self._recvq and len(self._held) - self._granted + self._reserved < self._limit:
            self._held.append(value)
            return
        if (self._recvq or self._limit < 0 or self._overflow != WAIT) and self._put(value):
            return
        waiter = self._line_up(self._sendq, SEND, value)
        try:
            await waiter
        except BaseException:
            if waiter.state == GRANTED:
                self._take_back(waiter)
            else:
                waiter.quit()
            raise
        if waiter.state == CLOSED:
            raise self._error(SEND)

    def send_nowait(self, value: T) -> None:
        """Send `value` now, as a Go ``select`` with a ``default`` does.

        Raises:
            WouldBlock: There is neither room nor a receiver.
            ChannelClosed: The channel is closed.
            WrongLoop: The channel belongs to another thread.
        """
        if not self._put(value):
            raise WouldBlock(f"no room and no receiver: {self!r}")

    # -- receive

    @coroutine_function
    def recv(self) -> Coroutine[Any, Any, T]:
        """Receive the next value, waiting for it. Follows Go's ``<-ch``.

        Raises:
            ChannelClosed: The channel is closed and drained.
            WrongLoop: The channel belongs to another loop or thread. (Noticed where anybody has to sleep or is woken.)

        Cancellation: nothing was received. What this task had been promised goes to the next in line, in order.
        """
        return self._receive(None)

    async def _receive(self, end: type[Exception] | None = StopAsyncIteration) -> T:
        # All of `recv` and of `async for`, which tell the end differently: a coroutine inside another costs a fifth.
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        held = self._held
        if held and len(held) > self._granted and not self._sendq and not self._slotq:
            self._received += 1
            value: Any = held.popleft()
            return value.sender.value if type(value) is Admitted else value  # type: ignore[no-any-return]
        value = self._take() if held or self._sendq or self._closed else MUST_WAIT
        if value is MUST_WAIT:
            waiter = self._line_up(self._recvq, RECV, None)
            try:
                await waiter
            except BaseException:
                if waiter.state == GRANTED:
                    self._pass_on()
                else:
                    waiter.quit()
                raise
            value = END if waiter.state == CLOSED else self._redeem()
        if value is END:
            raise self._error(RECV) if end is None or self._cause is not None else end
        return value  # type: ignore[no-any-return]

    # Names that people know, where a coroutine was never awaited.
    _receive.__name__, _receive.__qualname__ = "recv", "Chan.recv"
    __anext__ = _receive

    async def recv_ok(self) -> CommaOk[T]:
        """Receive ``(value, True)``, or ``(None, False)`` once closed and drained. Follows Go's ``v, ok := <-ch``.

        A type checker knows the type of the value after ``match await ch.recv_ok():`` with ``case value, True:``.

        Raises:
            WrongLoop: The channel belongs to another loop or thread.

        Cancellation: nothing was received, as in `recv`.
        """
        try:
            return await self.recv(), True
        except ChannelClosed:
            return None, False

    def recv_nowait(self) -> T:
        """Receive the next value now, as a Go ``select`` with a ``default`` does.

        Raises:
            WouldBlock: There is no value that nobody was promised, and no sender.
            ChannelClosed: The channel is closed and drained.
            WrongLoop: The channel belongs to another thread.
        """
        value: T = self._take()
        if value is MUST_WAIT:
            raise WouldBlock(f"no value and no sender: {self!r}")
        if value is END:
            raise self._error(RECV)
        return value

    def __aiter__(self) -> Chan[T]:
        return self

    # -- reserve

    def reserve(self) -> Reservation[T]:
        """Take a place first and produce the value later: ``async with ch.reserve() as place: place.send(v)``.

        Reservations and senders share one line, by arrival. A value that is sent through a place enters when it is
        sent, ahead of the senders asleep then. A place that is not used goes to the next in line. Follows tokio's
        ``Sender::reserve``.

        Raises:
            ValueError: A rendezvous or dropping channel has no places to give.
        """
        if self._capacity < 1 or self._overflow != WAIT:
            raise ValueError(f"only a channel with room that makes senders wait has places to reserve: {self!r}")
        return Reservation(self)

    async def _reserve_place(self) -> None:
        for _ in runqueue.budget:
            break
        else:
            await breathe()
        if self._queue is not None:
            self._queue.check_thread(self)
        if self._closed:
            raise self._error(RESERVE)
        if self._room():
            self._reserved += 1
            return
        waiter = self._line_up(self._slotq, RESERVE, None)
        try:
            await waiter
        except BaseException:
            if waiter.state == GRANTED:
                self._return_place()
            else:
                waiter.quit()
            raise
        if waiter.state == CLOSED:
            raise self._error(RESERVE)

    # -- clear

    def clear(self) -> int:
        """Throw away the values that are in it, so that nobody receives them any more.

        What a woken receiver was promised stays its own. But if that receiver is cancelled before it runs, its value is
        thrown away too, instead of going to the next in line. Senders asleep are let in; what they send stays.

        Returns:
            How many values were thrown away now.

        Raises:
            WrongLoop: The channel belongs to another thread.
        """
        return self._clear()

    # -- close

    def close(self, cause: BaseException | None = None) -> None:
        """Close the channel: nothing can be sent any more, what is in it can still be received.

        Sleeping senders and reservations are told at once and their values are not sent; sleeping receivers are told
        first, or, while values are promised, when the last of these was taken. Follows Go's ``close(ch)``.

        Args:
            cause: Why, if not simply because all is done. It is the ``__cause__`` of every `ChannelClosed` from here
                on, and ``async for`` ends by raising that instead of just ending.

        Raises:
            ChannelClosed: It is closed already.
            TypeError: `cause` is no exception.
            WrongLoop: The channel belongs to another thread.
        """
        self._close(cause)

    # -- one-way views

    @property
    def sender(self) -> SendChan[T]:
        """The send end alone, as Go's ``chan<- T``."""
        return SendChan(self)

    @property
    def receiver(self) -> RecvChan[T]:
        """The receive end alone, as Go's ``<-chan T``."""
        return RecvChan(self)
