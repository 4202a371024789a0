"""culsans: the asynchronous side of its queue; the methods have the names of janus's."""

from __future__ import annotations

from typing import Any

from bench.conformance.libraries.janus_queue import JanusQueue
from bench.conformance.library import Missing


class CulsansQueue(JanusQueue):
    """`shutdown` says that nothing more will come; `close` would throw away what is inside."""

    name = "culsans"
    title = "culsans"
    distribution = "culsans"

    def load(self) -> None:
        try:
            import culsans
        except ImportError as error:
            raise Missing("culsans is not installed") from error
        self.janus = culsans
        self.ended = culsans.AsyncQueueShutDown

    def make(self, capacity: int) -> Any:
        return self.janus.Queue(capacity).async_q

    def asleep(self, channel: Any) -> int | None:
        queue = getattr(channel, "wrapped", None)
        return None if queue is None else queue.waiting
