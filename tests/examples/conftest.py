"""How the tests run examples/digest, and the tools of the system that it has to agree with."""

import io
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from examples.digest.cli import main


@dataclass
class Outcome:
    """What a program left behind."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self):
        """The lines of stdout in a fixed order; a carriage return ends none."""
        return sorted(io.BytesIO(self.out))

    @property
    def warnings(self):
        """The lines of stderr that begin with WARNING, without the program's name."""
        return [line.partition(": ")[2] for line in self.err.splitlines() if ": WARNING: " in line]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Be in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def digest(here, capfdbinary, monkeypatch):
    """Run the example in this process, in an empty directory: `digest(*arguments, stdin=b"")`."""

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        capfdbinary.readouterr()
        try:
            status = main([os.fsdecode(argument) for argument in arguments])
        except SystemExit as usage:
            status = usage.code
        out, err = capfdbinary.readouterr()
        return Outcome(status, out, err.decode())

    return run


@pytest.fixture
def system(here):
    """Run a tool of the system there: `system("sha256sum", *arguments, stdin=b"")`."""

    def run(tool, *arguments, stdin=b""):
        if shutil.which(tool) is None:
            pytest.skip(f"this system has no {tool}")
        done = subprocess.run(
            [tool, *arguments], input=stdin, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode())

    return run
