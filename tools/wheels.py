"""Build what is published, into dist/, and try it where nothing else is.

    python -m tools.wheels

builds the source distribution, and from that alone a wheel for each supported Python that is found;
each is built and tried in an environment made for it, far from this checkout, where both cores have to
answer. The wheels are for this machine; those for others are built by cibuildwheel, which reads its
part of pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.compiled import ROOT
from tools.environments import python_in
from tools.interpreters import Interpreter, interpreters

DIST = ROOT / "dist"
BUILD = "build>=1.2"
QUIET = ("-qq", "--disable-pip-version-check")

# Run where the package is installed and the checkout is out of sight: which core, and does a value go through?
TRIAL = """
import asyncio, sys
import aiochan, aiochan.core

async def main():
    ch = aiochan.Chan(1)
    await ch.send("a value")
    return await ch.recv()

assert asyncio.run(main()) == "a value"
assert aiochan.core.IMPLEMENTATION == sys.argv[1], f"it runs on {aiochan.core.IMPLEMENTATION}, not on {sys.argv[1]}"
"""


@contextmanager
def fresh(python: Path = Path(sys.executable)) -> Iterator[Path]:
    """Make an environment for the time of a `with`, and give its interpreter."""
    with tempfile.TemporaryDirectory(prefix="aiochan-fresh-") as folder:
        call(python, "-m", "venv", folder)
        yield python_in(Path(folder))


def build_sdist(inside: Path, dist: Path, root: Path = ROOT) -> Path:
    """Build the source distribution."""
    install(inside, BUILD)
    call(inside, "-m", "build", "-qq", "--sdist", "--outdir", dist, root)
    (sdist,) = dist.glob("*.tar.gz")
    return sdist


def build_wheel(inside: Path, sdist: Path, dist: Path) -> Path:
    """Build the wheel for one Python from the source distribution."""
    before = set(dist.glob("*.whl"))
    call(inside, "-m", "pip", "wheel", *QUIET, "--no-deps", "--wheel-dir", dist, sdist)
    (wheel,) = set(dist.glob("*.whl")) - before
    return wheel


def install(inside: Path, *what: str | Path) -> None:
    """Install a distribution, or a folder, into an environment."""
    call(inside, "-m", "pip", "install", *QUIET, *what)


def try_out(inside: Path, core: str) -> None:
    """See that what was installed works, on this core by itself and on the Python one if asked to.

    Raises:
        subprocess.CalledProcessError: It does not; the output says what is wrong.
    """
    elsewhere = inside.parent  # a folder without an aiochan in it
    call(inside, "-c", TRIAL, core, cwd=elsewhere)
    call(inside, "-c", TRIAL, "python", cwd=elsewhere, AIOCHAN_PURE="1")


def call(*command: str | Path, cwd: Path = ROOT, **settings: str) -> None:
    """Run a command that knows nothing of this checkout and of the core chosen for this process."""
    kept = {name: value for name, value in os.environ.items() if name not in ("AIOCHAN_PURE", "PYTHONPATH")}
    subprocess.run(command, cwd=cwd, env=kept | settings, check=True)


def build(found: list[Interpreter]) -> Iterator[str]:
    """Build and try everything; tell of each thing when it is done."""
    for old in [*DIST.glob("aiochan_csp-*.tar.gz"), *DIST.glob("aiochan_csp-*.whl")]:
        old.unlink()
    with fresh(found[0].path) as inside:
        sdist = build_sdist(inside, DIST)
    yield f"dist/{sdist.name}: built"
    for interpreter in found:
        with fresh(interpreter.path) as inside:
            wheel = build_wheel(inside, sdist, DIST)
            install(inside, wheel)
            try_out(inside, core="c")
        yield f"dist/{wheel.name}: built, and runs on the compiled core"


def main() -> int:
    found, missing = interpreters()
    try:
        for line in build(found):
            print(line, flush=True)
    except subprocess.CalledProcessError as error:
        print(f"make wheels: {error}", file=sys.stderr)
        return 1
    for version in missing:
        print(f"absent: Python {version} is not on this machine, so there is no wheel for it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
