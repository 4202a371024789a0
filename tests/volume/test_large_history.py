"""One large history on a real event loop: some dozens of tasks that do everything at random, and are cancelled.

Quick: 3000 operations on each kind of loop. Stress: AIOCHAN_OPERATIONS of them (1 000 000 unless told otherwise, and a
tenth of that in debug mode); AIOCHAN_SEED makes another history. Each case of a select is an operation; those that were
not chosen are "undone".

    pytest -m stress tests/volume/test_large_history.py
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from typing import Any

import pytest

import aiochan as ac
from aiochan import core
from tests.conftest import Run
from tests.volume.histories import QUIT, RECV, SEND
from tests.volume.recording import RecordedChan, Recorder

OPERATIONS = int(os.environ.get("AIOCHAN_OPERATIONS", "1000000"))
SEED = int(os.environ.get("AIOCHAN_SEED", "1"))
TASKS = 40
CAPACITIES = 0, 1, 16
EACH_CANCEL = 8  # one cancellation for so many operations


class Melee:
    """Tasks that send, receive and select at random, until so many operations have been begun."""

    def __init__(self, operations: int, seed: int) -> None:
        self.recorder = Recorder()
        self.chans = [self.recorder.chan(capacity, name=f"capacity {capacity}") for capacity in CAPACITIES]
        self.wanted = operations
        self.dice = random.Random(seed)
        self.tasks: list[asyncio.Task[None]] = []
        self.cancels = 0

    async def go(self) -> None:
        core.seed(self.dice.getrandbits(32))
        try:
            self.tasks = [asyncio.create_task(self.work(), name=f"t{n}") for n in range(TASKS)]
            while self.recorder.operations < self.wanted:
                self.cancel_some()
                await asyncio.sleep(0)
            for ch in self.chans:
                ch.close()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        finally:
            core.seed()
        for task in self.tasks:
            if not task.cancelled():
                task.result()

    def cancel_some(self) -> None:
        """Wake somebody, then cancel: some of those who were woken just now, and have not run yet, are hit."""
        for _ in range(TASKS):
            if self.cancels * EACH_CANCEL > self.recorder.operations:
                break
            self.now(self.dice.choice(self.chans))
            place = self.dice.randrange(TASKS)
            old = self.tasks[place]
            if old.done() and not old.cancelled():
                old.result()
            self.cancels += old.cancel()
            self.tasks[place] = asyncio.create_task(self.work(), name=old.get_name())
        # If all wait for the same, nobody does anything any more.
        self.now(self.dice.choice(self.chans))

    async def work(self) -> None:
        try:
            while True:
                await self.act(self.dice.choice(self.chans))
        except ac.ChannelClosed:
            return

    async def act(self, ch: RecordedChan) -> None:
        match self.dice.randrange(8):
            case 0 | 1:
                await ch.send(None)
            case 2 | 3:
                await ch.recv()
            case 4:
                await ch.recv_ok()
            case 5:
                self.now(ch)
            case 6:
                other = self.dice.choice(self.chans)
                await self.recorder.select(self.recorder.send(ch, None), self.recorder.recv(other))
            case _:
                await self.recorder.select(*map(self.recorder.recv, self.chans))

    def now(self, ch: RecordedChan) -> None:
        try:
            if self.dice.random() < 0.5:
                ch.send_nowait(None)
            else:
                ch.recv_nowait()
        except ac.WouldBlock:
            return

    def check(self) -> Counter[tuple[str, str]]:
        """Check the histories, and count what became of the operations."""
        self.recorder.check()
        self.recorder.settle()
        return Counter((op.kind, op.answer) for ch in self.chans for op in ch.ops)


def test_a_history(run: Run) -> None:
    melee = Melee(3000, seed=1)
    run(melee.go)
    count = melee.check()
    assert count[SEND, QUIT] + count[RECV, QUIT] > 200
    assert len(count) >= 9, count  # all kinds of answers


def test_a_history_that_is_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two receivers got is exchanged afterwards, far apart: that must be noticed."""
    melee = Melee(3000, seed=2)
    run(melee.go)
    received: list[Any] = [op for op in melee.chans[2].ops if op.kind == RECV and op.answer == "done"]
    received[50].value, received[-50].value = received[-50].value, received[50].value
    with pytest.raises(AssertionError, match=r"VOrd|VFresh"):
        melee.check()


@pytest.mark.stress
def test_a_large_history(run: Run, loop_kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    melee = Melee(OPERATIONS if loop_kind != "debug" else OPERATIONS // 10, SEED)
    run(melee.go)
    count = melee.check()
    with capsys.disabled():
        told = ", ".join(f"{number:,} {kind} {answer}" for (kind, answer), number in sorted(count.items()))
        print(f"\n{loop_kind}: {count.total():,} operations, {melee.cancels:,} cancellations: {told}", flush=True)
    assert count[SEND, QUIT] + count[RECV, QUIT] > count.total() / 20
