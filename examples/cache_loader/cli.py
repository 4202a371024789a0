"""The command line and the exit status.

0: everything is well. 1: something could not be read. 2: asked wrongly. 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple

from examples.cache_loader.cache import Cache, Counts
from examples.cache_loader.crowd import Answers, ask
from examples.cache_loader.words import Count, Loader


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    paths = sorted({file for path in options.paths for file in _files(path)})
    try:
        answers = asyncio.run(_rounds(paths, options))
    except KeyboardInterrupt:
        return 130
    return _show(answers)


async def _rounds(paths: Sequence[str], options: argparse.Namespace) -> Answers:
    """Ask three times: while there is nothing in the cache, while all is fresh, and when all has expired."""
    cache = Cache[str, Count](Loader(options.delay), ttl=options.ttl, stale=options.stale)
    answers: Answers = {}
    for title, pause in ("empty", 0.0), ("fresh", 0.0), ("expired", options.ttl):
        await asyncio.sleep(pause)
        cache.counts = Counts()
        answers = await ask(cache.get, paths, options.clients)
        fresh, stale, waited, loads = astuple(cache.counts)
        print(
            f"{title:>8}: {fresh + stale + waited:8,} requests: {fresh:8,} fresh, {stale:8,} stale,"
            f" {waited:8,} waited for {loads:8,} loads",
            file=sys.stderr,
        )
    return answers


def _show(answers: Answers) -> int:
    """Write what `wc` writes, errors to stderr, and return the exit status."""
    status = 0
    for path, answer in sorted(answers.items()):
        if isinstance(answer, OSError):
            print(f"cache_loader: {path!r}: {answer.strerror}", file=sys.stderr)
            status = 1
        else:
            print(*answer, path)
    return status


def _files(path: str) -> Iterator[str]:
    """Find the files under a path; a directory that cannot be listed has none."""
    if not os.path.isdir(path):  # noqa: PTH112 - names as they are, "./x" too
        yield path
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in names:
            if os.path.isfile(file := os.path.join(folder, name)):  # noqa: PTH113, PTH118 - no FIFO, for one
                yield file


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cache_loader", description="Count lines, words and bytes, as wc does, for a crowd behind a cache."
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a directory or a file")
    parser.add_argument("-c", "--clients", type=_natural, default=100, metavar="N", help="default: 100")
    parser.add_argument(
        "-t", "--ttl", type=_seconds, default=1.0, metavar="S", help="seconds that a count is fresh; default: 1"
    )
    parser.add_argument(
        "-s",
        "--stale",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="seconds more in which it is given out while it is made anew; default: 0",
    )
    parser.add_argument(
        "-d", "--delay", type=_seconds, default=0.01, metavar="S", help="seconds to add to each load; default: 0.01"
    )
    return parser.parse_args(arguments)


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 up")
    return seconds
