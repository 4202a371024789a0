"""trio's memory channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.conformance.library import Ended, Library, Missing, Refused, Taken
from bench.conformance.stage import TrioStage


class Ends(NamedTuple):
    """Both ends of a channel."""

    send: Any
    receive: Any


class TrioChannels(Library):
    """An end is closed by closing the sending end."""

    name = "trio"
    title = "trio channels"
    distribution = "trio"
    stage = TrioStage
    rendezvous = True

    def load(self) -> None:
        try:
            import trio
        except ImportError as error:
            raise Missing("trio is not installed") from error
        self.trio = trio
        self.ended = trio.EndOfChannel, trio.ClosedResourceError, trio.BrokenResourceError

    def make(self, capacity: int) -> Any:
        return Ends(*self.trio.open_memory_channel(capacity))

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
        except self.trio.WouldBlock as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.receive.receive_nowait()
        except self.trio.WouldBlock as error:
            raise Refused from error
        except self.ended as error:
            raise Ended from error

    def close(self, channel: Any) -> None:
        channel.send.close()

    def asleep(self, channel: Any) -> int | None:
        statistics = channel.send.statistics()
        return statistics.tasks_waiting_send + statistics.tasks_waiting_receive

    async def select(self, channels: Sequence[Any]) -> Taken:
        taken: Taken = []

        async def take(index: int, channel: Any) -> None:
            taken.append((index, await self.recv(channel)))
            nursery.cancel_scope.cancel()

        async with self.trio.open_nursery() as nursery:
            for index, channel in enumerate(channels):
                nursery.start_soon(take, index, channel)
        return taken
