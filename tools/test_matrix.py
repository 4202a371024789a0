"""Run the tests on every Python the project supports and this machine has.

    python tools/test_matrix.py [PYTEST ARGUMENT ...]

The Python that runs this script works in `.venv`, each of the others in a `.venv-3.X` of its own.
Every one runs the tests that are neither exhaustive nor stress (on four event loops: see
tests/conftest.py); then the default Python alone runs the exhaustive ones. Pytest's output is
passed through, a summary follows, and the exit code is not 0 if anything failed. A Python that is
not there is no failure, but the summary names it.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environments import ROOT, ensure, version_of

SUPPORTED = ("3.11", "3.12", "3.13")
QUICK = "not exhaustive and not stress"
EXHAUSTIVE = "exhaustive and not stress"
GROUPS = {"test"}
NO_TESTS = 5  # pytest's exit code when nothing was selected


@dataclass(frozen=True)
class Interpreter:
    """A Python that works."""

    version: str
    path: Path
    directory: Path


@dataclass(frozen=True)
class Outcome:
    """What one run of pytest, or the attempt at one, came to."""

    label: str
    ok: bool
    text: str


def minor(version: str) -> str:
    """Shorten `3.12.1` to `3.12`."""
    return ".".join(version.split(".")[:2])


def candidates(wanted: str) -> Iterator[Path]:
    """Name the places where an interpreter of this version may be."""
    for folder in os.get_exec_path():
        found = shutil.which(f"python{wanted}", path=folder)
        if found:
            yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = [path for path in pyenv.glob(f"{wanted}.*") if re.fullmatch(r"[\d.]+", path.name)]
    for path in sorted(installed, key=lambda path: int(path.name.split(".")[2]), reverse=True):
        yield path / "bin" / "python"


def find(wanted: str) -> Interpreter | None:
    """Find a Python of this version that really runs: a name on the PATH may be an empty shim."""
    for path in candidates(wanted):
        try:
            version = version_of(path)
        except (OSError, subprocess.SubprocessError):
            continue
        if minor(version) == wanted:
            return Interpreter(version, path, ROOT / f".venv-{wanted}")
    return None


def interpreters() -> tuple[list[Interpreter], list[str]]:
    """Find the interpreters to test on, the default one first, and the versions not here."""
    own = platform.python_version()
    found = [Interpreter(own, Path(sys.executable), ROOT / ".venv")]
    missing: list[str] = []
    for wanted in SUPPORTED:
        if wanted == minor(own):
            continue
        interpreter = find(wanted)
        if interpreter is None:
            missing.append(wanted)
        else:
            found.append(interpreter)
    return found, missing


def test(interpreter: Interpreter, name: str, selection: str, arguments: list[str]) -> Outcome:
    """Run the selected tests on one interpreter."""
    label = f"Python {interpreter.version:8} {name}"
    print(f"\n== {label} " + "=" * max(0, 60 - len(label)), flush=True)
    try:
        python = ensure(interpreter.directory, GROUPS, interpreter.path)
    except subprocess.CalledProcessError as error:
        return Outcome(label, False, f"could not be set up: {error}")
    spread = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"]
    code, last = _watch([python, "-m", "pytest", "-q", "-m", selection, *spread, *arguments])
    if code == 0 or (code == NO_TESTS and arguments):
        return Outcome(label, True, last)
    return Outcome(label, False, f"{last} (pytest's exit code {code})")


def _watch(command: list[str | Path]) -> tuple[int, str]:
    """Run a command, pass its output on, and keep the last line of it."""
    last = ""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
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
        print(f"{'ok    ' if outcome.ok else 'FAILED'}  {outcome.label:34} {outcome.text}")
    for version in missing:
        print(f"absent  Python {version} is not on this machine: nothing was tested with it")
    print("all passed" if all(outcome.ok for outcome in outcomes) else "NOT all passed", flush=True)


def main(arguments: list[str]) -> int:
    found, missing = interpreters()
    outcomes = [test(interpreter, "all loops", QUICK, arguments) for interpreter in found]
    outcomes.append(test(found[0], "exhaustive", EXHAUSTIVE, arguments))
    report(outcomes, missing)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
