"""Take samples so that a shared, noisy machine does not decide who wins.

Every sample is CPU time, taken in a process of its own. The peers take turns within a round, so
that what slows the machine down for a while hits all of them; a ratio is formed within its round,
and the median over the rounds is what counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bench.workloads import PEERS, Workload

ROOT = Path(__file__).resolve().parent.parent


def sample(loop: str, peer: str, workload: Workload) -> float:
    """Measure once: CPU seconds per operation."""
    arguments = [loop, peer, workload.name, str(workload.count)]
    command = [sys.executable, "-m", "bench.sample", *arguments]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(answer.stdout)


def ratios(loop: str, workload: Workload, rounds: int) -> dict[str, list[float]]:
    """Measure every peer in every round: how many times the CPU time of the first peer it took."""
    first, *others = PEERS
    found: dict[str, list[float]] = {peer: [] for peer in others}
    for _ in range(rounds):
        unit = sample(loop, first, workload)
        for peer in others:
            found[peer].append(sample(loop, peer, workload) / unit)
    return found


def table(loop: str, workloads: list[Workload], rounds: int) -> str:
    """Measure, and write the medians as a Markdown table; the span of the rounds stands behind."""
    _, *others = PEERS
    header = ["workload", "per", *(PEERS[peer] for peer in others)]
    rows = [header, ["---"] * len(header)]
    for workload in workloads:
        found = ratios(loop, workload, rounds)
        cells = [
            f"{statistics.median(found[peer]):.2f} ({min(found[peer]):.2f}-{max(found[peer]):.2f})" for peer in others
        ]
        rows.append([workload.title, workload.operation, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
