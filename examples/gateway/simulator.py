"""A stand-in for an upstream: answers on loopback, can be killed, and starts again on the same port.

    python -m examples.gateway.simulator NAME PORT

It speaks just enough HTTP/1.1: requests without a body, one after the other, connections that are kept.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import aiochan as ac

Behaviour = Callable[[str], Awaitable[int]]  # path and query -> status, when it is time to answer


async def at_once(_target: str) -> int:
    """Answer everything with 200, now."""
    return 200


@asynccontextmanager
async def simulator(name: str, behave: Behaviour = at_once, *, port: int = 0) -> AsyncIterator[Simulator]:
    """Have an upstream on loopback during the body."""
    async with ac.ErrGroup(name=name) as group:
        server = Simulator(name, behave, group)
        server.start(port)
        try:
            yield server
        finally:
            server.kill()


class Simulator:
    """An upstream; the body of each answer is `<path and query> from <name>`.

    Attributes:
        asked: How many requests have arrived.
        answered: How many were answered.
        dropped: How many were not: the client went away, or it was killed.
    """

    def __init__(self, name: str, behave: Behaviour, group: ac.ErrGroup) -> None:
        self.name = name
        self.behave = behave
        self.group = group
        self.connections: set[_Connection] = set()
        self.asked = self.answered = self.dropped = 0
        self.port = 0
        self._listener: socket.socket | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        return self._listener is not None

    def start(self, port: int | None = None) -> None:
        """Listen, again on the same port if it was killed."""
        self._listener = socket.create_server(("127.0.0.1", self.port if port is None else port), backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept, self._listener)

    def kill(self) -> None:
        """Stop listening and tear every connection, as the end of a process does; killing it twice is allowed."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for connection in tuple(self.connections):
            connection.transport.abort()

    def _accept(self, listener: socket.socket) -> None:
        # By hand, because asyncio's servers cannot be closed in the very moment in which somebody connects.
        with suppress(BlockingIOError, ConnectionAbortedError):
            accepted, _ = listener.accept()
            self.group.go(self._loop.connect_accepted_socket, lambda: _Connection(self), accepted)


class _Connection(asyncio.Protocol):
    """One connection; `connection_lost` cancels what was being done for it."""

    transport: asyncio.Transport

    def __init__(self, server: Simulator) -> None:
        self._server = server
        self._received = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by their class
        self._server.connections.add(self)
        if not self._server.is_up:  # it was on its way when the server was killed
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" in self._received:
            target = self._received.split(b" ", 2)[1].decode("ascii")
            self._received = b""
            self._server.asked += 1
            self._task = self._server.group.go(self._answer, target)
            self._task.add_done_callback(self._count)

    async def _answer(self, target: str) -> None:
        status = await self._server.behave(target)
        body = f"{target} from {self._server.name}".encode("ascii")
        head = f"HTTP/1.1 {status} -\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode("ascii") + body)

    def _count(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._server.dropped += 1
        else:
            self._server.answered += 1

    def connection_lost(self, _: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._task:
            self._task.cancel()


async def _serve(name: str, port: int) -> None:
    async with simulator(name, port=port) as server:
        print(f"{name}: listening on {server.url}", flush=True)
        await ac.Signal().wait()  # until somebody kills us


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
