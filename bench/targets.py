"""The targets that were set before anything was measured, and whether a run has reached them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from bench.families import FAMILIES, UNIT, Family
from bench.floors import EMPTY, FINISHED, SWITCH
from bench.results import Results, paired
from bench.subjects import SUBJECTS
from bench.workloads import HELD, PLAIN, SELECT, WORKLOADS, Workload

PLAIN_RATIO, SELECT_RATIO = 1.4, 10.0
C_RATIO, C_SELECT_RATIO = 3.0, 10.0
ASYNCIO_RATIO = 1.0
FLOOR_RATIOS = {FINISHED: 1.6, EMPTY: 1.0, SWITCH: 1.5}
# What grows, and the same with the making of the cases: what each further one is, and how many ns it may cost.
SLOPES = {
    ("growth_look", "growth_ready"): ("channel that is looked at", 20.0),
    ("growth_stand", "growth_wait"): ("channel to park on", 40.0),
}
CONSTANT = 2.0  # beside a thousandth of it: caches cost something, but a walk would cost a multiple
LATE_P99_MS, LATE_MEDIAN_MS = 0.5, 2.0
C_BYTES = 150
IMPORT_MS = 15.0
PYTHON, C, QUEUE, NAMESAKE = "aiochan", "aiochan_c", "asyncio_queue", "zh217"


@dataclass(frozen=True)
class Verdict:
    """One target, held against a run."""

    target: str
    found: float
    wanted: float
    unit: str
    reached: bool
    sign: str
    remark: str = ""


def at_least(target: str, found: float, wanted: float, remark: str = "") -> Verdict:
    return Verdict(target, found, wanted, "x", found >= wanted, ">=", remark)


def at_most(target: str, found: float, wanted: float, unit: str = "x", remark: str = "") -> Verdict:
    return Verdict(target, found, wanted, unit, found <= wanted, "<=", remark)


def verdicts(results: Results) -> list[Verdict]:
    """Hold a run against every target that it has figures for."""
    found: list[Verdict] = []
    for workload in WORKLOADS:
        found.extend(_beside_peers(results, workload))
        found.extend(_of_c(results, workload))
    for family in FAMILIES:
        found.extend(_beside_asyncio(results, family))
    found.extend(_over_floors(results))
    found.extend(_of_growth(results))
    for subject, core in ((PYTHON, "Python core"), (C, "C core")):
        found.extend(_of_each(results, subject, core))
    found.extend(_of_bytes(results))
    return found


def python_peers() -> list[str]:
    return [subject.name for subject in SUBJECTS if not subject.is_ours and not subject.go]


def best_peer(results: Results, workload: str, unit: str) -> tuple[float, str] | None:
    """The least ratio of a Python peer, and whose it is."""
    ratios = [(ratio, name) for name in python_peers() if (ratio := results.ratio(workload, name, unit)) is not None]
    return min(ratios, default=None)


def _beside_peers(results: Results, workload: Workload) -> Iterator[Verdict]:
    if workload.kind == PLAIN:
        best = best_peer(results, workload.name, PYTHON)
        if best is not None:
            yield at_least(f"Python core, {workload.title}: beside the best Python peer", best[0], PLAIN_RATIO, best[1])
    elif (ratio := results.ratio(workload.name, QUEUE, PYTHON)) is not None:
        yield at_least(f"Python core, {workload.title}: beside a race of tasks", ratio, SELECT_RATIO, QUEUE)


def _of_c(results: Results, workload: Workload) -> Iterator[Verdict]:
    if (ratio := results.ratio(workload.name, QUEUE, C)) is not None:
        yield at_least(f"C core, {workload.title}: beside asyncio.Queue", ratio, C_RATIO, QUEUE)
    if workload.kind == SELECT and (ratio := results.ratio(workload.name, NAMESAKE, C)) is not None:
        yield at_least(f"C core, {workload.title}: beside zh217's aiochan", ratio, C_SELECT_RATIO, NAMESAKE)


def _beside_asyncio(results: Results, family: Family) -> Iterator[Verdict]:
    for workload in family.workloads:
        for subject, core in ((PYTHON, "Python core"), (C, "C core")):
            ratios = paired(results.of(family.name).get(workload.name, {}), subject, UNIT)
            if workload.kind == HELD and ratios:
                yield at_most(f"{core}, {workload.title}: beside asyncio", statistics.median(ratios), ASYNCIO_RATIO)


def _over_floors(results: Results) -> Iterator[Verdict]:
    for floor, wanted in FLOOR_RATIOS.items():
        if found := paired(results.floors.get(floor.under, {}), C, floor.name):
            title = next(workload.title for workload in WORKLOADS if workload.name == floor.under)
            yield at_most(f"C core, {title}: beside {floor.title}", statistics.median(found), wanted)


def slope(row: dict[str, list[float]], near: str, far: str) -> float | None:
    """How much each further one costs between two widths."""
    if near not in row or far not in row:
        return None
    further = int(far) - int(near)
    return statistics.median((high - low) / further for low, high in zip(row[near], row[far], strict=True))


def _of_growth(results: Results) -> Iterator[Verdict]:
    for (growth, making), (title, wanted) in SLOPES.items():
        each = slope(results.growth.get(growth, {}).get(C, {}), "10", "1000")
        if each is not None:
            with_making = slope(results.growth.get(making, {}).get(C, {}), "10", "1000")
            remark = "" if with_making is None else f"{with_making:.0f} ns with the making of its case"
            yield at_most(f"C core, select: each further {title}", each, wanted, "ns", remark)
    row = results.growth.get("growth_cancel", {}).get(C, {})
    if found := paired(row, "10000", "10"):
        yield at_most("C core, cancel one of 10,000 waiters: beside one of 10", statistics.median(found), CONSTANT)


def _of_each(results: Results, subject: str, core: str) -> Iterator[Verdict]:
    late = results.lateness.get(subject, {})
    if "1" in late:
        yield at_most(f"{core}, timers beside a pair, capacity 1: p99", late["1"]["p99"], LATE_P99_MS, "ms")
    if "10000" in late:
        title = f"{core}, timers beside a pair, capacity 10,000: median"
        yield at_most(title, late["10000"]["p50"], LATE_MEDIAN_MS, "ms")
    if subject in results.imports:
        yield at_most(f"{core}, import over asyncio", results.imports[subject], IMPORT_MS, "ms")
    crowd = results.crowd.get(subject, {})
    released = {number: found["release"] for number, found in crowd.items()}
    if found := paired(released, "1000000", "100000"):
        title = f"{core}, release one of a million parked tasks: beside one of 100,000"
        yield at_most(title, statistics.median(found), CONSTANT)


def _of_bytes(results: Results) -> Iterator[Verdict]:
    size = results.memory.get(C, {})
    if "channel" in size:
        yield at_most("C core, idle channel", size["channel"], C_BYTES, "bytes")
    if "parked" in size:
        yield at_most("C core, parked operation", size["parked"] - size["bare"], C_BYTES, "bytes")
