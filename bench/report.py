"""Results as Markdown. Nothing is measured here: the same results always give the same page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator

from bench.families import FAMILIES, UNIT, Family
from bench.floors import FLOORS
from bench.results import Results, paired
from bench.subjects import FIRST, SUBJECTS
from bench.targets import verdicts
from bench.workloads import GROWTH, WORKLOADS

NONE = "-"


def markdown(results: Results) -> str:
    """Write the whole page."""
    parts = [_head(results), *_ratios(results), *_absolute(results), *_families(results), *_targets(results)]
    parts += [*_floors(results), *_lateness(results), *_memory(results), *_crowd(results), *_imports(results)]
    parts += [*_growth(results), *_missing(results)]
    return "\n\n".join(parts) + "\n"


def table(rows: Iterable[list[str]]) -> str:
    """Write rows as a table; the first is the header, and all but the first column are figures."""
    header, *body = rows
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *body])


def figure(value: float) -> str:
    """Write three digits that count, with commas between thousands."""
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _head(results: Results) -> str:
    about = results.about
    versions = ", ".join(f"{name} {version}" for name, version in about.get("versions", {}).items())
    lines = [
        f"# {about.get('python')}, {about.get('loop')}",
        f"{about.get('rounds')} rounds, {about.get('seconds')} s of CPU time in each sample; {about.get('system')}.",
        "How this is measured, and what is not like for like: [README](../README.md).",
    ]
    if about.get("quick"):
        lines.append("**A quick run: samples are short and few, the sieve is smaller. Good for a first look only.**")
    if versions:
        lines.append(f"Versions: {versions}.")
    return "\n\n".join(lines)


def _titles(present: Iterable[str]) -> dict[str, str]:
    names = set(present)
    return {subject.name: subject.title for subject in SUBJECTS if subject.name in names}


def _ratios(results: Results) -> Iterator[str]:
    if not results.workloads:
        return
    titles = _titles(name for row in results.workloads.values() for name in row)
    others = [name for name in titles if name != FIRST]
    present = [workload for workload in WORKLOADS if workload.name in results.workloads]
    rows = [["workload", *(titles[name] for name in others)]]
    rows += [[one.title, *(_ratio(results.ratios(one.name, name, FIRST)) for name in others)] for one in present]
    if others and FIRST in titles:
        yield f"## How many times the CPU time of {titles[FIRST]}"
        yield "Median (least to most) of the rounds. Above 1: slower than it."
        yield table(rows)


def _ratio(found: list[float]) -> str:
    if not found:
        return NONE
    return f"**{figure(statistics.median(found))}** ({figure(min(found))} to {figure(max(found))})"


def _absolute(results: Results) -> Iterator[str]:
    if not results.workloads:
        return
    titles = _titles(name for row in results.workloads.values() for name in row)
    rows = [["workload", "per", *titles.values()]]
    for workload in WORKLOADS:
        row = results.workloads.get(workload.name)
        if row is not None:
            cells = [f"{statistics.median(row[name]):,.0f}" if name in row else NONE for name in titles]
            rows.append([workload.title, workload.unit, *cells])
    yield "## CPU ns"
    yield "Medians, on this machine in this hour: compare within a row only."
    yield table(rows)


def _families(results: Results) -> Iterator[str]:
    for family in FAMILIES:
        yield from _family(family, results.of(family.name))


def _family(family: Family, found: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    others = [one for one in family.subjects if one.name != UNIT and any(one.name in row for row in found.values())]
    present = [workload for workload in family.workloads if workload.name in found]
    if not present:
        return
    rows = [[family.title, "per", f"{family.unit.title}, CPU ns", *(one.title for one in others)]]
    for workload in present:
        row = found[workload.name]
        cost = f"{statistics.median(row[UNIT]):,.0f}" if UNIT in row else NONE
        rows.append([workload.title, workload.unit, cost, *(_beside(row, one.name) for one in others)])
    yield f"## {family.title.capitalize()}: how many times the CPU time of asyncio's own"
    yield "Median (least to most) of the rounds. Above 1: slower than it. Where asyncio has nothing like it, CPU ns."
    yield table(rows)


def _beside(row: dict[str, list[float]], name: str) -> str:
    if UNIT in row or name not in row:
        return _ratio(paired(row, name, UNIT))
    return f"{statistics.median(row[name]):,.0f} ns"


def _targets(results: Results) -> Iterator[str]:
    found = verdicts(results)
    if not found:
        return
    rows = [["target", "wanted", "found", "", "remark"]]
    rows += [
        [
            verdict.target,
            f"{verdict.sign} {verdict.wanted:g} {verdict.unit}",
            f"{figure(verdict.found)} {verdict.unit}",
            "reached" if verdict.reached else "**not reached**",
            verdict.remark,
        ]
        for verdict in found
    ]
    yield "## Targets"
    yield table(rows)


def _floors(results: Results) -> Iterator[str]:
    titles = _titles(name for row in results.floors.values() for name in row)
    rows = [["workload", "floor", "its CPU ns", *titles.values()]]
    for floor in FLOORS:
        row = results.floors.get(floor.under, {})
        if floor.name in row:
            (title,) = (workload.title for workload in WORKLOADS if workload.name == floor.under)
            cost = f"{statistics.median(row[floor.name]):,.0f}"
            rows.append([title, floor.title, cost, *(_ratio(paired(row, name, floor.name)) for name in titles)])
    if len(rows) > 1:
        yield "## Above the floors"
        yield "How many times the CPU time of what it cannot be cheaper than: median (least to most) of the rounds."
        yield table(rows)


def _lateness(results: Results) -> Iterator[str]:
    if not results.lateness:
        return
    rows = [["subject", "capacity", "p50 ms", "p99 ms", "most ms", "ticks"]]
    for name, title in _titles(results.lateness).items():
        for capacity, late in results.lateness[name].items():
            figures = [f"{late[key]:.2f}" for key in ("p50", "p99", "max")]
            rows.append([title, f"{int(capacity):,}", *figures, f"{late['ticks']:,}"])
    yield "## How late a timer of 1 ms is beside a saturating pair"
    yield table(rows)


def _memory(results: Results) -> Iterator[str]:
    if not results.memory:
        return
    rows = [["subject", "idle channel", "task parked in a receive", "of which above the barest parked task"]]
    for name, title in _titles(results.memory).items():
        size = results.memory[name]
        above = size["parked"] - size["bare"] if "parked" in size else None
        cells = [size.get("channel"), size.get("parked"), above]
        rows.append([title, *(NONE if cell is None else f"{cell:,.0f}" for cell in cells)])
    yield "## Bytes"
    yield table(rows)


def _crowd(results: Results) -> Iterator[str]:
    if not results.crowd:
        return
    rows = [["subject", "tasks", "CPU ns to park one", "to release one", "bytes of each", "MB in all"]]
    for name, title in _titles(results.crowd).items():
        for number, found in results.crowd[name].items():
            park, release, size = (statistics.median(found[measure]) for measure in ("park", "release", "bytes"))
            memory = [f"{size:,.0f}", f"{size * int(number) / 1e6:,.0f}"] if size else [NONE, NONE]
            rows.append([title, f"{int(number):,}", f"{park:,.0f}", f"{release:,.0f}", *memory])
    yield "## A crowd of tasks parked in a receive"
    yield table(rows)


def _imports(results: Results) -> Iterator[str]:
    if not results.imports:
        return
    rows = [["subject", "ms"]]
    rows += [[title, f"{results.imports[name]:.1f}"] for name, title in _titles(results.imports).items()]
    yield "## CPU ms of `import` once asyncio is imported"
    yield table(rows)


def _growth(results: Results) -> Iterator[str]:
    for growth in GROWTH:
        found = results.growth.get(growth.name)
        if not found:
            continue
        widths = [width for width in growth.widths if any(str(width) in row for row in found.values())]
        rows = [["subject", *(f"{width:,}" for width in widths)]]
        for name, title in _titles(found).items():
            cells = [found[name].get(str(width)) for width in widths]
            rows.append([title, *(f"{statistics.median(cell):,.0f}" if cell else NONE for cell in cells)])
        yield f"## CPU ns of one operation as it grows: {growth.title}"
        yield f"Over the number of {growth.over}."
        yield table(rows)


def _missing(results: Results) -> Iterator[str]:
    titles = {subject.name: subject.title for subject in SUBJECTS}
    lines = [f"- {titles.get(name, name)}: {why}" for name, why in results.missing.items()]
    if lines:
        yield "## Not measured in this run"
        yield "\n".join(lines)
    if results.failures:
        yield "## Failed"
        yield "\n".join(f"- {failure}" for failure in results.failures)
