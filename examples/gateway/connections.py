"""Connections for httpx that nobody has to wait for when they are closed.

httpx leaves its connections to httpcore. When that clears its pool of connections that have ended, it
first takes all of them out and then closes one after the other. With the usual connections each of
these steps waits; a task that is cancelled there leaves the rest to the garbage collector. A gateway
that hedges cancels all the time, so it meets that moment as soon as an upstream dies. Closing these
here does not wait, so there is no such moment.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx


class Transport(httpx.AsyncHTTPTransport):
    """httpx's own, on such connections; without proxies, and without any setting from the environment.

    Args:
        keep: How many connections are kept for later when they are not in use.
    """

    def __init__(self, *, keep: int) -> None:
        verified = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=verified, trust_env=False)
        # The one thing that httpx does not let us say: `network_backend`.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=verified, max_connections=None, max_keepalive_connections=keep, network_backend=_Backend()
        )


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects; `timeout` and the like are None, as nobody sets them here."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        with _errors_as(httpcore.ConnectError):
            return _Stream(*await asyncio.open_connection(host, port))


class _Stream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        with _errors_as(httpcore.ReadError):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        with _errors_as(httpcore.WriteError):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        # Not close(), which would first send what is left: nobody wants the answer any more.
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            with _errors_as(httpcore.ConnectError):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            self._writer.transport.abort()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked of a connection that was kept: whether the server has closed it
            return self._reader.at_eof() or self._writer.is_closing()
        return self._writer.get_extra_info(info)


@contextmanager
def _errors_as(kind: type[Exception]) -> Iterator[None]:
    """Turn errors of sockets and of TLS into what httpcore expects."""
    try:
        yield
    except OSError as error:
        raise kind(str(error)) from error
