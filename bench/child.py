"""What runs in the fresh process of a sample: python bench/child.py JOB, with the job and the answer as JSON.

It is started by its path, because one of the subjects has the same name as this project: what is installed comes first
on the path, this repository last.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).resolve().parent.parent)


def pin() -> None:
    """Stay on one core, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def check_core(wanted: str) -> None:
    """Leave with a message if the core of aiochan that is measured is not the one that was asked for."""
    from aiochan.core import IMPLEMENTATION

    if wanted != IMPLEMENTATION:
        sys.exit(f"the core is {IMPLEMENTATION}, not {wanted}")


def main() -> None:
    sys.path[:] = [*sys.path[1:], ROOT]
    job: dict[str, Any] = json.loads(sys.argv[1])
    pin()
    peer = importlib.import_module(f"bench.peers.{job['peer']}").Peer()
    if job["core"]:
        check_core(job["core"])
    print(json.dumps(importlib.import_module(f"bench.{job['do']}").take(peer, job)))


if __name__ == "__main__":
    main()
