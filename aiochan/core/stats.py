"""What can be seen of a channel from outside: `Stats` for its users, `Snapshot` for tests and tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from aiochan.core.waiters import Parked, Waiter

__all__ = ["Snapshot", "Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Count what is in a channel, who waits for it and what has gone through it.

    Attributes:
        length: Values that nobody was promised, as ``len(ch)``.
        promised: Values that woken receivers are about to take.
        reserved: Places that were reserved and not used yet.
        capacity: As given; ``math.inf`` for unbounded.
        parked_senders: Senders and reservations asleep.
        parked_receivers: Receivers asleep.
        sent: Values that went in, less those that a cancelled sender took back; dropped ones count.
        received: Values that receivers took.
        dropped: Values that a dropping channel let fall, or that `Chan.clear` threw away.
        closed: Whether it was closed.
    """

    length: int
    promised: int
    reserved: int
    capacity: float
    parked_senders: int
    parked_receivers: int
    sent: int
    received: int
    dropped: int
    closed: bool


class Snapshot(NamedTuple):
    """Everything that decides what a channel does next; for tests and tools."""

    held: tuple[
        tuple[Any, bool], ...
    ]  # oldest first; True if let in from the line, so that a cancelled sender may take it back
    granted: int
    reserved: int
    closed: bool
    dropped: int
    received: int
    cause: BaseException | None
    overflow: str
    senders: tuple[
        Waiter | None, ...
    ]  # of each value that is held: which sender it is of, while that may still take it back
    recvq: tuple[Parked, ...]
    sendq: tuple[Parked, ...]
    slotq: tuple[Parked, ...]
    void: int = 0  # promises from before a `Chan.clear`: given back, they take their value along
