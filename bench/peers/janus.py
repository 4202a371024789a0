"""janus: a queue between threads and asyncio, of which the asyncio side is used here, from one thread."""

from __future__ import annotations

import janus

from bench.peers.queues import QueuePeer


class Peer(QueuePeer):
    def queue(self, maxsize: int) -> janus.AsyncQueue[object]:
        return janus.Queue[object](maxsize).async_q
