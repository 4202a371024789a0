"""Run a program in aiochan, in every order there is, and collect how it can come out.

An outcome is a line: for every goroutine what came of its operations, and last whether it ended or is blocked.
theirs.go writes the same lines. Where the two speak differently, they agree on words: the end of a channel, which is
`ChannelClosed` for a receive here and a 0 there, is "end"; `ChannelClosed` for a send or a close is "panic".

There is one thing in which the two differ on purpose (docs/design/0001-permits.md). In Go a receiver that sleeps is
handed the value, and has it before it runs. Here it is promised one, and takes the oldest when it runs; until then
another may come by. So there are two ways to run a program: `handed=True` lets nobody do anything while a promise is
open, and has to come out as in Go; `handed=False` lets everybody, and can come out in a few ways more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiochan as ac
from aiochan.testing import Run, explore
from tests.go.differential.programs import Op, Program

Log = list[str]


class Panic(Exception):
    """What ends a goroutine."""


class Operations:
    """The operations of programs, on channels of aiochan. Each writes into a log what came of it."""

    def __init__(self, capacities: Sequence[int], handed: bool = True) -> None:
        self.handed = handed
        self.chans = [ac.Chan[int](capacity, name="abc"[c]) for c, capacity in enumerate(capacities)]

    async def pause(self) -> None:
        """Let others run: between any two operations, as Go can."""
        while True:
            await asyncio.sleep(0)
            if not (self.handed and any(ch.stats().promised for ch in self.chans)):
                return

    async def send(self, log: Log, op: Op) -> None:
        try:
            await self.chan(op).send(op.value)
        except ac.ChannelClosed:
            raise Panic("send on closed channel") from None
        log.append("sent")

    async def recv(self, log: Log, op: Op) -> None:
        try:
            log.append(f"got {await self.chan(op).recv()}")
        except ac.ChannelClosed:
            log.append("end")

    async def recv_ok(self, log: Log, op: Op) -> None:
        log.append(answer_words(await self.chan(op).recv_ok()))

    async def try_send(self, log: Log, op: Op) -> None:
        try:
            self.chan(op).send_nowait(op.value)
        except ac.WouldBlock:
            log.append("default")
        except ac.ChannelClosed:
            raise Panic("send on closed channel") from None
        else:
            log.append("sent")

    async def try_recv(self, log: Log, op: Op) -> None:
        try:
            log.append(f"got {self.chan(op).recv_nowait()}")
        except ac.WouldBlock:
            log.append("default")
        except ac.ChannelClosed:
            log.append("end")

    async def close(self, log: Log, op: Op) -> None:
        try:
            self.chan(op).close()
        except ac.ChannelClosed:
            raise Panic("close of closed channel") from None
        log.append("closed")

    async def range(self, log: Log, op: Op) -> None:
        async for value in self.chan(op):
            log.append(f"got {value}")
            await self.pause()
        log.append("end")

    async def select(self, log: Log, op: Op) -> None:
        try:
            index, answer = await self.choose(op)
        except ac.WouldBlock:
            log.append("default")
        except ac.ChannelClosed as error:
            if op.cases[error.index].do == "send":
                raise Panic("send on closed channel") from None
            log.append(f"case {error.index}: end")
        else:
            log.append(f"case {index}: {case_words(op.cases[index], answer)}")

    async def choose(self, op: Op) -> Any:
        cases = [self.case(case) for case in op.cases]
        return ac.select_nowait(*cases) if op.default else await ac.select(*cases)

    def case(self, case: Op) -> Any:
        ch = None if case.chan is None else self.chan(case)
        return ac.send(ch, case.value) if case.do == "send" else getattr(ac, case.do)(ch)

    def chan(self, op: Op) -> ac.Chan[int]:
        assert op.chan is not None, "an operation on nil, outside of a select"
        return self.chans[op.chan]


def answer_words(answer: tuple[int | None, bool]) -> str:
    return f"got {answer[0]}" if answer[1] else "end"


def case_words(case: Op, answer: Any) -> str:
    if case.do == "send":
        return "sent"
    return answer_words(answer) if case.do == "recv_ok" else f"got {answer}"


async def goroutine(ops: Sequence[Op], operations: Operations, log: Log) -> None:
    try:
        for op in ops:
            await operations.pause()
            await getattr(operations, op.do)(log, op)
    except Panic as panic:
        log.append(f"panic: {panic}")
    log.append("ended")


def outcome(logs: Sequence[Log]) -> str:
    """Write the logs of all goroutines into one line."""
    return " | ".join(", ".join(log if log[-1:] == ["ended"] else [*log, "blocked"]) for log in logs)


class _Collected:
    """A set that is no part of the state of a program: what earlier runs have found must not matter."""

    def __init__(self) -> None:
        self.outcomes: set[str] = set()

    def __fingerprint__(self) -> None:
        return None


def outcomes(program: Program, *, handed: bool = True, make: type[Operations] = Operations) -> set[str]:
    """Search the schedules of a program to the end, and return all its outcomes."""
    collected = _Collected()

    def scenario(run: Run) -> None:
        operations, logs = make(program.capacities, handed), [Log() for _ in program.tasks]
        run.watch(*operations.chans)
        for ops, log in zip(program.tasks, logs, strict=True):
            run.spawn(goroutine, ops, operations, log)
        run.at_end(lambda: collected.outcomes.add(outcome(logs)))

    assert explore(scenario, order="any").check().complete
    return collected.outcomes
