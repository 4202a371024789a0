"""Take samples so that a shared, noisy machine does not decide who wins.

Every sample is CPU time, taken in a process of its own. The subjects take turns within a round, so that what slows the
machine down for a while hits all of them; a ratio is formed within its round, and the median over the rounds counts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.subjects import Subject
from bench.workloads import Workload

ROOT = Path(__file__).resolve().parent.parent
CHILD = ROOT / "bench" / "child.py"
BYTECODE = ROOT / "build" / "bench" / "bytecode"
LIMIT_S = 300

# name of the subject -> one figure for each round, None where the round gave none
Figures = dict[str, list[Any]]


@dataclass(frozen=True)
class Ready:
    """A subject that can be measured here."""

    subject: Subject
    command: tuple[str, ...]  # takes a job as its last argument


class Failed(Exception):
    """A sample could not be taken, or gave a wrong result."""


def environment(subject: Subject) -> dict[str, str]:
    """Set the environment of a process: one core, and bytecode that is kept, out of sight, whatever is set outside."""
    here = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pure = "0" if subject.core == "c" else "1"
    return here | {"AIOCHAN_PURE": pure, "GOMAXPROCS": "1", "PYTHONPYCACHEPREFIX": str(BYTECODE)}


def ask(ready: Ready, job: dict[str, Any]) -> dict[str, Any]:
    """Have one job done in a fresh process.

    Raises:
        Failed: It did not work.
    """
    subject = ready.subject
    whole = {"peer": subject.file, "core": subject.core, **job}
    command = [*ready.command, json.dumps(whole)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(subject), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{subject.name}: no answer in {LIMIT_S} s") from None
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Failed(f"{subject.name}: {last}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def sample(ready: Ready, loop: str, workload: Workload, seconds: float) -> float | None:
    """Measure once: CPU ns per unit; None if the subject cannot do this workload.

    Raises:
        Failed: It did not work, or the result is wrong.
    """
    settings = asdict(workload)
    job = {key: settings[key] for key in ("method", "width", "warm_up", "fixed")}
    answer = ask(ready, {"do": "sample", "loop": loop, "seconds": seconds, **job})
    if "count" not in answer:
        return None
    expected = workload.expect(answer["count"], workload.width)
    if answer["result"] != expected:
        raise Failed(f"{ready.subject.name}, {workload.name}: {answer['result']} instead of {expected}")
    return float(answer["seconds"]) / int(answer["count"]) / workload.each * 1e9


def rounds(subjects: Iterable[Ready], number: int, one: Callable[[Ready], Any], say: Callable[[str], None]) -> Figures:
    """Let the subjects take turns, `number` times. Who cannot, or fails, is asked no more; a failure is told."""
    taking = list(subjects)
    figures: Figures = {ready.subject.name: [] for ready in taking}
    for _ in range(number):
        for ready in list(taking):
            try:
                figure = one(ready)
            except Failed as failure:
                say(str(failure))
                figure = None
            if figure is None:
                taking.remove(ready)
                del figures[ready.subject.name]
            else:
                figures[ready.subject.name].append(figure)
    return figures
