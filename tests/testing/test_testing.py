"""The face of the namespace: every public name, and nothing that costs an import of aiochan anything."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from aiochan import testing

HOMES = ["explorer", "failure", "leaks", "loop", "order", "report", "stepper", "virtual"]


def test_every_name_is_there_once() -> None:
    assert len(set(testing.__all__)) == len(testing.__all__)
    for name in testing.__all__:
        assert getattr(testing, name) is not None


@pytest.mark.parametrize("home", HOMES)
def test_what_a_file_offers_can_be_had_from_the_namespace(home: str) -> None:
    module = importlib.import_module(f"aiochan.testing.{home}")
    missing = [name for name in module.__all__ if getattr(testing, name, None) is not getattr(module, name)]
    assert not missing or home == "failure"
    assert set(missing) <= {"tell"}


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = "import sys, aiochan.testing; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.strip("[]\n").replace("'", "").split(", "))
    assert loaded.isdisjoint({"anyio", "hypothesis", "pytest", "uvloop"})
