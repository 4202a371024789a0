"""anyio's memory object streams, on asyncio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.conformance.library import Ended, Library, Missing, Refused, Taken


class Ends(NamedTuple):
    """Both ends of a stream."""

    send: Any
    receive: Any


class AnyioStreams(Library):
    """An end is closed by closing the sending end."""

    name = "anyio"
    title = "anyio streams"
    distribution = "anyio"
    rendezvous = True

    def load(self) -> None:
        try:
            import anyio
        except ImportError as error:
            raise Missing("anyio is not installed") from error
        self.anyio = anyio
        self.ended = anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError

    def make(self, capacity: int) -> Any:
        return Ends(*self.anyio.create_memory_object_stream[Any](capacity))

    async def send(self, channel: Any, value: Any) -> None:
        try:
            await channel.send.send(value)
        except self.ended as error:
            raise Ended from error

    async def recv(self, channel: Any) -> Any:
        try:
            return await channel.receive.receive()
        except self.ended as error:
            raise Ended from error

    def send_nowait(self, channel: Any, value: Any) -> None:
        try:
            channel.send.send_nowait(value)
        except self.anyio.WouldBlock as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.receive.receive_nowait()
        except self.anyio.WouldBlock as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def close(self, channel: Any) -> None:
        channel.send.close()

    def discard(self, channel: Any) -> None:
        channel.send.close()
        channel.receive.close()

    def asleep(self, channel: Any) -> int | None:
        statistics = channel.send.statistics()
        return statistics.tasks_waiting_send + statistics.tasks_waiting_receive

    async def select(self, channels: Sequence[Any]) -> Taken:
        taken: Taken = []

        async def take(index: int, channel: Any) -> None:
            taken.append((index, await self.recv(channel)))
            tasks.cancel_scope.cancel()

        async with self.anyio.create_task_group() as tasks:
            for index, channel in enumerate(channels):
                tasks.start_soon(take, index, channel)
        return taken
