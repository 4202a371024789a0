"""Compare how programs come out here and in Go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.go.differential.ours import Operations, outcomes
from tests.go.differential.programs import Program
from tests.go.differential.theirs import Go

ROUNDS = 4  # of ever more runs in Go, while there are outcomes that it has not shown
MORE = 6  # times as many in each


@dataclass
class Comparison:
    """How one program came out.

    Attributes:
        program: The program.
        ours: All the ways in which it can come out here, if values are handed over as in Go.
        theirs: How it came out in Go, and how many times.
        runs: How many times it was run in Go.
    """

    program: Program
    ours: set[str]
    theirs: Counter[str] = field(default_factory=Counter)
    runs: int = 0

    @property
    def missing(self) -> list[str]:
        """What Go has shown and we do not know: this must not be."""
        return sorted(set(self.theirs) - self.ours)

    @property
    def unseen(self) -> list[str]:
        """What we say can be and Go has not shown, in so many runs."""
        return sorted(self.ours - set(self.theirs))

    def __str__(self) -> str:
        lines = [str(self.program), *(f"  only in Go ({self.theirs[line]} times): {line}" for line in self.missing)]
        lines += [f"  only here (Go: {self.runs} runs): {line}" for line in self.unseen]
        return "\n".join(lines)


def compare(
    programs: Iterable[Program], go: Go, *, runs: int, seed: int = 0, make: type[Operations] = Operations
) -> list[Comparison]:
    """Run programs here in every order, and in Go until it has shown as much or has been asked often enough."""
    compared = [Comparison(program, outcomes(program, make=make)) for program in programs]
    for number in range(ROUNDS):
        ask(go, [one for one in compared if one.unseen], runs * MORE**number, seed + number)
    return compared


def ask(go: Go, compared: Sequence[Comparison], runs: int, seed: int) -> None:
    """Have Go run these programs so many times more."""
    for one, counts in zip(compared, go.count([one.program for one in compared], runs, seed), strict=True):
        one.theirs.update(counts)
        one.runs += runs


def summary(compared: Sequence[Comparison]) -> str:
    """Tell in one line how many outcomes there are, and how many of them Go has shown."""
    known, unseen = sum(len(one.ours) for one in compared), sum(len(one.unseen) for one in compared)
    missing, runs = sum(len(one.missing) for one in compared), sum(one.runs for one in compared)
    seen = 100 * (known - unseen) / max(known, 1)
    return (
        f"{len(compared)} programs, {known} outcomes; in {runs} runs Go showed {known - unseen} of them ({seen:.2f} %)"
        f" and {missing} others"
    )
