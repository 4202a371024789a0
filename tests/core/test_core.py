"""Which core is used: the compiled one where it is there and nobody asked for the other."""

import os
import subprocess
import sys

import pytest

import aiochan as ac
from aiochan import core
from tests.architecture.house import ROOT

# A compiled core that has some of the names, and more than it should.
FAKE = """
import sys, types
fake = types.ModuleType("aiochan.core._speedups")
class Chan:
    "compiled"
def never():
    return "compiled"
fake.Chan, fake.never, fake.IMPLEMENTATION, fake.secret = Chan, never, "not asked", 1
sys.modules[fake.__name__] = fake
"""
REPORT = """
import aiochan, aiochan.core as core
print(core.IMPLEMENTATION, core.Chan.__doc__ == "compiled", core.never is not core.signal.never,
      core.Signal.__name__, hasattr(core, "secret"), aiochan.Chan is core.Chan)
"""
COMPILED = "c True True Signal False True"
PYTHON = "python False False Signal False True"


def fresh(program, **environment):
    """Run a program in a new interpreter, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if name != "AIOCHAN_PURE"}
    environment = {**kept, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, COMPILED),
        ({"AIOCHAN_PURE": "0"}, COMPILED),
        ({"AIOCHAN_PURE": ""}, COMPILED),
        ({"AIOCHAN_PURE": "1"}, PYTHON),
        ({"AIOCHAN_PURE": "yes"}, PYTHON),
    ],
    ids=str,
)
def test_the_compiled_core_is_used_where_it_is_there_unless_told_otherwise(environment, expected):
    assert fresh(FAKE + REPORT, **environment) == expected


def test_where_there_is_no_compiled_core_the_python_one_is_used():
    missing = 'import sys; sys.modules["aiochan.core._speedups"] = None\n'
    assert fresh(missing + REPORT) == PYTHON


def test_the_python_core_can_be_had_beside_the_compiled_one():
    assert fresh(FAKE + "from aiochan.core.chan import Chan; print(Chan.__doc__ == 'compiled')") == "False"


def test_a_compiled_core_that_misses_something_is_not_passed_over_in_silence():
    broken = """
import importlib.abc, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "aiochan.core._speedups":
            raise ModuleNotFoundError("No module named 'something_it_needs'", name="something_it_needs")
sys.meta_path.insert(0, Finder())
try:
    import aiochan
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert fresh(broken) == "something_it_needs"
    assert fresh(broken + "else: print('python')", AIOCHAN_PURE="1") == "python"


def test_here_it_says_which_one_it_is():
    compiled = sys.modules.get("aiochan.core._speedups")  # with AIOCHAN_PURE, other tests load it too, for comparison
    expected = "c" if compiled is not None and core.Chan is compiled.Chan else "python"
    assert expected == core.IMPLEMENTATION


def test_every_name_is_there():
    assert len(core.__all__) == len(set(core.__all__))
    for name in core.__all__:
        assert getattr(core, name) is not None


def test_what_is_public_is_the_same_object_here_and_there():
    for name in set(core.__all__) & set(ac.__all__):
        assert getattr(core, name) is getattr(ac, name)


def test_importing_it_starts_nothing_and_loads_no_more_than_it_needs():
    program = """
import sys
before = set(sys.modules)
import aiochan
import threading
print(threading.active_count(), sorted(name for name in set(sys.modules) - before if name.startswith("aiochan")))
"""
    count, modules = fresh(program).split(" ", 1)
    assert count == "1"
    assert "aiochan.core.chan" in modules
    assert "aiochan.testing" not in modules
