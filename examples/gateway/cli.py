"""The command line.

0: ended after a signal, or the demo was shown. 1: could not listen. 2: asked wrongly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import socket
import sys
from collections.abc import Sequence

from examples.gateway import demo
from examples.gateway.app import Front
from examples.gateway.server import serve
from examples.gateway.service import Gateway, Limits
from examples.gateway.upstream import Upstream


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    limits = Limits(options.places, options.line, options.deadline, options.hedge_after)
    if options.demo:
        asyncio.run(demo.show(limits))
        return 0
    try:
        listener = socket.create_server((options.host, options.port), backlog=1024)
    except OSError as error:
        print(f"gateway: {options.host}:{options.port}: {os.strerror(error.errno or 0)}", file=sys.stderr)
        return 1
    stats = asyncio.run(_serve(options.upstream, limits, listener, options.grace))
    print(f"gateway: ended; {json.dumps(stats)}", flush=True)
    return 0


async def _serve(urls: Sequence[str], limits: Limits, listener: socket.socket, grace: float) -> dict[str, object]:
    front = Front(Gateway([Upstream(url) for url in urls], limits))
    host, port = listener.getsockname()[:2]
    print(f"gateway: listening on http://{host}:{port}", flush=True)
    await serve(front, listener, grace=grace)
    return front.stats()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="gateway", description="Pass GET requests on to upstream servers.", argument_default=argparse.SUPPRESS
    )
    usual = Limits()
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "-u",
        "--upstream",
        action="append",
        type=_url,
        metavar="URL",
        help="scheme, host and port of a server to ask; give several, the first is asked first",
    )
    what.add_argument(
        "--demo",
        action="store_true",
        default=False,
        help="start three upstreams and a gateway here, load them, and show what happened",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen; default: %(default)s")
    add("--port", type=_port, default=8000, help="0 is any free one; default: %(default)s")
    add("--places", type=_count, default=usual.places, metavar="N", help="requests in work; default: %(default)s")
    add("--line", type=_count_or_none, default=usual.line, metavar="N", help="requests waiting; default: %(default)s")
    add("--deadline", type=_seconds, default=usual.deadline, metavar="S", help="for each request; default: %(default)s")
    add("--hedge-after", type=_seconds, default=usual.hedge_after, metavar="S", help="default: %(default)s")
    add("--grace", type=_seconds, default=10.0, metavar="S", help="for finishing after a signal; default: %(default)s")
    return parser.parse_args(arguments)


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s@]+/?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not http:// or https:// with a host, and no path")
    return text


def _port(text: str) -> int:
    return _whole(text, 0, 65535)


def _count(text: str) -> int:
    return _whole(text, 1, 100_000)


def _count_or_none(text: str) -> int:
    return _whole(text, 0, 100_000)


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
