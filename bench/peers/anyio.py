"""anyio's memory object streams, on asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel

from bench.peers import base
from bench.peers.streams import StreamPeer


class Peer(StreamPeer):
    def open(self, capacity: int) -> tuple[Any, Any]:
        return anyio.create_memory_object_stream[Any](capacity)

    def group(self) -> Any:
        return anyio.create_task_group()

    async def checkpoint(self) -> None:
        await anyio.lowlevel.checkpoint()

    async def flow(self, capacity: int) -> None:
        send, receive = self.open(capacity)

        async def produce() -> None:
            while True:
                await send.send(1)

        with send, receive:
            producer = asyncio.create_task(produce())
            try:
                while True:
                    await receive.receive()
            finally:
                await base.end([producer])
