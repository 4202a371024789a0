"""Workloads that are held against what asyncio has itself: groups and contexts, and what waits for a condition.

The unit of a family is asyncio's own, not our Python core: what matters is what ours cost beside what everybody has.
A workload is a method of the class `Peer` of each subject; where there is no counterpart, the subject cannot do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.groups import GROUP_SUBJECTS, GROUP_WORKLOADS
from bench.subjects import Subject
from bench.sync import SYNC_SUBJECTS, SYNC_WORKLOADS
from bench.workloads import Workload

__all__ = ["FAMILIES", "UNIT", "Family"]

UNIT = "asyncio"  # the name of the subject that the others are divided by


@dataclass(frozen=True)
class Family:
    """Workloads that are chosen together, and have a table of their own."""

    name: str  # what `--only` takes, and where the results are kept
    title: str  # of the first column
    subjects: list[Subject]
    workloads: list[Workload]

    @property
    def unit(self) -> Subject:
        """What asyncio has."""
        return next(subject for subject in self.subjects if subject.name == UNIT)

    @property
    def choices(self) -> set[str]:
        """What can be asked for: all of it, or a workload."""
        return {self.name, *(workload.name for workload in self.workloads)}

    def wanted(self, names: set[str]) -> Iterator[Workload]:
        """Go through the workloads that were asked for; all if no name is given."""
        for workload in self.workloads:
            if not names or {workload.name, self.name} & names:
                yield workload


FAMILIES = [
    Family("groups", "groups and contexts", GROUP_SUBJECTS, GROUP_WORKLOADS),
    Family("sync", "locks and the like", SYNC_SUBJECTS, SYNC_WORKLOADS),
]
