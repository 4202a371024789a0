"""The work: count the lines of files while they grow, and remember the counts from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from anyio import to_thread

import aiochan as ac

BLOCK = 1 << 20


class Tally:
    """How many lines each file has, and how far it was read.

    Args:
        files: What is counted. A file that is not there (yet) has no lines.
        memory: Where the counts are kept between two runs; None to forget them.
        every: Seconds between two looks.
    """

    def __init__(self, files: Sequence[Path], memory: Path | None, every: float) -> None:
        self.files = files
        self.every = every
        self.lines = {str(file): 0 for file in files}
        self.read = dict.fromkeys(self.lines, 0)
        self._memory = memory
        if memory is not None and memory.exists():
            kept = json.loads(memory.read_text("utf-8"))
            self.lines.update({name: kept[name]["lines"] for name in self.lines if name in kept})
            self.read.update({name: kept[name]["read"] for name in self.lines if name in kept})

    async def watch(self, closing: ac.Signal | None = None) -> None:
        """Look again and again, until `closing` is closed: then finish the round that has begun."""
        ticker = ac.Ticker(self.every)
        try:
            while True:
                await self.look()
                match await ac.select(ac.recv(closing), ac.recv(ticker.ch), biased=True):
                    case 0, _:
                        return
                    case 1, _:
                        pass
        finally:
            ticker.stop()

    async def look(self) -> None:
        """Count what was added to each file."""
        for file in self.files:
            await to_thread.run_sync(self._look_at, file)

    def _look_at(self, file: Path) -> None:
        name = str(file)
        try:
            with file.open("rb") as stream:
                stream.seek(self.read[name])
                while block := stream.read(BLOCK):
                    self.lines[name] += block.count(b"\n")
                    self.read[name] += len(block)
        except FileNotFoundError:
            pass

    async def save(self) -> None:
        """Write the counts down, all of them or none."""
        if self._memory is not None:
            await to_thread.run_sync(self._write, self._memory)

    def _write(self, memory: Path) -> None:
        counts = {name: {"lines": self.lines[name], "read": self.read[name]} for name in self.lines}
        beside = memory.with_name(memory.name + ".new")
        beside.write_text(json.dumps(counts, indent=1), "utf-8")
        beside.replace(memory)

    def report(self) -> str:
        """One line for each file, as `wc -l` would print it."""
        return "".join(f"{count:>8} {name}\n" for name, count in self.lines.items())
