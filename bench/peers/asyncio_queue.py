"""The standard library: `asyncio.Queue`."""

from __future__ import annotations

import asyncio

from bench.peers.queues import QueuePeer


class Peer(QueuePeer):
    def queue(self, maxsize: int) -> asyncio.Queue[object]:
        return asyncio.Queue(maxsize)
