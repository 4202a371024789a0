"""zh217's aiochan, the other library of this name: `Chan` and `select` after core.async."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from bench.conformance.library import Ended, Library, Missing, Refused, Taken


class Zh217(Library):
    """At the end a `get` answers None, and a `put` False; None cannot be sent."""

    name = "zh217"
    title = "zh217's aiochan"
    distribution = "aiochan"
    rendezvous = True
    select_is = "select"
    can_select_sends = True

    def load(self) -> None:
        """Import the one that is installed, though a checkout of the other lies nearer."""
        try:
            home = str(distribution("aiochan").locate_file(""))
        except PackageNotFoundError as error:
            raise Missing("the distribution aiochan is not installed") from error
        sys.path.insert(0, home)
        try:
            self.aiochan = importlib.import_module("aiochan")
        finally:
            sys.path.remove(home)
        if not hasattr(self.aiochan, "go") or Path(home) not in Path(str(self.aiochan.__file__)).parents:
            raise Missing("`import aiochan` finds another library of this name")

    def make(self, capacity: int) -> Any:
        return self.aiochan.Chan(capacity or None)

    async def send(self, channel: Any, value: Any) -> None:
        if not await channel.put(value):
            raise Ended

    async def recv(self, channel: Any) -> Any:
        return given(await channel.get())

    def send_nowait(self, channel: Any, value: Any) -> None:
        sent = channel.put_nowait(value)
        if sent is None:
            raise Refused
        if not sent:
            raise Ended

    def recv_nowait(self, channel: Any) -> Any:
        value = channel.get_nowait()
        if value is None:
            raise Ended if channel.closed else Refused
        return value

    def close(self, channel: Any) -> None:
        channel.close()

    def seed(self, seed: int) -> None:
        random.seed(seed)

    async def select(self, channels: Sequence[Any]) -> Taken:
        value, channel = await self.aiochan.select(*channels)
        return [(channels.index(channel), given(value))]

    async def select_mixed(self, receive: Any, send: Any, value: Any) -> Taken:
        value, channel = await self.aiochan.select(receive, (send, value))
        return [(1, None)] if channel is send else [(0, given(value))]


def given(value: Any) -> Any:
    """Tell a value from the end."""
    if value is None:
        raise Ended
    return value
