"""aiologic: primitives between threads and event loops; its `Queue`, from one thread."""

from __future__ import annotations

import aiologic

from bench.peers.queues import QueuePeer


class Side:
    """Its methods under the names that the queues have: bound once, so that this costs nothing per call."""

    __slots__ = ("get", "put", "put_nowait")

    def __init__(self, queue: aiologic.Queue[object]) -> None:
        self.put, self.get, self.put_nowait = queue.async_put, queue.async_get, queue.green_put


class Peer(QueuePeer):
    def queue(self, maxsize: int) -> Side:
        return Side(aiologic.Queue(maxsize))
