"""The command line: `python -m examples.probe example.org:443 localhost:22`. Exit status 1 if one does not answer."""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from anyio import to_thread

import aiochan as ac
from examples.probe.calls import answered_within, stopped_after

AT_ONCE = 20
Address = tuple[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parse(arguments)
    return int(not asyncio.run(probe_all(options.servers, options.timeout)))


async def probe_all(servers: Sequence[Address], seconds: float) -> bool:
    """Ask all of them, some at once, and print what each says in the order given; return whether all answered."""
    async with ac.ErrGroup(limit=AT_ONCE, name="probe") as group:
        asked = [group.go(probe, server, seconds) for server in servers]
        answers = [await task for task in asked]
    for (host, port), answer in zip(servers, answers, strict=True):
        print(f"{host}:{port}: {answer or 'answers'}")
    return not any(answers)


async def probe(server: Address, seconds: float) -> str | None:
    """Connect to a server; return what went wrong, or None."""
    try:
        # The resolver of the system blocks a thread and cannot be called back; a connection can.
        places = await answered_within(seconds, lambda: _resolve(server))
        await stopped_after(seconds, lambda: _connect(places[0]))
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return None


async def _resolve(server: Address) -> list[Any]:
    host, port = server
    return await to_thread.run_sync(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def _connect(place: Any) -> None:
    family, _kind, _protocol, _name, address = place
    _reader, writer = await asyncio.open_connection(*address[:2], family=family)
    writer.close()
    await writer.wait_closed()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="probe", description="Say which servers accept a connection.")
    parser.add_argument("servers", nargs="+", type=_server, metavar="HOST:PORT")
    parser.add_argument("--timeout", type=float, default=3.0, metavar="S", help="for each step; default: 3 seconds")
    options = parser.parse_args(arguments)
    if not 0 < options.timeout < 1e6:
        parser.error(f"--timeout {options.timeout:g}: it must be above 0")
    return options


def _server(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
