"""The floors: what an operation cannot be cheaper than in this interpreter, measured in turn with our own two cores.

A send and a receive that never wait are two awaits, and a round trip between two tasks is two switches of tasks. What
these cost without any channel is the floor; floors.c has those for which a channel would be written in C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.subjects import Subject
from bench.workloads import WORKLOADS, Workload, operations


@dataclass(frozen=True)
class Floor:
    """One floor."""

    name: str  # and the method of peers/floors.py
    title: str
    under: str  # the workload that stands on it
    compiled: bool = True  # it needs floors.c

    @property
    def subject(self) -> Subject:
        """Itself, as one who takes turns with others."""
        return Subject(self.name, self.title, peer="floors", module="")

    @property
    def workload(self) -> Workload:
        """What it does in its turn."""
        return Workload(self.name, self.name, self.title, "round", warm_up=1_000, expect=operations)


FINISHED = Floor("finished", "two awaits of a finished C object", "never_waits")
EMPTY = Floor("empty", "two awaits of an empty `async def`", "never_waits", compiled=False)
SWITCH = Floor("switch", "two switches of tasks through a bare run queue", "ping_pong")
BAREST = Floor("barest_switch", "the same, with one token for each task: nothing is made", "ping_pong")
FLOORS = (FINISHED, EMPTY, SWITCH, BAREST)


def workloads() -> Iterator[Workload]:
    """List the workloads that stand on a floor."""
    return (workload for workload in WORKLOADS if any(floor.under == workload.name for floor in FLOORS))
