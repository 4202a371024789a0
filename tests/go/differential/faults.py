"""Operations with one mistake each: the comparison must notice every one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiochan as ac
from tests.go.differential.ours import Log, Operations, Panic
from tests.go.differential.programs import Op


class LastInFirstOut(Operations):
    """Of two values in a channel the newer comes first."""

    async def send(self, log: Log, op: Op) -> None:
        await super().send(log, op)
        ch = self.chan(op)
        if len(ch) == 2 and not ch.stats().parked_senders:
            ch.send_nowait(ch.recv_nowait())


class EndIsPanic(Operations):
    """A receive from a closed channel is an error."""

    async def recv(self, log: Log, op: Op) -> None:
        await super().recv(log, op)
        if log[-1] == "end":
            raise Panic(log.pop())


class ClosesTwice(Operations):
    """Closing a closed channel is none."""

    async def close(self, log: Log, op: Op) -> None:
        try:
            await super().close(log, op)
        except Panic:
            log.append("closed")


class FirstCase(Operations):
    """A select takes the first case that is ready."""

    async def choose(self, op: Op) -> Any:
        cases = [self.case(case) for case in op.cases]
        return ac.select_nowait(*cases, biased=True) if op.default else await ac.select(*cases, biased=True)


class LooksAtTheRingOnly(Operations):
    """A receive that does not wait passes by senders that sleep."""

    async def try_recv(self, log: Log, op: Op) -> None:
        if len(self.chan(op)) or self.chan(op).closed:
            await super().try_recv(log, op)
        else:
            log.append("default")


class NoRendezvous(Operations):
    """A channel without a buffer has one."""

    def __init__(self, capacities: Sequence[int], handed: bool = True) -> None:
        super().__init__([max(1, capacity) for capacity in capacities], handed)


class NilIsReady(Operations):
    """A select that could wait for nil for ever takes its default."""

    async def choose(self, op: Op) -> Any:
        if any(case.chan is None for case in op.cases):
            raise ac.WouldBlock(self.chans[0])
        return await super().choose(op)


class PromiseOnly(Operations):
    """A sleeping receiver is not handed its value at once: no mistake, but not as in Go."""

    def __init__(self, capacities: Sequence[int], handed: bool = True) -> None:
        super().__init__(capacities, False)


FAULTS = (
    LastInFirstOut, EndIsPanic, ClosesTwice, FirstCase, LooksAtTheRingOnly, NoRendezvous, NilIsReady, PromiseOnly,
)  # fmt: skip
