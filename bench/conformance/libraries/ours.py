"""This aiochan: `Chan` and `select`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.conformance.library import Ended, Library, Missing, Refused, Taken


class Ours(Library):
    """A checkout or an installed release, whichever `import aiochan` finds."""

    name = "aiochan"
    title = "aiochan (this)"
    distribution = "aiochan-csp"
    rendezvous = True
    select_is = "select"
    can_select_sends = True

    def load(self) -> None:
        try:
            import aiochan as ac
        except ImportError as error:  # not there, or not its dependencies
            raise Missing(f"cannot be imported: {error}") from error
        if not hasattr(ac, "recv_ok"):
            raise Missing("`import aiochan` finds another library of this name")
        self.ac = ac

    @property
    def version(self) -> str:
        try:
            return version("aiochan-csp")
        except PackageNotFoundError:
            return "checkout"

    def make(self, capacity: int) -> Any:
        return self.ac.Chan(capacity)

    async def send(self, channel: Any, value: Any) -> None:
        try:
            await channel.send(value)
        except self.ac.ChannelClosed as error:
            raise Ended from error

    async def recv(self, channel: Any) -> Any:
        try:
            return await channel.recv()
        except self.ac.ChannelClosed as error:
            raise Ended from error

    def send_nowait(self, channel: Any, value: Any) -> None:
        try:
            channel.send_nowait(value)
        except self.ac.WouldBlock as error:
            raise Refused from error
        except self.ac.ChannelClosed as error:
            raise Ended from error

    def recv_nowait(self, channel: Any) -> Any:
        try:
            return channel.recv_nowait()
        except self.ac.WouldBlock as error:
            raise Refused from error
        except self.ac.ChannelClosed as error:
            raise Ended from error

    def close(self, channel: Any) -> None:
        channel.close()

    def asleep(self, channel: Any) -> int | None:
        stats = channel.stats()
        return stats.parked_senders + stats.parked_receivers

    def seed(self, seed: int) -> None:
        self.ac.core.seed(seed)

    async def select(self, channels: Sequence[Any]) -> Taken:
        return [await self.ac.select(*map(self.ac.recv, channels))]

    async def select_mixed(self, receive: Any, send: Any, value: Any) -> Taken:
        return [await self.ac.select(self.ac.recv(receive), self.ac.send(send, value))]
