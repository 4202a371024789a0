"""What goes through the queue: the lines of files, to some who count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from anyio import to_thread

import aiochan as ac

BLOCK = 1 << 16  # bytes, about


class Queue(Protocol):
    """What a bounded queue and a channel have in common."""

    async def send(self, value: bytes, /) -> None: ...
    async def recv(self) -> bytes: ...
    def close(self) -> object: ...


@dataclass(slots=True)
class Counts:
    """As of `wc`."""

    lines: int = 0
    words: int = 0
    bytes: int = 0


async def count(paths: Sequence[Path], make: Callable[[], Queue], counters: int) -> Counts:
    """Count lines, words and bytes of all files: each is read by a task of its own, and others count.

    Raises:
        OSError: A file cannot be read.
    """
    queue, counts = make(), Counts()

    async def read(path: Path) -> None:
        with path.open("rb") as file:  # not in a thread: whoever is cancelled meanwhile would not get it, to close it
            while lines := await to_thread.run_sync(file.readlines, BLOCK):
                for line in lines:
                    await queue.send(line)

    async def take() -> None:
        while True:
            try:
                line = await queue.recv()
            except ac.ChannelClosed:
                return
            counts.lines += line.endswith(b"\n")
            counts.words += len(line.split())
            counts.bytes += len(line)

    async with ac.ErrGroup(name="counters") as g:
        for _ in range(counters):
            g.go(take)
        await ac.all_of(*(partial(read, path) for path in paths))
        queue.close()
    return counts


def show(counts: Counts) -> str:
    """Write them as `wc` does."""
    return " ".join(map(str, astuple(counts)))
