"""janus: the asynchronous side of its queue."""

from __future__ import annotations

from typing import Any

from bench.conformance.library import Ended, Library, Missing, Refused


class JanusQueue(Library):
    """`shutdown` says that nothing more will come."""

    name = "janus"
    title = "janus"
    distribution = "janus"

    def load(self) -> None:
        try:
            import janus
        except ImportError as error:
            raise Missing("janus is not installed") from error
        self.janus = janus
        self.closes = hasattr(janus, "AsyncQueueShutDown")
        self.ended: Any = getattr(janus, "AsyncQueueShutDown", ())

    def make(self, capacity: int) -> Any:
        return self.janus.Queue(capacity).async_q

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
        except self.janus.AsyncQueueFull as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.get_nowait()
        except self.janus.AsyncQueueEmpty as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def close(self, channel: Any) -> None:
        channel.shutdown()
