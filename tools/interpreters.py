"""The Pythons the project supports, as far as this machine has them."""

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

from tools.compiled import ROOT
from tools.environments import version_of

SUPPORTED = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Interpreter:
    """A Python that works, and the environment where it works for us."""

    version: str
    path: Path
    directory: Path


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
    """Find the supported interpreters, the one that runs this first, and the versions not here."""
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
