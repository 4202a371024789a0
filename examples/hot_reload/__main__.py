"""Makes `python -m examples.hot_reload` work: the command line.

Exit status 0: told to stop; 1: the file cannot be read, or there is a mistake in it; 2: asked wrongly.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import aiochan as ac
from examples.hot_reload.config import Config, File, follow
from examples.hot_reload.greeters import greet
from examples.options import natural, seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Greet until SIGINT or SIGTERM, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="hot_reload", description='Say what a file configures, such as {"greeting": "hello", "pause": 1}.'
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("-e", "--every", type=seconds, default=0.5, metavar="S", help="look at it; default: 0.5 s")
    parser.add_argument("-g", "--greeters", type=natural, default=2, metavar="N", help="default: 2")
    options = parser.parse_args(arguments)
    if options.every == 0:
        parser.error("--every 0: there must be some time between two looks")
    try:
        asyncio.run(_serve(options))
    except (OSError, ValueError) as error:
        _complain(error)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stop, loop = ac.Signal("stop"), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.close)
    file = File(options.file)
    config = ac.Watch(file.changed() or Config(), name="config")
    async with ac.ErrGroup(name="greeters") as g:
        tasks = [g.go(follow, file.changed, config, options.every, _complain)]
        tasks += [g.go(greet, config, partial(_say, number)) for number in range(1, options.greeters + 1)]
        await stop.wait()
        for task in tasks:
            task.cancel()


def _say(number: int, text: str) -> None:
    print(f"{number}: {text}", flush=True)


def _complain(error: Exception) -> None:
    print(f"hot_reload: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
