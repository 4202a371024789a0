"""Run the tests on every Python the project supports and this machine has, on both cores.

    python -m tools.test_matrix [PYTEST ARGUMENT ...]

The Python that runs this works in `.venv`, each of the others in a `.venv-3.X` of its own. Every one
runs the tests that are neither exhaustive nor stress (on four event loops: see tests/conftest.py),
once on the compiled core and once on the Python one; then the default Python alone runs the
exhaustive ones, on both cores too. Pytest's output is passed through, a summary follows, and the exit
code is not 0 if anything failed. A Python that is not there is no failure, nor is a compiled core
where no compiler works, but the summary names them. A compiled core that is missing although a
compiler works is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tools.compiled import ROOT, compiler_works
from tools.environments import ensure
from tools.interpreters import Interpreter, interpreters

QUICK = "not exhaustive and not stress"
EXHAUSTIVE = "exhaustive and not stress"
GROUPS = {"test"}
NO_TESTS = 5  # pytest's exit code when nothing was selected
WHICH = "from aiochan.core import IMPLEMENTATION; print(IMPLEMENTATION)"


class Verdict(Enum):
    OK = "ok"
    FAILED = "FAILED"
    ABSENT = "absent"  # no failure: this machine does not have it


@dataclass(frozen=True)
class Outcome:
    """What one run of pytest, or the attempt at one, came to."""

    label: str
    verdict: Verdict
    text: str


def test(interpreter: Interpreter, name: str, selection: str, arguments: list[str]) -> Iterator[Outcome]:
    """Run the selected tests on one interpreter, once on each core."""
    label = f"Python {interpreter.version:8} {name:10}"
    try:
        python = ensure(interpreter.directory, GROUPS, interpreter.path)
    except subprocess.CalledProcessError as error:
        yield Outcome(label, Verdict.FAILED, f"could not be set up: {error}")
        return
    compiled = f"{label} compiled core"
    yield without_compiled_core(python, compiled) or run(compiled, python, selection, arguments, pure=False)
    yield run(f"{label} Python core", python, selection, arguments, pure=True)


def environment(*, pure: bool) -> dict[str, str]:
    """Choose the core for a process, whatever was chosen for this one."""
    rest = {name: value for name, value in os.environ.items() if name != "AIOCHAN_PURE"}
    return rest | {"AIOCHAN_PURE": "1"} if pure else rest


def without_compiled_core(python: Path, label: str) -> Outcome | None:
    """Say why there is no run on the compiled core; None if it is there and works."""
    answer = subprocess.run(
        [python, "-c", WHICH], cwd=ROOT, env=environment(pure=False), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"])[-1]
        return Outcome(label, Verdict.FAILED, f"cannot be imported: {last}")
    if answer.stdout.strip() == "c":
        return None
    if compiler_works(python):
        return Outcome(label, Verdict.FAILED, "missing, and a C compiler works: `pip install -v -e .` says why")
    return Outcome(label, Verdict.ABSENT, "the compiled core could not be built: no C compiler works here")


def run(label: str, python: Path, selection: str, arguments: list[str], *, pure: bool) -> Outcome:
    """Run the selected tests on one interpreter and one core, spread over the processors."""
    print(f"\n== {label} " + "=" * max(0, 60 - len(label)), flush=True)
    spread = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"]
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-m", selection, *spread, *arguments]
    code, last = _watch(command, environment(pure=pure))
    if code == 0 or (code == NO_TESTS and arguments):
        return Outcome(label, Verdict.OK, last)
    return Outcome(label, Verdict.FAILED, f"{last} (pytest's exit code {code})")


def _watch(command: list[str | Path], env: dict[str, str]) -> tuple[int, str]:
    """Run a command, pass its output on, and keep the last line of it."""
    last = ""
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout as lines:
        for line in lines:
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


def report(outcomes: list[Outcome], missing: list[str]) -> None:
    """Print what happened, one line for each run."""
    print("\n== Summary " + "=" * 60)
    for outcome in outcomes:
        print(f"{outcome.verdict.value:6}  {outcome.label:42} {outcome.text}")
    for version in missing:
        print(f"{Verdict.ABSENT.value:6}  Python {version} is not on this machine: nothing was tested with it")
    print("NOT all passed" if failed(outcomes) else "all passed", flush=True)


def failed(outcomes: list[Outcome]) -> bool:
    """Tell whether the whole is a failure."""
    return any(outcome.verdict is Verdict.FAILED for outcome in outcomes)


def main(arguments: list[str]) -> int:
    found, missing = interpreters()
    outcomes = [outcome for each in found for outcome in test(each, "all loops", QUICK, arguments)]
    outcomes += test(found[0], "exhaustive", EXHAUSTIVE, arguments)
    report(outcomes, missing)
    return failed(outcomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
