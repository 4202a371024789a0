"""aiologic: the asynchronous side of its queue."""

from __future__ import annotations

from typing import Any

from bench.conformance.library import Library, Missing, Refused


class AiologicQueue(Library):
    """There is no end. What does not wait is the same for all sides, and is called green."""

    name = "aiologic"
    title = "aiologic"
    distribution = "aiologic"
    closes = False

    def load(self) -> None:
        try:
            import aiologic
        except ImportError as error:
            raise Missing("aiologic is not installed") from error
        self.aiologic = aiologic

    def make(self, capacity: int) -> Any:
        return self.aiologic.Queue(capacity)

    async def send(self, channel: Any, value: Any) -> None:
        await channel.async_put(value)

    async def recv(self, channel: Any) -> Any:
        return await channel.async_get()

    def send_nowait(self, channel: Any, value: Any) -> None:
        try:
            channel.green_put(value, blocking=False)
        except self.aiologic.QueueFull as error:
            raise Refused from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.green_get(blocking=False)
        except self.aiologic.QueueEmpty as error:
            raise Refused from error

    def asleep(self, channel: Any) -> int | None:
        return int(channel.waiting)
