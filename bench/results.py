"""What a run has found, as plain data that JSON can hold, and the few questions that it is asked."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any


def paired(row: dict[str, list[float]], subject: str, unit: str) -> list[float]:
    """Form ratios within the rounds; empty if one of the two has no figures."""
    if subject not in row or unit not in row:
        return []
    return [one / other for one, other in zip(row[subject], row[unit], strict=True)]


@dataclass
class Results:
    """Figures by subject; a subject that could not do something is not in there."""

    about: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # subject: why it was not measured at all
    failures: list[str] = field(default_factory=list)
    workloads: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # workload: subject: ns of each round
    floors: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # workload: subject or floor: ns
    groups: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # workload: subject: ns of each round
    sync: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # the same
    growth: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)  # growth: subject: width: ns
    crowd: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)  # subject: tasks: measure: each
    lateness: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)  # subject: capacity: percentiles
    memory: dict[str, dict[str, float]] = field(default_factory=dict)  # subject: channel, parked, bare: bytes
    imports: dict[str, float] = field(default_factory=dict)  # subject: ms

    def ratios(self, workload: str, subject: str, unit: str) -> list[float]:
        """How many times the cost of `unit` the subject took, in each round; empty if one of them has no figures."""
        return paired(self.workloads.get(workload, {}), subject, unit)

    def ratio(self, workload: str, subject: str, unit: str) -> float | None:
        """The median of these."""
        found = self.ratios(workload, subject, unit)
        return statistics.median(found) if found else None

    def of(self, family: str) -> dict[str, dict[str, list[float]]]:
        """The figures of a family: workload: subject: ns of each round."""
        figures: dict[str, dict[str, list[float]]] = getattr(self, family)
        return figures

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
