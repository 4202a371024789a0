"""Resources that keep count of themselves."""

from __future__ import annotations

import asyncio
from typing import Any

from aiochan.pools import ResourcePool


class Plug:
    """A resource: says whether it is open, and who has it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.open = True
        self.closing = False

    def __repr__(self) -> str:
        return f"plug {self.number}"


class Works:
    """Opens and closes plugs, and sees that none is closed twice.

    Attributes:
        gate: What opening and closing wait for; open at first.
        fails: The errors that the next openings raise.
    """

    def __init__(self) -> None:
        self.plugs: list[Plug] = []
        self.busy = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: list[BaseException] = []

    async def open(self) -> Plug:
        self.busy += 1
        self.note()
        try:
            await self.gate.wait()
            if self.fails:
                raise self.fails.pop(0)
            plug = Plug(len(self.plugs) + 1)
            self.plugs.append(plug)
            return plug
        finally:
            self.busy -= 1

    async def close(self, plug: Plug) -> None:
        assert plug.open and not plug.closing, f"{plug} is closed twice"
        plug.closing = True
        await self.gate.wait()
        plug.open = False

    def note(self) -> None:
        self.most = max(self.most, self.busy + len(self.now_open()))

    def now_open(self) -> list[int]:
        """List the numbers of those that are open."""
        return [plug.number for plug in self.plugs if plug.open]

    def pool(self, max_open: int = 1, **options: Any) -> ResourcePool[Plug]:
        return ResourcePool(self.open, self.close, max_open=max_open, name="plugs", **options)


async def turns(n: int = 10) -> None:
    """Let everybody else run for so many turns of the loop."""
    for _ in range(n):
        await asyncio.sleep(0)
