"""Makes `python -m examples.dispatcher` work: the command line."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import aiochan as ac
from examples.dispatcher.collector import File, collect


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the collector until SIGINT or SIGTERM, and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="dispatcher", description="Collect lines over TCP, and append them to files in a directory."
    )
    parser.add_argument("directory", type=Path, help="an existing directory; each worker has a file in it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 for any that is free")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--queue", type=int, default=100, help="how many lines may wait for a worker")
    options = parser.parse_args(arguments)
    if options.workers < 1 or options.queue < 0:
        parser.error("at least one worker, and no less than no queue")
    with ExitStack() as stack:
        try:
            paths = [options.directory / f"{number}.log" for number in range(options.workers)]
            files = [stack.enter_context(closing(File(path))) for path in paths]
            asyncio.run(serve(files, options))
        except OSError as error:
            print(f"dispatcher: {error}", file=sys.stderr)
            return 1
        print(f"stored {sum(file.stored for file in files)} lines", file=sys.stderr)
    return 0


async def serve(files: Sequence[File], options: argparse.Namespace) -> None:
    """Collect until a signal comes."""
    stop, loop = ac.Signal("stop"), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.close)

    def ready(host: str, port: int) -> None:
        print(f"listening on {host}:{port}", file=sys.stderr, flush=True)

    await collect(files, stop, ready, host=options.host, port=options.port, queue=options.queue)


if __name__ == "__main__":
    sys.exit(main())
