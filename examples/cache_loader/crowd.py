"""The crowd: clients that all want everything, each in another order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from examples.cache_loader.words import Count

Answers = dict[str, Count | OSError]
Get = Callable[[str], Awaitable[Count]]

AT_ONCE: Final = 10  # requests that a client has under way


async def ask(get: Get, paths: Sequence[str], clients: int) -> Answers:
    """Let every client ask for every path, and return what they were told."""
    answers: Answers = {}

    async def one(path: str) -> None:
        try:
            answers[path] = await get(path)
        except OSError as error:
            answers[path] = error

    async def client(number: int) -> None:
        wanted = list(paths)
        random.Random(number).shuffle(wanted)
        for start in range(0, len(wanted), AT_ONCE):
            async with asyncio.TaskGroup() as requests:
                for path in wanted[start : start + AT_ONCE]:
                    requests.create_task(one(path))

    async with asyncio.TaskGroup() as crowd:
        for number in range(clients):
            crowd.create_task(client(number))
    return answers
