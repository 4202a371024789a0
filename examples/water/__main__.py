"""Makes `python -m examples.water` work: the command line. Exit status 0; 2: asked wrongly; 130: Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

import aiochan as ac
from examples.options import natural, seconds
from examples.water.factory import Factory, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(prog="water", description="Make molecules of atoms that come at random.")
    parser.add_argument("formula", nargs="?", type=_formula, default="H2O", help="default: H2O")
    parser.add_argument("-n", "--molecules", type=natural, default=100, metavar="N", help="default: 100")
    parser.add_argument(
        "-d",
        "--delay",
        type=seconds,
        default=0.1,
        metavar="S",
        help="all atoms come within so many seconds; default: 0.1",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the dice; default: 1")
    options = parser.parse_args(arguments)
    try:
        made = asyncio.run(_work(options.formula, options))
    except KeyboardInterrupt:
        return 130
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(made.items()))
    print(f"{made.total():,} molecules: {kinds}", file=sys.stderr)
    return 0


async def _work(formula: Mapping[str, int], options: argparse.Namespace) -> Counter[str]:
    """Make the molecules, print each, and count those whose atoms came in the same order."""
    made = Counter[str]()

    def deliver(molecule: str) -> None:
        made[molecule] += 1
        print(molecule)

    factory, dice = Factory(formula, deliver), random.Random(options.seed)

    async def come(element: str, delay: float) -> None:
        await asyncio.sleep(delay)
        await factory.add(element)

    async with ac.ErrGroup(name="atoms") as g:
        for element, count in formula.items():
            for _ in range(count * options.molecules):
                g.go(come, element, dice.uniform(0, options.delay))
    return made


def _formula(text: str) -> dict[str, int]:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
