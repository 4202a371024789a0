"""The command line. Exit status 0: stopped well; 1: the limit was reached, or a file cannot be read."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.shutdown.phases import Ended, one_phase, two_phases
from examples.shutdown.signals import listening, undisturbed_by
from examples.shutdown.tally import Tally

STOP = signal.SIGINT, signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    tally = Tally(options.files, options.memory, options.every)
    try:
        with undisturbed_by(*STOP):
            ended = asyncio.run(_run(tally, options))
    except OSError as error:
        print(f"shutdown: {error}", file=sys.stderr)
        return 1
    print(f"shutdown: {ended.value}", file=sys.stderr)
    return int(ended is Ended.CUT_SHORT)


async def _run(tally: Tally, options: argparse.Namespace) -> Ended:
    with listening(*STOP) as told:
        print("shutdown: counting; Ctrl-C or SIGTERM ends it", file=sys.stderr, flush=True)
        if options.phases == 1:
            return await one_phase(told, tally.watch, lambda: print(tally.report(), end=""))

        async def clean_up() -> None:
            await tally.save()
            print(tally.report(), end="")

        return await two_phases(told, tally.watch, clean_up, options.limit)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="shutdown", description="Count the lines of files while they grow, until told to stop."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--phases", type=int, choices=(1, 2), default=2, help="how to stop; default: 2")
    parser.add_argument("--limit", type=_seconds, default=5.0, metavar="S", help="of two phases; default: 5 seconds")
    parser.add_argument("--every", type=_seconds, default=0.5, metavar="S", help="between two looks; default: 0.5")
    parser.add_argument("--memory", type=Path, metavar="FILE", help="remember the counts there (with two phases)")
    options = parser.parse_args(arguments)
    if options.memory and options.phases == 1:
        parser.error("--memory needs two phases: in one, the work may be in the middle of a file")
    return options


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds
