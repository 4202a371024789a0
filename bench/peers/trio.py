"""trio's memory channels, on trio: a loop of its own, whichever loop the others run on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import trio

from bench.peers.streams import StreamPeer


class Peer(StreamPeer):
    own_loop = True

    def run(self, loop: str, main: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:  # noqa: ARG002
        return trio.run(main, *args)

    def open(self, capacity: int) -> tuple[Any, Any]:
        return trio.open_memory_channel[Any](capacity)

    def group(self) -> Any:
        return trio.open_nursery()

    async def checkpoint(self) -> None:
        await trio.lowlevel.checkpoint()
