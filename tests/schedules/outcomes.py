"""All that can come out of a program, as lines of text that a process with the other core can be asked for.

    python -m tests.schedules.outcomes ORDER CANCELS TITLE...

prints them as JSON. An outcome is what became of each task and of each value, and who heard the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiochan import core
from aiochan.testing import explorer
from aiochan.testing.schedule import Rules
from tests.schedules.programs import PROGRAMS
from tests.schedules.world import Program, World

__all__ = ["outcomes", "outcomes_elsewhere"]

REPOSITORY = Path(__file__).resolve().parents[2]
MAX_STEPS = 500


def outcomes(program: Program, order: Any, cancels: int) -> list[str]:
    """Search a program to its end."""

    def scenario(run: Any) -> None:
        world = World(program, run)
        run.state(lambda: (world.__fingerprint__(), [(name, ch.stats()) for name, ch in world.chans.items()]))

    found = explorer._Findings()
    result = explorer._exhaust(scenario, Rules(order, cancels, 0, MAX_STEPS, False, None), True, None, found)
    assert result.complete
    return sorted(map(repr, found.outcomes))


def outcomes_elsewhere(titles: Sequence[str], order: str, cancels: int, *, core: str) -> dict[str, list[str]]:
    """Ask a process that works with this core."""
    command = [sys.executable, "-m", "tests.schedules.outcomes", order, str(cancels), *titles]
    env = os.environ | {"AIOCHAN_PURE": "1" if core == "python" else "0", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, env=env, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["core"] == core, f"it works with the core in {answer['core']}"
    return dict(answer["outcomes"])


def main(order: str, cancels: str, *titles: str) -> None:
    """Print the outcomes of some programs."""
    programs = [program for program in PROGRAMS if program.title in titles]
    found = {program.title: outcomes(program, order, int(cancels)) for program in programs}
    print(json.dumps({"core": core.IMPLEMENTATION, "outcomes": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
