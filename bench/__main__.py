"""Compare with peers: python -m bench [--loop uvloop] [--rounds N] [WORKLOAD ...]."""

from __future__ import annotations

import argparse
import platform

from bench.harness import table
from bench.workloads import PEERS, WORKLOADS


def main() -> None:
    names = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare with peers.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(names))
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if unknown := set(options.workloads) - set(names):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")

    chosen = [workload for workload in WORKLOADS if workload.name in (options.workloads or names)]
    print(f"CPU time beside {next(iter(PEERS))} (1.00; more is slower): median (least-most)")
    print(f"of {options.rounds} rounds, {options.loop}, {platform.python_implementation()}", end=" ")
    print(f"{platform.python_version()}\n")
    print(table(options.loop, chosen, options.rounds))


if __name__ == "__main__":
    main()
