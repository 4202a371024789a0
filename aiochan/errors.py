"""One tree of errors.

AiochanError
├── ChannelClosed        send on a closed channel, receive on a closed and drained one, close of a closed one
├── WouldBlock           a ``*_nowait`` operation that would have had to wait
├── ContextError         why a context is done
│   ├── Canceled
│   └── DeadlineExceeded     also a TimeoutError
├── BrokenBarrier        a round of a CyclicBarrier that cannot be completed any more
└── MisuseError          a mistake in the calling program; also a RuntimeError
    ├── NotHeld              given back without having been taken
    └── WrongLoop            used from a second event loop or from another thread
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AiochanError",
    "BrokenBarrier",
    "Canceled",
    "ChannelClosed",
    "ContextError",
    "DeadlineExceeded",
    "MisuseError",
    "NotHeld",
    "WouldBlock",
    "WrongLoop",
]


class AiochanError(Exception):
    """Stand at the root of every error that aiochan raises on purpose."""


class ChannelClosed(AiochanError):
    """Tell that a channel is closed, where Go panics or answers ``ok == false``.

    The cause that was given to ``close(cause)``, if any, is the ``__cause__``.

    Args:
        channel: The channel that is closed.
        index: The number of the case, when a select met the closed channel.
        doing: What was tried: ``"send"``, ``"recv"``, ``"reserve"`` or ``"close"``.
    """

    def __init__(self, channel: object = None, index: int | None = None, doing: str = "use") -> None:
        super().__init__(channel, index, doing)
        self.channel = channel
        self.index = index

    def at(self, index: int) -> ChannelClosed:
        """Make the same error for another case."""
        return ChannelClosed(self.channel, index, self.args[2])

    def __reduce__(self) -> tuple[Any, ...]:
        channel = (
            self.channel if isinstance(self.channel, str | None) else repr(self.channel)
        )  # it cannot leave its loop
        return ChannelClosed, (channel, self.index, self.args[2])

    def __str__(self) -> str:
        doing = self.args[2]
        where = "" if self.index is None else f" (case {self.index} of the select)"
        return f"{doing} {'of' if doing == 'close' else 'on'} a closed channel: {self.channel!r}{where}"


class WouldBlock(AiochanError):
    """Tell that a ``*_nowait`` operation, or a ``select_nowait``, would have had to wait."""


class ContextError(AiochanError):
    """Tell why a context is done; see `Canceled` and `DeadlineExceeded`."""


class Canceled(ContextError):
    """Tell that a context was cancelled, as Go's ``context.Canceled``."""


class DeadlineExceeded(ContextError, TimeoutError):
    """Tell that a context ran out of time, as Go's ``context.DeadlineExceeded``."""


class BrokenBarrier(AiochanError):
    """Tell that a round of a barrier is broken, as Java's ``BrokenBarrierException``."""


class MisuseError(AiochanError, RuntimeError):
    """Tell of a mistake in the calling program: which object, and what to do instead."""


class NotHeld(MisuseError):
    """Tell that something was given back which the caller does not hold."""


class WrongLoop(MisuseError):
    """Tell that an object was used from an event loop or thread that is not its own."""
