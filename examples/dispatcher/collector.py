"""The collector: lines come in over TCP, and each is answered when it is stored, or with the reason why not.

Stopping it loses nothing that was accepted. No more connections are taken and no more lines are read (that is what the
context is for: it ends reading, and nothing else); lines that wait for room are refused; lines that were accepted are
stored, and answered. Then everybody has ended by himself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import aiochan as ac
from examples.dispatcher.dispatcher import Job, Store, dispatch

LONGEST = 64 * 1024  # bytes of a line

Ready = Callable[[str, int], object]


async def collect(
    stores: Sequence[Store], stop: ac.Signal, ready: Ready, *, host: str = "127.0.0.1", port: int = 0, queue: int = 100
) -> None:
    """Collect lines until told to stop.

    Args:
        stores: One for each worker.
        stop: Closed to stop it.
        ready: Called with the address, once it is open.
        host: Where to listen.
        port: Where to listen; 0 for any that is free.
        queue: How many lines may wait for a worker.
    """
    jobs = ac.Chan[Job](queue, name="jobs")
    with ac.background().with_cancel() as reading:
        async with ac.ErrGroup(name="collector") as group:

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                _ = group.go(talk, reader, writer, jobs.sender, reading)

            _ = group.go(dispatch, jobs.receiver, stores)
            server = await asyncio.start_server(connected, host, port, limit=LONGEST)
            try:
                ready(*server.sockets[0].getsockname()[:2])
                await stop.wait()
            finally:
                server.close()
            reading.cancel()
            jobs.close()


async def talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, jobs: ac.SendChan[Job], reading: ac.Context
) -> None:
    """Answer one client, line by line."""
    try:
        while line := await next_line(reader, reading):
            writer.write(f"{await answer(line, jobs)}\n".encode())
            await writer.drain()
    except ValueError:
        writer.write(f"refused: a line is longer than {LONGEST} bytes\n".encode())
    except ConnectionError:
        pass  # the client is gone; what it has sent is stored all the same
    finally:
        writer.close()


async def next_line(reader: asyncio.StreamReader, reading: ac.Context) -> bytes:
    """Read a line; nothing at the end, or when there is to be no more reading."""
    try:
        return await reading.run(reader.readline)
    except ac.Canceled:
        return b""


async def answer(line: bytes, jobs: ac.SendChan[Job]) -> str:
    """Have a line stored, and say what has become of it."""
    answers = ac.Chan[str](1)
    try:
        await jobs.send(Job(line.rstrip(b"\r\n"), answers.sender))
    except ac.ChannelClosed:
        return "refused: stopping"
    return await answers.recv()


class File:
    """A store: one file, to which one worker appends lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.stored = 0

    async def __call__(self, payload: bytes) -> None:
        """Append a line, in a thread."""
        await asyncio.to_thread(self._file.write, payload + b"\n")
        self.stored += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()
