"""The command line and the exit status.

0: everything is well. 1: the file cannot be read, or no replica answers. 2: asked wrongly. 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from examples.hedged.crowd import Round, ask
from examples.hedged.replica import Replica, nobody

LONG = 3600.0  # seconds: nobody keeps silent for so long


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    try:
        lines = Path(options.file).read_bytes().splitlines(keepends=True)
        asyncio.run(_compare(lines, options))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"hedged: {error}", file=sys.stderr)
        return 1
    return 0


async def _compare(lines: Sequence[bytes], options: argparse.Namespace) -> None:
    """Ask for all lines twice, without a hedge and with it, and write what was answered."""
    dice = random.Random(options.seed)

    def hiccup() -> float:
        return options.slow if dice.random() < options.hiccups else 0.0

    replicas = [Replica(lines, hiccup) for _ in range(options.replicas - options.dead)]
    async with AsyncExitStack() as stack:
        down = [await stack.enter_async_context(nobody()) for _ in range(options.dead)]
        ports = down + [await stack.enter_async_context(replica.listening()) for replica in replicas]
        _report("patient", await ask(ports, len(lines), delay=LONG, clients=options.clients))
        result = await ask(ports, len(lines), delay=options.delay, clients=options.clients)
        _report("hedged", result)
    print(f"{sum(replica.spared for replica in replicas):,} answers were spared", file=sys.stderr)
    sys.stdout.buffer.writelines(line for _, line in sorted(result.lines.items()))
    sys.stdout.flush()


def _report(title: str, result: Round) -> None:
    half, most, all_of_them = (1000 * result.within(part) for part in (0.5, 0.99, 1.0))
    print(
        f"{title:>8}: {len(result.lines):6,} lines, {result.sent:6,} requests;"
        f" half in {half:6.1f} ms, 99 % in {most:6.1f} ms, all in {all_of_them:6.1f} ms",
        file=sys.stderr,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hedged", description="Fetch a file line by line from replicas that are slow now and then, with a hedge."
    )
    parser.add_argument("file", metavar="FILE", help="what the replicas know")
    parser.add_argument("-r", "--replicas", type=_natural, default=3, metavar="N", help="default: 3")
    parser.add_argument("-x", "--dead", type=int, default=0, metavar="N", help="how many of them are down; default: 0")
    parser.add_argument("-c", "--clients", type=_natural, default=10, metavar="N", help="lines at once; default: 10")
    parser.add_argument(
        "-p", "--hiccups", type=_number, default=0.03, metavar="P", help="the part of slow answers; default: 0.03"
    )
    parser.add_argument(
        "-s", "--slow", type=_number, default=0.2, metavar="S", help="seconds that these take; default: 0.2"
    )
    parser.add_argument(
        "-d", "--delay", type=_number, default=0.02, metavar="S", help="seconds of patience; default: 0.02"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the dice; default: 1")
    options = parser.parse_args(arguments)
    if not 0 <= options.dead < options.replicas:
        parser.error(f"--dead {options.dead}: at least one of {options.replicas} replicas has to be up")
    return options


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= LONG:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {LONG:g}")
    return number
