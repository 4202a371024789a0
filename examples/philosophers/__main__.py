"""Makes `python -m examples.philosophers` work: the command line.

Exit status 0: all have eaten; 1: a deadlock; 2: asked wrongly; 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence

from aiochan.testing import virtual
from examples.options import natural, seconds
from examples.philosophers.circles import Circles, Deadlock
from examples.philosophers.table import WAYS, dine, plainly

FAMOUS = ["Aristotle", "Kant", "Spinoza", "Marx", "Russell"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    try:
        eaten = virtual.run(lambda: _dinner(options)) if options.virtual else asyncio.run(_dinner(options))
    except KeyboardInterrupt:
        return 130
    except (Deadlock, virtual.Deadlock) as deadlock:
        print(f"philosophers: {deadlock}", file=sys.stderr)
        return 1
    for name, meals in Counter(eaten).items():
        print(f"{name} has eaten {meals} times")
    return 0


async def _dinner(options: argparse.Namespace) -> list[str]:
    names = [*FAMOUS, *(f"philosopher {number}" for number in range(len(FAMOUS) + 1, options.count + 1))]
    take = plainly if options.virtual else Circles().take
    return await dine(
        WAYS[options.how], names[: options.count], options.meals, lambda: asyncio.sleep(options.pause), take
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="philosophers", description="Let philosophers dine, if they can.")
    parser.add_argument("--how", choices=WAYS, default="left-first", help="what they agreed upon; default: left-first")
    parser.add_argument("-n", "--count", type=natural, default=5, metavar="N", help="philosophers, from 2; default: 5")
    parser.add_argument("-m", "--meals", type=natural, default=3, metavar="N", help="for each; default: 3")
    parser.add_argument(
        "-p", "--pause", type=seconds, default=0.01, metavar="S", help="to think, to reach, to eat; default: 0.01"
    )
    parser.add_argument("--virtual", action="store_true", help="run on virtual time, which finds deadlocks by itself")
    options = parser.parse_args(arguments)
    if options.count < 2:
        parser.error("-n 1: a philosopher alone has one fork")
    return options


if __name__ == "__main__":
    sys.exit(main())
