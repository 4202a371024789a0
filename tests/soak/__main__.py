"""Soak the library: `python -m tests.soak tasks` and `python -m tests.soak load`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tests.soak.load import flat_after, run_load
from tests.soak.soak import FLAT, Report, run_tasks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    tasks = kinds.add_parser("tasks", help="very many tasks, one in ten of them cancelled")
    tasks.add_argument("--count", type=int, default=1_000_000, help="how many tasks (%(default)s)")
    tasks.add_argument("--alive", type=int, default=10_000, help="how many at the same time (%(default)s)")
    load = kinds.add_parser("load", help="a mixed load for a long time")
    load.add_argument("--minutes", type=float, default=60.0, help="how long (%(default)s)")
    load.add_argument("--pace", type=float, default=0.38, help="share of one core; 0 for all of it (%(default)s)")
    for kind in (tasks, load):
        kind.add_argument("--no-gc", action="store_true", help="switch the garbage collector off")
        kind.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
        kind.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    options = {
        "loop": args.loop,
        "collector": not args.no_gc,
        "seed": args.seed,
        "say": _say,
    }
    if args.kind == "tasks":
        return _tell(run_tasks(args.count, args.alive, allowance=FLAT, **options))
    return _tell(run_load(minutes=args.minutes, pace=args.pace, allowance=flat_after(args.minutes), **options))


def _say(line: str) -> None:
    print(line, flush=True)


def _tell(report: Report) -> int:
    print(json.dumps(asdict(report)), flush=True)
    print("\n".join(report.problems) or "no problem", flush=True)
    return bool(report.problems)


if __name__ == "__main__":
    sys.exit(main())
