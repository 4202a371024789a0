"""culsans: a queue between threads and event loops, of which the asyncio side is used here, from one thread."""

from __future__ import annotations

import culsans

from bench.peers.queues import QueuePeer


class Peer(QueuePeer):
    def queue(self, maxsize: int) -> culsans.AsyncQueueProxy[object]:
        return culsans.Queue[object](maxsize).async_q
