"""The targets that were set before anything was measured, and whether a run has reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import Results
from bench.subjects import SUBJECTS
from bench.workloads import PLAIN, SELECT, WORKLOADS, Workload

PLAIN_RATIO, SELECT_RATIO = 1.4, 10.0
C_RATIO, C_SELECT_RATIO = 3.0, 10.0
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
    remark: str = ""


def at_least(target: str, found: float, wanted: float, remark: str = "") -> Verdict:
    return Verdict(target, found, wanted, "x", found >= wanted, remark)


def at_most(target: str, found: float, wanted: float, unit: str) -> Verdict:
    return Verdict(target, found, wanted, unit, found <= wanted)


def verdicts(results: Results) -> list[Verdict]:
    """Hold a run against every target that it has figures for."""
    found: list[Verdict] = []
    for workload in WORKLOADS:
        found.extend(_beside_peers(results, workload))
        found.extend(_of_c(results, workload))
    found.extend(_of_the_rest(results))
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


def _of_the_rest(results: Results) -> Iterator[Verdict]:
    for subject, core in ((PYTHON, "Python core"), (C, "C core")):
        late = results.lateness.get(subject, {})
        if "1" in late:
            yield at_most(f"{core}, timers beside a pair, capacity 1: p99", late["1"]["p99"], LATE_P99_MS, "ms")
        if "10000" in late:
            yield at_most(
                f"{core}, timers beside a pair, capacity 10,000: median", late["10000"]["p50"], LATE_MEDIAN_MS, "ms"
            )
        if subject in results.imports:
            yield at_most(f"{core}, import over asyncio", results.imports[subject], IMPORT_MS, "ms")
    size = results.memory.get(C, {})
    if "channel" in size:
        yield at_most("C core, idle channel", size["channel"], C_BYTES, "bytes")
    if "parked" in size:
        yield at_most("C core, parked operation", size["parked"] - size["bare"], C_BYTES, "bytes")
