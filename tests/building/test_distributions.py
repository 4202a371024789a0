"""What stands in the distributions: the sources in one, what runs in the other, and neither needs a compiler."""

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.building.copies import ROOT, copy_package

pytest.importorskip("setuptools", "77")

BACKEND = """
import sys
from setuptools import build_meta
dist = sys.argv[1]  # the backend writes its own
build_meta.build_sdist(dist)
build_meta.build_wheel(dist)
"""
WITHOUT_COMPILER = {"CC": "/bin/false", "LDSHARED": "/bin/false"}


@dataclass(frozen=True)
class Distributions:
    """The names of the files in both."""

    sdist: set[str]
    wheel: set[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Distributions:
    """Build both where no compiler works; nothing is fetched for it."""
    folder = copy_package(tmp_path_factory.mktemp("package"))
    (dist := folder / "dist").mkdir()
    command = [sys.executable, "-W", "ignore", "-c", BACKEND, str(dist)]
    answer = subprocess.run(
        command, cwd=folder, env=os.environ | WITHOUT_COMPILER, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as tar, zipfile.ZipFile(wheel) as archive:
        files = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
        return Distributions(files, set(archive.namelist()))


def package(*suffixes: str) -> set[str]:
    """Name the files of the package with these suffixes."""
    paths = [path for suffix in suffixes for path in (ROOT / "aiochan").rglob(f"*{suffix}")]
    return {path.relative_to(ROOT).as_posix() for path in paths if path.is_file()}


def test_the_source_distribution_holds_every_source(made):
    assert package(".py", ".pyi", ".c", ".h") < made.sdist
    assert {"pyproject.toml", "README.md", "LICENSE", "aiochan/py.typed"} < made.sdist


def test_the_source_distribution_holds_no_more(made):
    rest = {name for name in made.sdist if not name.startswith(("aiochan/", "aiochan_csp.egg-info/"))}
    assert rest == {"pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "PKG-INFO", "setup.cfg"}


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler there cannot be taken away by a setting")
def test_without_a_compiler_the_wheel_has_everything_but_the_extension(made):
    inside = {name for name in made.wheel if ".dist-info/" not in name}
    assert inside == package(".py", ".pyi") | {"aiochan/py.typed"}


def test_no_c_source_is_in_the_wheel(made):
    assert not [name for name in made.wheel if Path(name).suffix in (".c", ".h")]
