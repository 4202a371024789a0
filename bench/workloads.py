"""What is measured: the one list of workloads, of what grows, and of their sizes.

A workload is a method of the class `Peer` in each file of peers/, called with `count`, and with `width` where there is
one. What it returns is checked. Everybody gets its sample to last about as long, so `count` differs; `width` does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

PLAIN, SELECT = "plain", "select"
HELD, SHOWN = "held", "shown"  # against asyncio's own, as a target; or only shown, as asyncio has nothing like it


def sum_below(count: int, _width: int) -> int:
    """Add up the values 0 .. count-1, each of which arrives once."""
    return count * (count - 1) // 2


def hops(count: int, width: int) -> int:
    return count * width


def places(count: int, width: int) -> int:
    return sum(number % width for number in range(count))


def primes(count: int, _width: int) -> int:
    return sum(itertools.islice(_primes(), count))


def operations(count: int, _width: int) -> int:
    return count


def _primes() -> Iterator[int]:
    found: list[int] = []
    for number in itertools.count(2):
        if all(number % prime for prime in found):
            found.append(number)
            yield number


@dataclass(frozen=True)
class Workload:
    """One row of the table."""

    name: str
    method: str  # of a peer
    title: str
    unit: str  # what is counted
    kind: str = PLAIN
    width: int = 0  # how many channels or tasks; 0 if it has no width
    warm_up: int = 100  # operations first, unmeasured: caches, specialised bytecode; and from them the count is found
    fixed: int = 0  # the count, where the cost of an operation depends on it: the same for everybody
    each: int = 1  # units per operation
    expect: Callable[[int, int], int] = sum_below

    def with_fixed(self, count: int) -> Workload:
        """Make it smaller."""
        return replace(self, fixed=count)


WORKLOADS = [
    Workload("stream", "stream", "one producer, one consumer, capacity 100", "value", warm_up=5_000),
    Workload("ping_pong", "ping_pong", "ping-pong over two rendezvous channels", "round trip", warm_up=1_000),
    Workload("never_waits", "never_waits", "send + recv that never wait", "pair", warm_up=5_000),
    Workload("producers", "producers", "100 producers, rendezvous", "value", width=100, warm_up=1_000),
    Workload("select10_ready", "select_ready", "select of 10, one ready", "select", SELECT, width=10, warm_up=100),
    Workload("select10_wait", "select_wait", "select of 10, must wait", "select", SELECT, width=10, warm_up=100),
    Workload("workers", "workers", "1 -> 100 workers -> 1", "value", width=100, warm_up=1_000),
    Workload("sieve", "sieve", "prime sieve, 250 primes", "prime", warm_up=20, fixed=250, expect=primes),
    Workload(
        "sieve_room", "sieve", "the same with room for a value", "prime", width=1, warm_up=20, fixed=250, expect=primes
    ),
    Workload("ring", "ring", "ring of 10,000 tasks", "hop", width=10_000, warm_up=1, each=10_000, expect=hops),
    Workload(
        "or_done", "or_done", "or-done over 1,000 channels", "or-done", SELECT, width=1_000, warm_up=1, expect=places
    ),
]


TO_10_000 = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class Growth:
    """How the cost of one operation grows with a width."""

    name: str
    title: str
    method: str
    over: str  # what is counted on the horizontal axis
    widths: tuple[int, ...] = (*TO_10_000, 100_000)
    expect: Callable[[int, int], int] = sum_below

    def at(self, width: int) -> Workload:
        """Make it a workload of this width."""
        return Workload(self.name, self.method, self.title, "operation", width=width, warm_up=1, expect=self.expect)


GROWTH = [
    Growth("growth_ready", "select, one ready", "select_ready", "channels in the select"),
    Growth("growth_wait", "select, must wait", "select_wait", "channels in the select"),
    Growth("growth_look", "select over cases made before, one ready", "look", "channels in the select", TO_10_000),
    Growth("growth_stand", "select over cases made before, must wait", "stand", "channels in the select", TO_10_000),
    Growth("growth_waiters", "send to one of n waiting receivers", "waiters", "waiters on one channel"),
    Growth("growth_buffered", "recv + send on a full channel", "buffered", "values in a channel"),
    Growth(
        "growth_cancel",
        "cancel one of n waiters, put another in its place",
        "cancel_one",
        "waiters on one channel",
        expect=operations,
    ),
]
