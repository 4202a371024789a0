"""The clients: they want every line, some at a time, and note how long each took."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import aiochan as ac
from examples.hedged.hedge import hedged
from examples.hedged.replica import request


@dataclass
class Round:
    """What became of the requests for all lines.

    Attributes:
        lines: The answers.
        seconds: How long each took, the shortest first.
        sent: How many requests were sent.
    """

    lines: dict[int, bytes] = field(default_factory=dict[int, bytes])
    seconds: list[float] = field(default_factory=list[float])
    sent: int = 0

    def within(self, part: float) -> float:
        """Return in how many seconds such a part of the requests was answered."""
        return self.seconds[min(int(part * len(self.seconds)), len(self.seconds) - 1)] if self.seconds else 0.0


async def ask(ports: Sequence[int], count: int, *, delay: float, clients: int) -> Round:
    """Ask for all lines.

    Args:
        ports: Where the replicas are. Each is the first to be asked for every so many-th line.
        count: How many lines there are.
        delay: After how many seconds of silence the next replica is asked.
        clients: How many lines are wanted at the same time.

    Raises:
        OSError: No replica has answered.
    """
    result, loop = Round(), asyncio.get_running_loop()

    async def send(port: int, number: int) -> bytes:
        result.sent += 1
        return await request(port, number)

    async def one(number: int) -> None:
        first, began = number % len(ports), loop.time()
        calls = [partial(send, port, number) for port in (*ports[first:], *ports[:first])]
        result.lines[number] = await hedged(calls, delay)
        result.seconds.append(loop.time() - began)

    async with ac.ErrGroup(limit=clients, name="clients") as g:
        for number in range(count):
            _ = await g.submit(one, number)
    result.seconds.sort()
    return result
