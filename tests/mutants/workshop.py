"""A copy of the repository in which mutants are made and put through the jobs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.mutants.compiler import build
from tests.mutants.jobs import JOBS, Report
from tests.mutants.mutant import REPOSITORY, Mutant

__all__ = ["Verdict", "Workshop"]

LIMIT_S = 900  # of one job; far beyond what any takes
ENDED_BY_CLOCK = -27  # SIGPROF: see jobs.Watch


class Verdict(NamedTuple):
    """What one job says of one mutant, or of the package as it is."""

    report: Report
    seconds: float
    hung: bool = False

    @property
    def killed(self) -> bool:
        return self.report.failed or self.hung


class Workshop:
    """The copy, to be used as a context manager."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="aiochan-mutants-")
        self.root = Path(self._folder.name).resolve()
        for part in ("aiochan", "docs", "tests"):  # some tests do what a page tells
            unwanted = shutil.ignore_patterns("__pycache__", "*.so", ".hypothesis")
            shutil.copytree(REPOSITORY / part, self.root / part, ignore=unwanted)
        shutil.copy(REPOSITORY / "pyproject.toml", self.root)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._folder.cleanup()

    def judge(
        self, mutant: Mutant | None, jobs: Sequence[str], *, every: bool = False, core: str = "python"
    ) -> list[Verdict]:
        """Put a mutant, or the package as it is, through jobs, until one kills it or through every one.

        Args:
            mutant: The fault; None for none.
            jobs: Their names.
            every: Whether to go on after one has killed it.
            core: Which core to work with, if there is no fault that says so.

        Raises:
            ValueError: What the fault makes of the compiled core cannot be compiled.
        """
        verdicts: list[Verdict] = []
        core = core if mutant is None else mutant.core
        originals = {} if mutant is None else self._mutate(mutant)
        try:
            if core == "c":
                build(self.root)
            for job in jobs:
                verdicts.append(self._do(job, core, [Path(file).stem for file in originals]))
                if verdicts[-1].killed and not every:
                    break
        finally:
            for file, text in originals.items():
                self._write(file, text)
        return verdicts

    def _mutate(self, mutant: Mutant) -> dict[str, str]:
        mutated = mutant.files(self.root)
        originals = {file: (self.root / file).read_text(encoding="utf-8") for file in mutated}
        for file, text in mutated.items():
            self._write(file, text)
        return originals

    def _write(self, file: str, text: str) -> None:
        path = self.root / file
        path.write_text(text, encoding="utf-8")
        # A compiled file is believed by second and size, and a mutant may have both from its original.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def _do(self, job: str, core: str, mutated: Sequence[str]) -> Verdict:
        result = self.root / "result.json"
        result.unlink(missing_ok=True)
        pure = "1" if core == "python" else "0"
        env = os.environ | {"PYTHONPATH": str(self.root), "AIOCHAN_PURE": pure, "PYTHONHASHSEED": "0"}
        for name in [name for name in env if name.startswith(("PYTEST", "COV"))]:
            del env[name]
        began, hung, code = time.monotonic(), False, 0
        command = [sys.executable, "-m", "tests.mutants.jobs", job, str(result), core, *mutated]
        with (self.root / "log.txt").open("w", encoding="utf-8") as log:
            try:
                code = subprocess.run(
                    command, cwd=self.root, env=env, timeout=LIMIT_S, check=False, stdout=log, stderr=log
                ).returncode
                hung = code == ENDED_BY_CLOCK
            except subprocess.TimeoutExpired:
                hung = True
        report = Report(job, JOBS[job].unit)
        if result.exists():
            report = Report(**json.loads(result.read_text(encoding="utf-8")))
        if hung:
            report.why = "never came to an end"
        elif not report.complete and not report.failed:
            report.failed, report.why = True, self._death(code)
        return Verdict(report, time.monotonic() - began, hung)

    def _death(self, code: int) -> str:
        if code < 0:  # in C that is how some faults show
            return f"died of {signal.Signals(-code).name}"
        return f"died with exit code {code}: {self.log()[-300:]}"

    def log(self) -> str:
        """Return what the last job printed."""
        return (self.root / "log.txt").read_text(encoding="utf-8", errors="replace")
