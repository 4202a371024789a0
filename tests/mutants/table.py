"""The table of mutants: who was killed by what."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from typing import NamedTuple

from tests.mutants.mutant import Mutant
from tests.mutants.workshop import Verdict

__all__ = ["Row", "markdown", "row_of"]

CORES = {"python": "Python", "c": "compiled"}


class Row(NamedTuple):
    """A mutant, and what the jobs said of it."""

    mutant: Mutant
    verdicts: list[Verdict]

    @property
    def killed(self) -> bool:
        return any(verdict.killed for verdict in self.verdicts)

    @property
    def by(self) -> Verdict | None:
        """The first job that killed it."""
        return next((verdict for verdict in self.verdicts if verdict.killed), None)

    def line(self) -> str:
        """Say it in one line, for the terminal."""
        seconds = sum(verdict.seconds for verdict in self.verdicts)
        if self.by is None:
            passed = ", ".join(f"{v.report.job} ({v.report.count:,})" for v in self.verdicts)
            return f"ALIVE   {self.mutant.name}: {passed}, {seconds:.1f} s"
        unexpected = "" if self.by.report.job == self.mutant.expect else f", expected {self.mutant.expect}"
        others = [v for v in self.verdicts if v is not self.by]
        also = "".join(f"; {v.report.job} {_count(v) if v.killed else 'passes'}" for v in others)
        text = f"killed  {self.mutant.name}: {self.by.report.job} after {_count(self.by)}{unexpected}{also}"
        return f"{text}, {seconds:.1f} s\n        {_how(self.by)}"


def row_of(mutant: Mutant, verdicts: list[Verdict]) -> Row:
    """Make a row."""
    return Row(mutant, verdicts)


def _count(verdict: Verdict) -> str:
    report = verdict.report
    unit = report.unit[:-1] if report.count == 1 else report.unit
    return f"{report.count:,} {unit}{' (hangs)' if verdict.hung else ''}"


def _how(verdict: Verdict) -> str:
    report = verdict.report
    return f"{report.where}: {report.why}{f' [{report.line}]' if report.line else ''}"


def markdown(rows: Sequence[Row], core: str) -> str:
    """Write the table of one core as it stands in its file."""
    dead = sum(row.killed for row in rows)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    lines = [
        f"# The mutants of the {CORES[core]} core, and what kills them",
        "",
        f"Written by `python -m tests.mutants --core {core} --write` on {python}: {dead} of {len(rows)} killed.",
        "[README.md](README.md) says how to read it.",
        "",
        "| mutant | what is wrong with it | killed by | after |",
        "| --- | --- | --- | --- |",
    ]
    lines += [_markdown_row(row) for row in rows]
    lines += ["", "## How each was killed", ""]
    for row in rows:
        if row.by is not None:
            report = row.by.report
            replay = f" Schedule: `{report.line}`" if report.line else ""
            lines.append(f"- `{row.mutant.name}`: {_code(report.where)}: {_plain(report.why)}.{replay}")
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> str:
    name = f"`{row.mutant.name}`"
    what = _plain(row.mutant.what + (f" ({row.mutant.origin})" if row.mutant.origin else ""))
    if row.by is None:
        return f"| {name} | {what} | **nothing** | |"
    killers = [verdict for verdict in row.verdicts if verdict.killed]
    jobs = ", ".join(verdict.report.job for verdict in killers)
    return f"| {name} | {what} | {jobs} | {', '.join(map(_count, killers))} |"


def _plain(text: str) -> str:
    text = re.sub(r" at 0x[0-9a-f]+|, \d{12,}(?=\))|/tmp/aiochan-mutants-\w+/", "", text)  # as in every run
    return " ".join(text.split()).rstrip(".").replace("|", "\\|").replace("<", "\\<")


def _code(text: str) -> str:
    return f"`{text}`"
