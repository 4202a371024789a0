"""Run programs in Go: builds theirs.go, and speaks with it in JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.go.differential.programs import Program

SOURCE = Path(__file__).with_name("theirs.go")
OLDEST = (1, 19)


class Go:
    """The program theirs.go, built into a directory."""

    def __init__(self, directory: Path) -> None:
        self.binary = directory / "theirs"
        environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off"}  # no network for it
        build = ["go", "build", "-o", str(self.binary), SOURCE.name]
        subprocess.run(build, cwd=SOURCE.parent, env=environment, check=True, timeout=100)

    def count(self, programs: Sequence[Program], runs: int, seed: int = 0) -> list[Counter[str]]:
        """Run each program so many times; count how it came out."""
        request = {"runs": runs, "seed": seed, "programs": [program.data() for program in programs]}
        return [Counter(counts) for counts in json.loads(_output(str(self.binary), given=json.dumps(request)))]


def version() -> str:
    """Return which Go this is, as "go1.19.8"."""
    return _output("go", "version").split()[2]


def is_recent() -> bool:
    """Tell whether this Go knows what theirs.go is written in."""
    release = re.match(r"go(\d+)\.(\d+)", version())
    return release is None or (int(release[1]), int(release[2])) >= OLDEST


def _output(*command: str, given: str | None = None) -> str:
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=1000)
    return done.stdout
