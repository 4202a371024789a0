"""Measure what was asked for, part by part, and say how far it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench import crowd, floors, imports, lateness, memory
from bench.families import FAMILIES, Family
from bench.harness import Figures, Ready, rounds, sample
from bench.results import Results
from bench.workloads import GROWTH, WORKLOADS, Workload

PARTS = ("floors", "lateness", "memory", "imports", "crowd")
GROWTH_SUBJECTS = ("aiochan", "aiochan_c", "asyncio_queue")


@dataclass(frozen=True)
class Size:
    """How long and how often is measured."""

    seconds: float  # CPU time of one sample
    rounds: int
    growth_seconds: float
    growth_rounds: int
    widest: int
    lateness_seconds: float
    lateness_rounds: int
    objects: int
    imports: int
    fixed: int  # the most operations of a workload whose count is fixed
    crowds: tuple[int, ...]
    largest_group: int = 100_000


FULL = Size(0.3, 5, 0.15, 3, 100_000, 1.0, 3, 20_000, 15, 250, (10_000, 100_000, 1_000_000))
QUICK = Size(0.04, 3, 0.02, 1, 1_000, 0.4, 1, 2_000, 3, 60, (10_000, 100_000), 10_000)


def choices() -> list[str]:
    """Name all that can be asked for."""
    names = [one.name for one in [*WORKLOADS, *GROWTH]]
    return [*names, *(name for family in FAMILIES for name in sorted(family.choices)), "growth", *PARTS]


@dataclass(frozen=True)
class Here:
    """Who can be measured here."""

    subjects: list[Ready]
    floors: list[Ready]
    families: dict[str, list[Ready]]


def measure(results: Results, here: Here, wanted: set[str], loop: str, size: Size) -> None:
    """Measure the wanted parts, everything if none is named, into `results`."""
    run = _Run(results, here, loop, size)
    for workload in WORKLOADS:
        if not wanted or workload.name in wanted:
            run.workload(workload.name)
    for family in FAMILIES:
        for workload in family.wanted(wanted):
            if workload.width <= size.largest_group:
                run.of_family(family, workload)
    for name in PARTS:
        if not wanted or name in wanted:
            getattr(run, name)()
    for growth in GROWTH:
        if not wanted or {growth.name, "growth"} & wanted:
            run.growth(growth.name)


class _Run:
    def __init__(self, results: Results, here: Here, loop: str, size: Size) -> None:
        self._results, self._here, self._loop, self._size = results, here, loop, size
        self._ours = [ready for ready in here.subjects if ready.subject.is_ours]
        self._python = [ready for ready in here.subjects if not ready.subject.go]

    def workload(self, name: str) -> None:
        (workload,) = (workload for workload in WORKLOADS if workload.name == name)
        if workload.fixed:
            workload = workload.with_fixed(min(workload.fixed, self._size.fixed))
        self._results.workloads[name] = self._in_turn(self._here.subjects, workload)

    def of_family(self, family: Family, workload: Workload) -> None:
        if ready := self._here.families.get(family.name):
            self._results.of(family.name)[workload.name] = self._in_turn(ready, workload)

    def _in_turn(self, subjects: list[Ready], workload: Workload) -> Figures:
        _say(workload.title)
        return rounds(
            subjects,
            self._size.rounds,
            lambda ready: sample(ready, self._loop, workload, self._size.seconds),
            self._failed,
        )

    def floors(self) -> None:
        for workload in floors.workloads():
            _say(f"{workload.title}, and the floors below")
            self._results.floors[workload.name] = self._with_floors(workload)

    def _with_floors(self, workload: Workload) -> Figures:
        floor = {floor.name: floor.workload for floor in floors.FLOORS if floor.under == workload.name}
        below = [ready for ready in self._here.floors if ready.subject.name in floor]
        return rounds(
            [*self._ours, *below],
            self._size.rounds,
            lambda one: sample(one, self._loop, floor.get(one.subject.name, workload), self._size.seconds),
            self._failed,
        )

    def growth(self, name: str) -> None:
        (growth,) = (growth for growth in GROWTH if growth.name == name)
        _say(f"growth: {growth.title}")
        chosen = [ready for ready in self._here.subjects if ready.subject.name in GROWTH_SUBJECTS]
        found: dict[str, dict[str, list[float]]] = {ready.subject.name: {} for ready in chosen}
        for width in growth.widths:
            if width > self._size.widest:
                break
            _say(f"  {width:,} {growth.over}")
            figures = self._wide(chosen, growth.at(width))
            for subject, row in figures.items():
                found[subject][str(width)] = row
        self._results.growth[name] = {subject: row for subject, row in found.items() if row}

    def _wide(self, chosen: list[Ready], workload: Workload) -> Figures:
        seconds = self._size.growth_seconds
        return rounds(
            chosen, self._size.growth_rounds, lambda ready: sample(ready, self._loop, workload, seconds), self._failed
        )

    def lateness(self) -> None:
        for capacity in lateness.CAPACITIES:
            _say(f"timers, capacity {capacity:,}")
            for subject, samples in self._late(capacity).items():
                self._results.lateness.setdefault(subject, {})[str(capacity)] = lateness.summary(samples)

    def _late(self, capacity: int) -> Figures:
        seconds = self._size.lateness_seconds
        return rounds(
            self._python,
            self._size.lateness_rounds,
            lambda ready: lateness.sample(ready, self._loop, capacity, seconds),
            self._failed,
        )

    def memory(self) -> None:
        _say("bytes")
        figures = rounds(
            self._python, 1, lambda ready: memory.sample(ready, self._loop, self._size.objects), self._failed
        )
        self._results.memory = {subject: row[0] for subject, row in figures.items()}

    def crowd(self) -> None:
        for number in self._size.crowds:
            _say(f"{number:,} parked tasks")
            for subject, samples in self._crowd_of(number).items():
                found = {measure: [sample[measure] for sample in samples] for measure in crowd.MEASURES}
                self._results.crowd.setdefault(subject, {})[str(number)] = found

    def _crowd_of(self, number: int) -> Figures:
        return rounds(
            self._ours,
            self._size.growth_rounds,
            lambda ready: crowd.sample(ready, self._loop, number),
            self._failed,
        )

    def imports(self) -> None:
        _say("imports")
        self._results.imports = imports.run(self._python, self._size.imports)

    def _failed(self, message: str) -> None:
        _say(f"failed: {message}")
        self._results.failures.append(message)


def _say(message: str) -> None:
    print(f"-- {message}", file=sys.stderr, flush=True)
