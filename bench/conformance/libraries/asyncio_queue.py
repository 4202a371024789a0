"""The standard library: `asyncio.Queue`."""

from __future__ import annotations

import asyncio
import platform
from typing import Any

from bench.conformance.library import Ended, Library, Refused


class AsyncioQueue(Library):
    """`shutdown` is there from Python 3.13 on."""

    name = "asyncio"
    title = "asyncio.Queue"
    closes = hasattr(asyncio.Queue, "shutdown")

    def load(self) -> None:
        self.ended: Any = getattr(asyncio, "QueueShutDown", ())

    @property
    def version(self) -> str:
        return f"Python {platform.python_version()}"

    def make(self, capacity: int) -> Any:
        return asyncio.Queue(capacity)

    async def send(self, channel: Any, value: Any) -> None:
        try:
            await channel.put(value)
        except self.ended as error:
            raise Ended from error

    async def recv(self, channel: Any) -> Any:
        try:
            return await channel.get()
        except self.ended as error:
            raise Ended from error

    def send_nowait(self, channel: Any, value: Any) -> None:
        try:
            channel.put_nowait(value)
        except asyncio.QueueFull as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.get_nowait()
        except asyncio.QueueEmpty as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def close(self, channel: Any) -> None:
        channel.shutdown()
