"""Here is what only compiled code can do wrong; see "The compiled core under tools" in docs/testing.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiochan.core import IMPLEMENTATION

ROOT = Path(__file__).resolve().parent.parent.parent
LONG = 600


@pytest.fixture
def compiled() -> None:
    """Skip what has no meaning for the Python core."""
    if IMPLEMENTATION != "c":
        pytest.skip("this is the Python core")


@pytest.fixture
def apart():
    """Run Python in a process of its own, so that a crash fails one test, and give its output.

    The arguments are the interpreter's; the process must end well and say nothing of errors.
    """

    def run(*arguments: str, noise: bool = False, **variables: str) -> str:
        command = [sys.executable, "-X", "faulthandler", *arguments]
        env = os.environ | {"PYTHONPATH": str(ROOT)} | variables
        process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONG, check=False)
        assert process.returncode == 0, f"exit code {process.returncode}\n{process.stdout}{process.stderr}"
        assert noise or not process.stderr, process.stderr
        return process.stdout

    return run
