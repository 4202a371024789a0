"""The stub of the compiled core says what the module has: mypy's stubtest compares every name and every parameter."""

import ast
import importlib
import importlib.util
import subprocess
import sys

import pytest

from tests.architecture.house import exported
from tools.compiled import HOME, ROOT

NAME = "aiochan.core._speedups"
STUB = ROOT / HOME / "_speedups.pyi"
# Only the stub is checked: stubtest's own options, which the rest is not written for, would find fault with the rest.
CONFIG = "[mypy]\nstrict = true\nfollow_imports = silent\n"


@pytest.fixture
def module():
    """Import the compiled core, whichever core is in use."""
    if importlib.util.find_spec(NAME) is None:
        pytest.skip("the compiled core was not built")
    return importlib.import_module(NAME)


def defined() -> set[str]:
    """Name what the stub gives to others: what it defines, and what it imports as itself."""
    names = set()
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names if alias.asname == alias.name}
    return {name for name in names if not name.startswith("_")}


def test_the_stub_names_what_the_module_has(module):
    assert defined() == {name for name in vars(module) if not name.startswith("_")}


def test_what_both_cores_offer_is_in_the_stub():
    from_python = {"Case", "CommaOk", "IMPLEMENTATION", "Parked", "Reservation", "Snapshot", "Stats", "hooks"}
    assert (exported("core") or set()) - from_python <= defined()


@pytest.mark.usefixtures("module")
def test_stubtest_finds_no_difference(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: `make check-stub` has it")
    (config := tmp_path / "mypy.ini").write_text(CONFIG)
    command = [sys.executable, "-m", "mypy.stubtest", NAME, "--mypy-config-file", str(config)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
