"""What an import costs once asyncio is there: CPU ms, the median of fresh processes that take turns."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterable

from bench.harness import Ready, environment

CODE = """
import asyncio, time
begin = time.process_time()
import {module}
print((time.process_time() - begin) * 1e3)
"""


def run(subjects: Iterable[Ready], number: int) -> dict[str, float]:
    """Measure each module that subjects are imported as, `number` times."""
    chosen = [ready for ready in subjects if ready.subject.module not in ("", "asyncio")]
    found: dict[str, list[float]] = {ready.subject.name: [] for ready in chosen}
    for turn in range(number + 1):
        for ready in chosen:
            cost = _cpu_ms(ready)
            if turn:  # the first turn writes the bytecode
                found[ready.subject.name].append(cost)
    return {name: statistics.median(costs) for name, costs in found.items()}


def _cpu_ms(ready: Ready) -> float:
    command = [ready.command[0], "-P", "-c", CODE.format(module=ready.subject.module)]
    settings = environment(ready.subject)
    return float(subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout)
