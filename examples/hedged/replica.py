"""A replica: a server on loopback that knows the lines of a file, and now and then is slow.

A request is the number of a line; the answer is its size in bytes, a line end, and the line. A client that has hung up
is not worked for any longer: that is how a cancelled request spares the server, too.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiochan as ac

HOST = "127.0.0.1"


class Replica:
    """Answers requests.

    Args:
        lines: What it knows.
        hiccup: Says how many seconds the next answer takes.

    Attributes:
        answered: How many requests got their answer.
        spared: How many clients had hung up before.
    """

    def __init__(self, lines: Sequence[bytes], hiccup: Callable[[], float]) -> None:
        self.answered = self.spared = 0
        self._lines = lines
        self._hiccup = hiccup

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[int, None]:
        """Serve at a port, which is given; leaving waits for the clients."""
        async with ac.ErrGroup(name="replica") as clients:

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                _ = clients.go(self._serve, reader, writer)

            async with await asyncio.start_server(connected, HOST, 0) as server:
                port: int = server.sockets[0].getsockname()[1]
                yield port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = self._lines[int(await reader.readline())]
            if await ac.race(self._take_time, partial(_hung_up, reader)):
                self.spared += 1
            else:
                writer.write(b"%d\n%b" % (len(line), line))
                await writer.drain()
                self.answered += 1
        except (ConnectionError, ValueError, IndexError):
            pass  # it has left, or asks nonsense: no answer is an answer
        finally:
            writer.close()

    async def _take_time(self) -> bool:
        await asyncio.sleep(self._hiccup())
        return False


async def _hung_up(reader: asyncio.StreamReader) -> bool:
    """Wait until the client hangs up."""
    with suppress(ConnectionError):  # an error would not win
        await reader.read(1)
    return True


async def request(port: int, number: int) -> bytes:
    """Ask the replica at a port for a line; whoever is cancelled hangs up.

    Raises:
        OSError: There is none, or it has hung up.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"%d\n" % number)
        return await reader.readexactly(int(await reader.readuntil()))
    except asyncio.IncompleteReadError:
        raise ConnectionResetError(f"the replica at port {port} has hung up") from None
    finally:
        writer.close()


@asynccontextmanager
async def nobody() -> AsyncGenerator[int, None]:
    """Keep a port at which nobody listens: a replica that is down."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        port: int = bound.getsockname()[1]
        yield port
