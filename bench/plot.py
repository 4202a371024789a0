"""Results as pictures: bars of ratios, and lines of growth. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from bench.results import Results
from bench.subjects import FIRST, SUBJECTS
from bench.workloads import GROWTH, WORKLOADS


def draw(results: Results, stem: Path) -> list[Path]:
    """Write ``stem.svg`` and ``stem-growth.svg``, as far as there is something to show.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "aiochan"  # the same picture from the same results
    mpl.rcParams["svg.fonttype"] = "none"
    drawn: list[Path] = []
    if any(FIRST in row and len(row) > 1 for row in results.workloads.values()):
        drawn.append(_save(_bars(results), stem.with_name(f"{stem.name}.svg")))
    if results.growth:
        drawn.append(_save(_lines(results), stem.with_name(f"{stem.name}-growth.svg")))
    return drawn


def _save(picture: Any, path: Path) -> Path:
    picture.savefig(path, metadata={"Date": None})
    return path


def _colours() -> dict[str, str]:
    return {subject.name: f"C{number}" for number, subject in enumerate(SUBJECTS)}


def _bars(results: Results) -> Any:
    from matplotlib.figure import Figure

    colours = _colours()
    workloads = [workload for workload in WORKLOADS if FIRST in results.workloads.get(workload.name, {})]
    subjects = [s for s in SUBJECTS if s.name != FIRST and any(s.name in results.workloads[w.name] for w in workloads)]
    height = 0.8 / len(subjects)
    picture = Figure(figsize=(9, 1.5 + 0.16 * len(workloads) * (len(subjects) + 1)), layout="constrained")
    axes = picture.subplots()
    for number, subject in enumerate(subjects):
        ratios = [results.ratio(workload.name, subject.name, FIRST) for workload in workloads]
        at = [row + number * height for row, ratio in enumerate(ratios) if ratio is not None]
        widths = [ratio - 1 for ratio in ratios if ratio is not None]
        axes.barh(at, widths, height, left=1, color=colours[subject.name], label=subject.title)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks([row + 0.4 for row in range(len(workloads))], [workload.title for workload in workloads])
    axes.invert_yaxis()
    axes.set_xlabel(f"CPU time beside {SUBJECTS[0].title} (1; to the right: slower)")
    axes.set_title(f"{results.about.get('python')}, {results.about.get('loop')}")
    axes.grid(axis="x", alpha=0.3)
    axes.margins(y=0.01)
    picture.legend(loc="outside upper center", ncols=4, fontsize="small")
    return picture


def _lines(results: Results) -> Any:
    from matplotlib.figure import Figure

    colours = _colours()
    shown = [growth for growth in GROWTH if results.growth.get(growth.name)]
    picture = Figure(figsize=(4.2 * len(shown), 4), layout="constrained")
    for growth, axes in zip(shown, picture.subplots(1, len(shown), squeeze=False)[0], strict=True):
        for subject in SUBJECTS:
            row = results.growth[growth.name].get(subject.name, {})
            if row:
                widths = sorted(row, key=int)
                costs = [statistics.median(row[width]) for width in widths]
                axes.plot(
                    [int(width) for width in widths], costs, "o-", color=colours[subject.name], label=subject.title
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(growth.title, fontsize="small")
        axes.set_xlabel(growth.over)
        axes.set_ylabel("CPU ns of one operation")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    return picture
