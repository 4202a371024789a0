"""The compiled core of a checkout: where it lies, and what it is made of.

    python -m tools.compiled

says which core the Python that runs this would use. Beside the sources lies one extension for each
version of Python, so that the environments of several do not disturb each other; two environments
of one version share theirs. What it is made of is the sources, the compiler and its flags: an
environment whose stamp (environments.py) tells of something else builds it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path("aiochan", "core")
FLAGS = ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED")  # what setuptools reads
QUESTION = "import json, sysconfig; print(json.dumps([sysconfig.get_config_var(n) for n in ('EXT_SUFFIX', 'CC')]))"

# The smallest extension there is. The headers of Python are part of the question.
PROBE = {
    "probe.c": """
#include <Python.h>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "probe"};
PyMODINIT_FUNC PyInit_probe(void) { return PyModuleDef_Init(&definition); }
""",
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "probe"
version = "0"
[tool.setuptools]
py-modules = []
[[tool.setuptools.ext-modules]]
name = "probe"
sources = ["probe.c"]
""",
}


@dataclass(frozen=True)
class Extension:
    """The compiled core for one version of Python; the file need not be there."""

    path: Path
    recipe: str  # a digest of all that decides what comes out of a build

    def digest(self) -> str | None:
        """Fingerprint the file; None if there is none."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest() if self.path.exists() else None


def extension_for(python: Path, root: Path = ROOT) -> Extension:
    """Ask an interpreter what its extension is called and which compiler it would take.

    Raises:
        OSError, subprocess.SubprocessError: It does not work.
    """
    answer = subprocess.run([python, "-c", QUESTION], capture_output=True, text=True, check=True, timeout=60)
    suffix, compiler = json.loads(answer.stdout)
    return Extension(root / HOME / f"_speedups{suffix}", _recipe(root, compiler or ""))


def sources(root: Path = ROOT) -> list[Path]:
    """Name the C sources: the overview, then its chapters."""
    return [root / HOME / "_speedups.c", *sorted((root / HOME / "speedups").glob("*.h"))]


def _recipe(root: Path, compiler: str) -> str:
    """Digest the sources, the flags, and where the compiler is: one that was installed since must be tried."""
    recipe = hashlib.sha256()
    for path in sources(root):
        recipe.update(f"{path.name}\n".encode() + (path.read_bytes() if path.exists() else b""))
    command = shlex.split(os.environ.get("CC") or compiler)
    flags = [os.environ.get(name) for name in FLAGS]
    recipe.update(json.dumps([flags, shutil.which(command[0]) if command else None]).encode())
    return recipe.hexdigest()


def compiler_works(python: Path) -> bool:
    """Tell whether extensions can be built for this Python, by building one in the way the project's is built.

    Its environment must hold setuptools.
    """
    with tempfile.TemporaryDirectory(prefix="aiochan-probe-") as folder:
        for name, text in PROBE.items():
            Path(folder, name).write_text(text)
        build: list[str | Path] = [python, "-m", "pip", "wheel", "-qq", "--no-build-isolation", "--no-deps", "."]
        return subprocess.run(build, cwd=folder, capture_output=True, check=False).returncode == 0


def main() -> None:
    from aiochan.core import IMPLEMENTATION

    print(f"-- this is the {'compiled' if IMPLEMENTATION == 'c' else 'Python'} core", flush=True)


if __name__ == "__main__":
    main()
