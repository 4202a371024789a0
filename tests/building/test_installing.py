"""Install for real: with a compiler, from what would be published, and without one. It takes a network and minutes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building.copies import copy_checkout
from tools import wheels
from tools.compiled import compiler_works
from tools.environments import python_in
from tools.test_matrix import environment

pytestmark = pytest.mark.stress

HERE = Path(sys.executable)
SAMPLE = ("tests/core", "tests/conformance", "--loops=asyncio", "--numprocesses=2")


@pytest.fixture
def inside():
    """Make an environment, and give its interpreter."""
    with wheels.fresh(HERE) as inside:
        yield inside


@pytest.fixture
def no_compiler(monkeypatch):
    """Take the compiler away."""
    if sys.platform == "win32":
        pytest.skip("the compiler is not chosen by a setting there")
    monkeypatch.setenv("CC", "/bin/false")


def test_a_wheel_made_from_the_source_distribution_runs_on_the_compiled_core(tmp_path, inside):
    if not compiler_works(HERE):
        pytest.skip("no compiler")
    checkout = copy_checkout(tmp_path / "checkout")
    sdist = wheels.build_sdist(inside, tmp_path, checkout)
    shutil.rmtree(checkout)  # the wheel has to come from the source distribution alone
    wheels.install(inside, wheels.build_wheel(inside, sdist, tmp_path))
    wheels.try_out(inside, core="c")


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize("editable", [False, True], ids=["installed", "editable"])
def test_without_a_compiler_it_installs_and_runs_on_the_python_core(tmp_path, inside, editable):
    checkout = copy_checkout(tmp_path / "checkout")
    wheels.install(inside, *["--editable"] * editable, checkout)
    wheels.try_out(inside, core="python")


@pytest.mark.usefixtures("no_compiler")
def test_a_clone_without_a_compiler_passes_its_tests(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    setup = [sys.executable, "-m", "tools.environments", ".venv", "test"]
    subprocess.run(setup, cwd=checkout, check=True)
    python = python_in(checkout / ".venv")
    answer = subprocess.run(
        [python, "-m", "pytest", "-q", *SAMPLE],
        cwd=checkout,
        env=environment(pure=False),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    assert " passed" in answer.stdout
    assert not list(checkout.rglob("_speedups.*.so"))
