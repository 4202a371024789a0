"""Find out which subjects can be measured here, and by which command; make what they need.

Everything that the group `bench` holds lives in the environment of the interpreter that is measured. A subject whose
name clashes with ours gets an environment of its own. Go is compiled, where it is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.floors import FLOORS
from bench.harness import CHILD, ROOT, Ready
from bench.subjects import Subject
from tools import environments

COMPILE = ROOT / "bench" / "extension.py"
LOOPS = {"asyncio": [], "uvloop": ["uvloop"]}
HAS = "import sys, importlib.util as u; sys.exit(u.find_spec(sys.argv[1]) is None)"


def interpreter(name: str | None) -> Path:
    """Make the environment of another interpreter, such as ``python3.13``; without one, this one is taken.

    Raises:
        SystemExit: There is no such interpreter.
    """
    if name is None:
        return Path(sys.executable)
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"there is no {name}")
    try:
        version = environments.version_of(Path(found))
        minor = ".".join(version.split(".")[:2])
        return environments.ensure(ROOT / f".venv-{minor}", {"bench"}, Path(found))
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"{name} cannot be used: {error}") from None


def version_of(python: Path) -> str:
    """Ask an interpreter for its version."""
    return environments.version_of(python)


def prepare(subjects: Iterable[Subject], python: Path, loop: str) -> tuple[list[Ready], dict[str, str]]:
    """Sort the subjects: who can be measured here, and why the others cannot."""
    ready: list[Ready] = []
    missing: dict[str, str] = {}
    for subject in subjects:
        try:
            ready.append(Ready(subject, _command(subject, python, loop)))
        except LookupError as error:
            missing[subject.name] = str(error.args[0])
    return ready, missing


def _command(subject: Subject, python: Path, loop: str) -> tuple[str, ...]:
    if subject.go:
        return (str(_compile()),)
    if subject.requires:
        python = _apart(subject, python, loop)
    needed = subject.needs or subject.module
    if not has(python, needed):
        raise LookupError(f"{needed} is not installed")
    if loop == "uvloop" and not has(python, "uvloop"):
        raise LookupError("uvloop is not installed")
    return (str(python), str(CHILD))


def floors(python: Path) -> tuple[list[Ready], dict[str, str]]:
    """Compile the floors: those that can be measured here, and why the others cannot."""
    done = subprocess.run([python, COMPILE], capture_output=True, text=True, check=False)
    here = [floor for floor in FLOORS if not (floor.compiled and done.returncode)]
    missing = {"floors in C": (done.stderr.strip() or "no message").splitlines()[-1]} if done.returncode else {}
    return [Ready(floor.subject, (str(python), str(CHILD))) for floor in here], missing


def has(python: Path, module: str) -> bool:
    """Tell whether a module is installed there."""
    # -P: what is installed, not what lies in this folder
    return subprocess.run([python, "-P", "-c", HAS, module], check=False, capture_output=True).returncode == 0


def _apart(subject: Subject, python: Path, loop: str) -> Path:
    version = environments.version_of(python)
    directory = ROOT / f".venv-bench-{subject.name}-{'.'.join(version.split('.')[:2])}"
    try:
        return environments.ensure_apart(directory, [subject.requires, *LOOPS[loop]], python)
    except subprocess.SubprocessError:
        raise LookupError(f"{subject.requires} could not be installed") from None


def _compile() -> Path:
    go = shutil.which("go")
    if go is None:
        raise LookupError("Go is not installed")
    program = ROOT / "build" / "bench" / ("go.exe" if os.name == "nt" else "go")
    try:
        subprocess.run([go, "build", "-o", program, "."], cwd=ROOT / "bench" / "go", check=True)
    except subprocess.SubprocessError:
        raise LookupError("the Go program does not compile") from None
    return program


def go_version() -> str | None:
    """Say which Go is installed, such as ``go1.19.8``."""
    go = shutil.which("go")
    if go is None:
        return None
    done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
