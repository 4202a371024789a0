"""Makes `python -m examples.scheduled_jobs` work: the command line."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

import aiochan as ac
from examples.scheduled_jobs.runner import Runner, shell
from examples.scheduled_jobs.table import Entry, TableError, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a table until nothing is left to run, or SIGINT or SIGTERM comes; return the exit status."""
    parser = argparse.ArgumentParser(prog="scheduled_jobs", description="Run commands at the times that a table says.")
    parser.add_argument("table", type=argparse.FileType(encoding="utf-8"), help="a file; - is standard input")
    options = parser.parse_args(arguments)
    with options.table as file:
        try:
            entries = parse(file.read())
        except TableError as error:
            print(f"scheduled_jobs: {file.name}: {error}", file=sys.stderr)
            return 2
    asyncio.run(work(entries))
    return 0


async def work(entries: Sequence[Entry]) -> None:
    """Run the table until it ends or a signal comes."""
    loop = asyncio.get_running_loop()
    with ac.background().with_cancel() as ctx:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ctx.cancel)
        try:
            await Runner(entries, shell, say, clock).work(ctx)
        except ac.Canceled:
            say("stopped")


def say(text: str) -> None:
    """Say on stderr what has happened, and when."""
    print(f"{clock():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def clock() -> datetime:
    """Tell the time here."""
    return datetime.now().astimezone()


if __name__ == "__main__":
    sys.exit(main())
