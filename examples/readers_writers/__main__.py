"""Makes `python -m examples.readers_writers` work: the command line.

Exit status 0: with a lock all sums were right; 1: one was not; 2: asked wrongly; 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence

from examples.options import natural, seconds
from examples.readers_writers.bank import mutex, none, rw
from examples.readers_writers.crowd import Found, read_and_write

LOCKS = {"none": none, "mutex": mutex, "rw": rw}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="readers_writers", description="Sum up the accounts of a bank, with three kinds of locks."
    )
    parser.add_argument("-r", "--readers", type=natural, default=10, metavar="N", help="default: 10")
    parser.add_argument("-w", "--writers", type=natural, default=2, metavar="N", help="default: 2")
    parser.add_argument("-n", "--rounds", type=natural, default=10, metavar="N", help="sums of each; default: 10")
    parser.add_argument(
        "-p", "--pause", type=seconds, default=0.001, metavar="S", help="for each account, on average; default: 0.001"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the dice; default: 1")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(_all_kinds(options))
    except KeyboardInterrupt:
        return 130
    return int(any(found[kind].wrong for kind in LOCKS if kind != "none"))


async def _all_kinds(options: argparse.Namespace) -> dict[str, Found]:
    found: dict[str, Found] = {}
    dice = random.Random(options.seed)

    async def pause() -> None:
        await asyncio.sleep(dice.uniform(0, 2 * options.pause))

    for kind, locks in LOCKS.items():
        found[kind] = one = await read_and_write(locks, options.readers, options.writers, options.rounds, pause)
        print(f"{kind:>6}: {one.sums:,} sums, {one.wrong:,} wrong; {one.most:2} at once, {one.seconds:5.2f} s")
    return found


if __name__ == "__main__":
    sys.exit(main())
