"""What a pool knows about each of its resources, and what it tells about all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from aiochan.seconds import check_seconds

__all__ = ["REASONS", "Limits", "Reason", "Resource", "ResourceStats"]

T = TypeVar("T")

Reason: TypeAlias = Literal["unusable", "failed_check", "max_idle", "max_idle_time", "max_lifetime", "end"]
REASONS: Final[tuple[Reason, ...]] = ("unusable", "failed_check", "max_idle", "max_idle_time", "max_lifetime", "end")


class Resource(Generic[T]):
    """One resource that is open.

    Attributes:
        value: What was opened.
        expires: When it has lived long enough, on the clock of the loop; infinity if never.
        until: Until when it may stay idle; earlier than that, or the same.
    """

    __slots__ = ("expires", "until", "value")

    def __init__(self, value: T, expires: float) -> None:
        self.value = value
        self.expires = self.until = expires


class Limits:
    """How long a resource may live, and how long it may be idle.

    Args:
        max_lifetime: Seconds, or None for ever.
        max_idle_time: Seconds, or None for ever.

    Raises:
        TypeError: One of them is no number.
        ValueError: One of them is not positive.
    """

    __slots__ = ("idle_time", "lifetime", "timeless")

    def __init__(self, max_lifetime: float | None, max_idle_time: float | None) -> None:
        self.lifetime = _positive("max_lifetime", max_lifetime)
        self.idle_time = _positive("max_idle_time", max_idle_time)
        self.timeless = self.lifetime == self.idle_time == math.inf  # then nobody need look at a clock

    def born(self, value: T, now: float) -> Resource[T]:
        """Make the record of a resource that was opened now."""
        return Resource(value, now + self.lifetime)

    def laid_aside(self, resource: Resource[T], clock: Callable[[], float]) -> None:
        """Take note that a resource is idle from now on."""
        if self.idle_time != math.inf:
            resource.until = min(resource.expires, clock() + self.idle_time)

    def verdict(self, resource: Resource[T], now: float) -> Reason | None:
        """Say why an idle resource is to be closed; None if it is not."""
        if now < resource.until:
            return None
        return "max_lifetime" if now >= resource.expires else "max_idle_time"


def _positive(what: str, value: float | None) -> float:
    seconds = math.inf if value is None else check_seconds(what, value)
    if seconds <= 0:
        raise ValueError(f"{what} must be more than 0 seconds, not {value!r}; None is for ever")
    return seconds


@dataclass(frozen=True, slots=True)
class ResourceStats:
    """The state of a `ResourcePool` and what has happened to it, as ``DBStats`` of Go's database/sql.

    Attributes:
        max_open: How many may be open.
        open: How many are, those included that are being opened, checked or closed.
        lent: How many have been lent and not been given back.
        idle: How many wait to be lent.
        waiting: How many tasks wait for one.
        waits: How many had to wait, ever.
        waited: How long they did, in seconds, all together; those who wait now are not in it.
        opened: How many were opened, ever.
        closed: How many were closed, ever, by reason: ``unusable`` (marked, or its borrower was interrupted),
            ``failed_check``, ``max_idle``, ``max_idle_time``, ``max_lifetime``, ``end`` (of the pool).
    """

    max_open: int
    open: int
    lent: int
    idle: int
    waiting: int
    waits: int
    waited: float
    opened: int
    closed: Mapping[Reason, int]
