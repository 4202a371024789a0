"""Virtual environments to work in: made when missing, brought up to date when needed.

    python -m tools.environments DIRECTORY GROUP ...

makes DIRECTORY with the Python that runs this, and installs the project in editable mode with these
dependency groups of pyproject.toml, which builds the compiled core too (compiled.py), if it can be
built. A stamp inside the directory says what it holds, so that a second call costs nothing; a changed
pyproject.toml or C source installs again, another Python (or a checkout that was moved) starts from
nothing. `ensure_apart` makes one without the project, for what cannot live beside it. Only the
standard library is used: this runs before anything is there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.compiled import ROOT, extension_for

FLOOR = (3, 11)
STAMP = "aiochan-stamp.json"
PIP = "pip>=25.1"  # the first that knows --group


def python_in(directory: Path) -> Path:
    """Name the interpreter of an environment."""
    if sys.platform == "win32":
        return directory / "Scripts" / "python.exe"
    return directory / "bin" / "python"


def ensure(directory: Path, groups: set[str], python: Path = Path(sys.executable)) -> Path:
    """Make the environment fit to use, with `groups` besides those it already has.

    Returns:
        Its interpreter.

    Raises:
        subprocess.CalledProcessError: Something could not be installed; the output says what.
    """
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    inside, held = _make(directory, python)
    wanted = sorted(groups | set(held.get("groups", ())))
    extension = extension_for(python)
    fresh = {"project": project, "groups": wanted, "core": [extension.recipe, extension.digest()]}
    if any(held.get(name) != value for name, value in fresh.items()):
        print(f"-- installing {', '.join(wanted) or 'the package'} there", flush=True)
        # The extension is optional: where it cannot be built any more, the old one would stay.
        extension.path.unlink(missing_ok=True)
        _install(inside, "--editable", ROOT, *[f"--group={group}" for group in wanted])
        _stamp(directory, held, **fresh | {"core": [extension.recipe, extension.digest()]})
        if not extension.path.exists():
            print("-- without the compiled core, which could not be built: `pip install -v -e .` says why", flush=True)
    return inside


def ensure_apart(directory: Path, requirements: list[str], python: Path = Path(sys.executable)) -> Path:
    """Make the environment fit to use, with these requirements and without this project.

    Returns:
        Its interpreter.

    Raises:
        subprocess.CalledProcessError: Something could not be installed; the output says what.
    """
    inside, held = _make(directory, python)
    if held.get("requirements") != requirements:
        print(f"-- installing {', '.join(requirements)} there", flush=True)
        _install(inside, *requirements)
        _stamp(directory, held, requirements=requirements)
    return inside


def _make(directory: Path, python: Path) -> tuple[Path, dict[str, Any]]:
    """Make it from nothing unless it is there, of this Python: its interpreter, and what it holds."""
    stamp = directory / STAMP
    held: dict[str, Any] = json.loads(stamp.read_text()) if stamp.exists() else {}
    origin = [str(directory.resolve()), version_of(python)]
    inside = python_in(directory)
    if held.get("origin") != origin:
        print(f"-- making {directory.name} with Python {origin[1]}", flush=True)
        _call(python, "-m", "venv", "--clear", directory)
        _install(inside, "--upgrade", PIP)
        held = {"origin": origin}
    return inside, held


def _stamp(directory: Path, held: dict[str, Any], **more: object) -> None:
    (directory / STAMP).write_text(json.dumps(held | more))


def version_of(python: Path) -> str:
    """Ask an interpreter for its version, such as `3.12.1`; it must be able to make environments.

    Raises:
        OSError, subprocess.SubprocessError: It does not work, as the shims of a version manager
            for versions that are not chosen.
    """
    question = "import ensurepip, platform, venv; print(platform.python_version())"
    command: list[str | Path] = [python, "-c", question]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return answer.stdout.strip()


def _install(python: Path, *what: str | Path) -> None:
    # -qq: errors only, without what pip and the build backend find worth a warning
    _call(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *what)


def _call(*command: str | Path) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> int:
    if sys.version_info < FLOOR:
        needed = ".".join(map(str, FLOOR))
        print(f"Python {needed} or newer is needed, this is {sys.version.split()[0]}.")
        print("Name a newer one, as in: make PYTHON=python3.12 test")
        return 2
    parser = argparse.ArgumentParser(description="Make or update a virtual environment.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    options = parser.parse_args()
    try:
        ensure(options.directory, set(options.groups))
    except subprocess.CalledProcessError as error:
        print(f"could not set up {options.directory}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
