"""What pyproject.toml says about building, beside what is really there."""

import tomllib

from tools.compiled import HOME, ROOT, sources
from tools.interpreters import SUPPORTED

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
(EXTENSION,) = PROJECT["tool"]["setuptools"]["ext-modules"]
WHEELS = PROJECT["tool"]["cibuildwheel"]


def test_the_extension_is_optional():
    assert EXTENSION["name"] == "aiochan.core._speedups"
    assert EXTENSION["optional"] is True


def test_every_source_is_declared_and_there():
    # A chapter that is not declared would be left out of the source distribution, and a change in it not be built.
    overview, *chapters = [path.relative_to(ROOT).as_posix() for path in sources()]
    assert EXTENSION["sources"] == [overview]
    assert sorted(EXTENSION["depends"]) == chapters
    assert all(path.is_file() for path in sources())
    assert chapters


def test_every_c_file_of_the_package_is_a_source():
    written = {path for pattern in ("*.c", "*.h") for path in (ROOT / "aiochan").rglob(pattern)}
    assert written == set(sources())


def test_the_stub_is_packaged():
    assert (ROOT / HOME / "_speedups.pyi").is_file()
    assert PROJECT["tool"]["setuptools"]["package-data"]["aiochan.core"] == ["*.pyi"]


def test_the_same_versions_are_declared_tested_and_built():
    declared = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    assert declared == list(SUPPORTED)
    assert WHEELS["build"].split() == [f"cp{version.replace('.', '')}-*" for version in SUPPORTED]


def test_a_wheel_that_fell_back_to_the_python_core_is_refused():
    assert "assert IMPLEMENTATION == 'c'" in WHEELS["test-command"][0]
