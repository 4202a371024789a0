"""The command line and the exit status.

0: everything is well. 1: something could not be read, or does not match. 2: asked wrongly.
130: Ctrl-C. 141: nobody reads our output any more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from examples.digest import listing
from examples.digest.hashing import ALGORITHMS, Digester
from examples.digest.pipeline import run
from examples.digest.progress import progress_on
from examples.digest.records import reason
from examples.digest.report import CheckReport, ListingReport, Report
from examples.digest.walk import batches, walk

MOST_WORKERS = 1000  # each is a thread


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    try:
        return _digest(options)
    except KeyboardInterrupt:
        _leave(130)
    except BrokenPipeError:
        _leave(141)
    except OSError as error:
        print(f"digest: {_trouble(error)}", file=sys.stderr)
        _leave(1)


def _digest(options: argparse.Namespace) -> int:
    with progress_on(sys.stderr) as progress:
        report: Report
        if options.check:
            report = CheckReport(sys.stdout.buffer, sys.stderr, progress, options.check)
            found = listing.read(options.check, options.algorithm)
        else:
            report = ListingReport(sys.stdout.buffer, sys.stderr, progress)
            found = walk(options.paths)
        asyncio.run(
            run(
                progress.watch(batches(found)),
                Digester(options.algorithm, progress.read),
                report.show,
                workers=options.workers,
                in_order=options.sorted,
            )
        )
    return report.finish()


def _leave(status: int) -> NoReturn:
    """End the program: a thread may be inside a read or a write that nobody can interrupt.

    The loop and all that was in it are closed by now. The interpreter would wait for the thread.
    """
    os._exit(status)


def _trouble(error: OSError) -> str:
    """Say what an error is about: the listing, or our own output."""
    return f"{error.filename!r}: {reason(error)}" if error.filename else f"standard output: {reason(error)}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="digest", description="Digest every file under some directories, as sha256sum would."
    )
    parser.add_argument("paths", nargs="*", type=_existing, metavar="PATH", help="a directory or a file")
    parser.add_argument(
        "-a",
        "--algorithm",
        default="sha256",
        choices=ALGORITHMS,
        metavar="NAME",
        help=f"one of {', '.join(ALGORITHMS)}; default: sha256",
    )
    parser.add_argument(
        "-w",
        "--workers",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many files to read at the same time; default: one for each processor",
    )
    parser.add_argument("-s", "--sorted", action="store_true", help="sort by name, instead of as they finish")
    parser.add_argument(
        "-c",
        "--check",
        type=_existing_or_stdin,
        metavar="FILE",
        help="verify what an earlier listing says; - is standard input",
    )
    options = parser.parse_args(arguments)
    if bool(options.paths) == bool(options.check):
        parser.error("give one PATH or more, or else --check FILE")
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_WORKERS}")
    return int(text)


def _existing(path: str) -> str:
    if path == "-":  # a listing with that name means standard input to everybody else
        raise argparse.ArgumentTypeError("'-': standard input is not read; a file is ./-")
    if not os.path.lexists(path):
        raise argparse.ArgumentTypeError(f"{path!r}: no such file or directory")
    return path


def _existing_or_stdin(path: str) -> str:
    return path if path == "-" else _existing(path)
