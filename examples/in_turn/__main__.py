"""Makes `python -m examples.in_turn` work: the command line. Exit status 0; 2: asked wrongly; 130: Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from examples.in_turn.turns import with_channels, with_condition
from examples.options import natural, seconds

WAYS = {"channels": with_channels, "cond": with_condition}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(prog="in_turn", description="Let tasks print their numbers in turn.")
    parser.add_argument("--how", choices=WAYS, default="channels", help="default: channels")
    parser.add_argument("-w", "--workers", type=natural, default=4, metavar="N", help="default: 4")
    parser.add_argument("-r", "--rounds", type=natural, default=3, metavar="N", help="default: 3")
    parser.add_argument("-p", "--pause", type=seconds, default=0.2, metavar="S", help="seconds; default: 0.2")
    options = parser.parse_args(arguments)

    async def say(number: int) -> None:
        print(number, end="\n" if number == options.workers else " ", flush=True)
        await asyncio.sleep(options.pause)

    try:
        asyncio.run(WAYS[options.how](options.workers, options.rounds, say))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
