"""Makes `python -m examples.bounded_queue` work: the command line.

Exit status 0; 1: a file cannot be read; 2: asked wrongly; 130: Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import aiochan as ac
from examples.bounded_queue.bounded import BoundedQueue
from examples.bounded_queue.counting import Queue, count, show
from examples.options import natural

KINDS: dict[str, Callable[[int], Queue]] = {"cond": BoundedQueue[bytes], "chan": ac.Chan[bytes]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="bounded_queue", description="Count lines, words and bytes of files, through a queue with little room."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("-q", "--queue", choices=KINDS, default="cond", help="default: cond")
    parser.add_argument("-r", "--room", type=natural, default=10, metavar="N", help="in the queue; default: 10")
    parser.add_argument("-c", "--counters", type=natural, default=3, metavar="N", help="default: 3")
    options = parser.parse_args(arguments)
    try:
        counts = asyncio.run(count(options.files, lambda: KINDS[options.queue](options.room), options.counters))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"bounded_queue: {error}", file=sys.stderr)
        return 1
    print(show(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
