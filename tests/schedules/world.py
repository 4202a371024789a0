"""A small channel program, and everything that must hold while it runs.

A program is a list of tasks, and a task a list of operations: ``("send", "a", "x")``, ``("recv", "a")``,
``("select", [...])``. `World` runs them under the explorer and keeps a ledger: what became of each value, when each
operation began, who was told the end. From the ledger it checks, after every step:

order        values leave in the order in which their sends began, and receivers are served first come, first served;
ends         nobody hears the end before an earlier value, and nobody receives after it;
bounds       a channel holds more than its capacity only by what cancelled receivers left behind;

and when nothing can happen any more:

conservation every value that was sent is received or inside, none is there twice, none that was not sent is anywhere;
wake-ups     whoever still sleeps has a reason (that is in the channels' own `_check`);
residue      no permit, no place and nobody dead in a line is left behind.

Order is asserted at every step, while it can still be seen in the lines; so the clock need not be part of the state
that the search compares, and states that differ only in the past are one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import aiochan as ac
from aiochan.testing.innards import waiter_of

Op = tuple[Any, ...]

GivenUp = asyncio.CancelledError, KeyboardInterrupt  # how an operation may end before it is answered


class Task(NamedTuple):
    """One task of a program."""

    name: str
    cancel: bool
    ops: list[Op]


class Program(NamedTuple):
    """Channels, by name: (capacity, overflow); and tasks."""

    title: str
    chans: dict[str, tuple[float, str]]
    tasks: list[Task]

    def __call__(self, run: Any) -> None:
        World(self, run)


def need(holds: object, *why: object) -> None:
    """Assert, in words."""
    if not holds:
        raise AssertionError(" ".join(map(str, why)))


class World:
    """One execution of a program."""

    def __init__(self, program: Program, run: Any) -> None:
        self.run = run
        self.chans = {name: ac.Chan[str](cap, name=name, overflow=how) for name, (cap, how) in program.chans.items()}
        self.drops = {name: how != "wait" for name, (_, how) in program.chans.items()}
        self.clock = 0
        self.began: dict[str, float] = {}  # of each value, when its send began
        self.home: dict[str, str] = {}  # and into which channel it goes
        self.late: set[str] = set()  # those whose send began after the close
        self.fate: dict[str, str] = {}  # parked, ok, cancelled, closed, other (a losing case), would block
        self.received: set[str] = set()
        self.now: dict[str, Op] = {}  # of each task, which operation it is at
        self.op_began: dict[str, int] = {}  # and when that began
        self.last: dict[str, float] = dict.fromkeys(self.chans, 0)  # when the send of the newest received value began
        self.ended: dict[str, bool] = dict.fromkeys(self.chans, False)  # whether somebody heard the end
        self.quits: dict[str, int] = dict.fromkeys(self.chans, 0)  # receives that were cancelled
        run.watch(*self.chans.values())
        run.always(self.check)
        run.at_end(self.check_end)
        for task in program.tasks:
            run.spawn(self.perform, task.name, task.ops, name=task.name, cancel=task.cancel)

    def __fingerprint__(self) -> object:
        return sorted(self.fate.items()), sorted(self.received), self.ended, self.quits

    # -- the ledger

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def begin(self, value: str, name: str) -> None:
        self.began[value], self.home[value], self.fate[value] = self.tick(), name, "parked"
        if self.chans[name].closed:
            self.late.add(value)

    def finish(self, value: str, fate: str) -> None:
        self.fate[value] = fate
        ch = self.chans[self.home[value]]
        need(fate != "ok" or value not in self.late, value, "was sent to a closed channel")
        if fate in ("closed", "other", "would block"):
            need(not self.inside(value) and value not in self.received, value, "was not sent, but is there:", fate)
        if fate == "closed":
            need(ch.closed, value, "refused by an open channel")
        if fate == "cancelled" and self.inside(value):
            need(len(ch) == 0, value, "could have been taken back")

    def got(self, task: str, name: str, value: str) -> None:
        need(self.fate.get(value) in ("parked", "ok", "cancelled"), value, "received, but was", self.fate.get(value))
        need(value not in self.received, value, "received twice")
        need(self.home[value] == name, value, "came out of another channel")
        need(self.began[value] > self.last[name], value, "was overtaken in", name)
        need(not self.ended[name], value, "received after the end was told")
        self.received.add(value)
        self.last[name] = self.began[value]
        for sleeper in self.sleepers(name, "recvq"):
            need(self.op_began[sleeper] > self.op_began[task], task, "overtook", sleeper)

    def told_end(self, name: str) -> None:
        need(self.chans[name].closed and not self.held(name), "the end was told too early on", name)
        self.ended[name] = True

    # -- what is in the channels

    def held(self, name: str) -> list[str]:
        return [value for value, _ in self.chans[name]._snapshot().held]

    def promised(self, name: str) -> list[str]:
        return self.held(name)[: self.chans[name]._snapshot().granted]

    def inside(self, value: str) -> int:
        return self.held(self.home[value]).count(value)

    def sleepers(self, name: str, line: str) -> list[str]:
        return [place.owner.get_name() for place in getattr(self.chans[name]._snapshot(), line)]

    def granted(self, name: str, kinds: tuple[str, ...]) -> Iterable[str]:
        """The tasks that hold a permit of a channel and have not run yet."""
        for task_name, task in self.run.tasks.items():
            waiter: Any = None if task.done() else waiter_of(task)
            if isinstance(waiter, ac.core.Waiter):
                state, kind, index = waiter._snapshot()
                if state == "granted" and kind in kinds and self.wanted(task_name, index) == name:
                    yield task_name

    def wanted(self, task: str, index: int | None) -> str:
        op = self.now[task]
        return op[1][index][1] if index is not None else op[1]

    # -- the operations

    async def perform(self, task: str, ops: list[Op]) -> None:
        for op in ops:
            self.now[task] = op
            self.op_began[task] = self.tick()
            operation: Callable[..., Awaitable[None]] = getattr(self, f"op_{op[0]}")
            await operation(task, *op[1:])

    async def op_pause(self, task: str) -> None:
        await asyncio.sleep(0)

    async def op_close(self, task: str, name: str) -> None:
        self.chans[name].close()

    async def op_send(self, task: str, name: str, value: str) -> None:
        self.begin(value, name)
        promised = self.promised(name) if self.drops[name] else []
        try:
            await self.chans[name].send(value)
        except ac.ChannelClosed as error:
            need(error.index is None, "a plain send has no index")
            self.finish(value, "closed")
        except GivenUp:
            self.finish(value, "cancelled")
            raise
        else:
            self.finish(value, "ok")
            # A dropping channel never waits, so nobody else can have taken one meanwhile.
            need(set(promised) <= set(self.held(name)), "a promised value was dropped:", promised)

    async def op_recv(self, task: str, name: str) -> None:
        try:
            value = await self.chans[name].recv()
        except ac.ChannelClosed:
            self.told_end(name)
        except GivenUp:
            self.quits[name] += 1
            raise
        else:
            self.got(task, name, value)

    async def op_send_nowait(self, task: str, name: str, value: str) -> None:
        self.begin(value, name)
        try:
            self.chans[name].send_nowait(value)
        except ac.WouldBlock:
            need(not self.sleepers(name, "recvq"), "send_nowait passed by a sleeping receiver")
            self.finish(value, "would block")
        except ac.ChannelClosed:
            self.finish(value, "closed")
        else:
            self.finish(value, "ok")

    async def op_recv_nowait(self, task: str, name: str) -> None:
        try:
            value = self.chans[name].recv_nowait()
        except ac.WouldBlock:
            need(not len(self.chans[name]) and not self.sleepers(name, "sendq"), "recv_nowait passed by a value")
        except ac.ChannelClosed:
            self.told_end(name)
        else:
            self.got(task, name, value)

    async def op_reserve(self, task: str, name: str, value: str | None) -> None:
        """Take a place, let others run, then send `value`, or leave without if it is None."""
        try:
            async with self.chans[name].reserve() as place:
                await asyncio.sleep(0)
                if value is not None:
                    self.begin(value, name)
                    self.slip_in(value, name)
                    try:
                        place.send(value)
                    except ac.ChannelClosed:
                        self.finish(value, "closed")
                    else:
                        self.finish(value, "ok")
        except ac.ChannelClosed:
            need(self.chans[name].closed, "reserve refused by an open channel")

    def slip_in(self, value: str, name: str) -> None:
        """A value that has its place goes ahead of those who sleep for one."""
        asleep = [self.began[place.value] for place in self.chans[name]._snapshot().sendq]
        if asleep:
            before = max([self.last[name], *(self.began[other] for other in self.held(name))])
            self.began[value] = (before + asleep[0]) / 2

    def cases(self, wanted: list[Op]) -> list[Any]:
        made: list[Any] = []
        for kind, name, *value in wanted:
            ch = self.chans.get(name)
            if kind == "send":
                made.append(ac.send(ch, *value))
                if ch is not None:
                    self.begin(value[0], name)
            else:
                made.append((ac.recv if kind == "recv" else ac.recv_ok)(ch))
        return made

    async def op_select(self, task: str, wanted: list[Op], biased: bool = False) -> None:
        try:
            index, answer = await ac.select(*self.cases(wanted), biased=biased)
        except ac.ChannelClosed as error:
            self.chosen(task, wanted, error.index, None, closed=True)
        except GivenUp:
            self.select_cancelled(wanted)
            raise
        else:
            self.chosen(task, wanted, index, answer)

    async def op_select_nowait(self, task: str, wanted: list[Op]) -> None:
        try:
            index, answer = ac.select_nowait(*self.cases(wanted))
        except ac.ChannelClosed as error:
            self.chosen(task, wanted, error.index, None, closed=True)
        except ac.WouldBlock:
            for value in self.values(wanted):
                self.finish(value, "would block")
        else:
            self.chosen(task, wanted, index, answer)

    def values(self, wanted: list[Op]) -> list[str]:
        return [value[0] for kind, name, *value in wanted if kind == "send" and name in self.chans]

    def chosen(self, task: str, wanted: list[Op], index: int | None, answer: Any, *, closed: bool = False) -> None:
        need(index is not None, "a select must say which case it was")
        kind, name, *value = wanted[index or 0]
        for other in self.values(wanted):
            if [other] != value:
                self.finish(other, "other")
        if kind == "send":
            need(answer is None, "a send case answers None, not", answer)
            self.finish(value[0], "closed" if closed else "ok")
        elif closed or (kind == "recv_ok" and not answer[1]):
            need(closed or answer == (None, False), "an end is (None, False), not", answer)
            self.told_end(name)
        else:
            self.got(task, name, answer[0] if kind == "recv_ok" else answer)

    def select_cancelled(self, wanted: list[Op]) -> None:
        for name in {name for kind, name, *_ in wanted if kind != "send" and name in self.chans}:
            self.quits[name] += 1
        sent = 0
        for value in self.values(wanted):
            self.finish(value, "cancelled")
            sent += self.inside(value) + (value in self.received)
        need(sent <= 1, "one cancelled select sent", sent, "values")

    # -- what must hold after every step

    def check(self) -> None:
        for name, ch in self.chans.items():
            snapshot = ch._snapshot()
            order = [self.last[name], *(self.began[value] for value, _ in snapshot.held)]
            order += [self.began[place.value] for place in snapshot.sendq]
            need(order == sorted(set(order)), "order lost in", name, snapshot.held)
            waiting = [self.op_began[place.owner.get_name()] for place in snapshot.recvq]
            need(waiting == sorted(waiting), "receivers out of line on", name)
            if waiting:
                for task in self.granted(name, ("recv", "recv_ok")):
                    need(self.op_began[task] < waiting[0], task, "was served before somebody who had waited longer")
            if snapshot.sendq:
                first = self.op_began[snapshot.sendq[0].owner.get_name()]
                for task in self.granted(name, ("reserve",)):
                    need(self.op_began[task] < first, task, "got a place before a sender who had waited longer")
            need(len(ch) + snapshot.reserved <= ch.capacity + self.quits[name], "too many values in", name)

    # -- what must hold in the end

    def check_end(self) -> None:
        lost = dict.fromkeys(self.chans, 0)
        for value, fate in self.fate.items():
            there = self.inside(value) + (value in self.received)
            need(there <= 1, value, "is there twice")
            if fate == "ok" and not there:
                lost[self.home[value]] += 1
            if fate == "cancelled":
                need(not self.inside(value) or self.quits[self.home[value]], value, "was cancelled, yet stays")
            if fate == "parked":
                need(not there, value, "was sent, but its sender sleeps")
        asleep = {name for name, task in self.run.tasks.items() if not task.done()}
        for name, ch in self.chans.items():
            snapshot = ch._snapshot()
            # After a cancelled receive, `dropped` also counts values of senders that were cancelled.
            need(
                lost[name] == snapshot.dropped or (self.quits[name] and lost[name] < snapshot.dropped), "lost in", name
            )
            need(snapshot.granted == 0, "a permit leaked in", name)
            need(snapshot.reserved == 0, "a place leaked in", name)
            for line in ("recvq", "sendq", "slotq"):
                need(asleep.issuperset(self.sleepers(name, line)), "somebody dead stands in line on", name)
        for name in asleep:
            self.check_stands(name)

    def check_stands(self, task: str) -> None:
        """Whoever sleeps stands in every line that it believes to stand in."""
        waiter: Any = waiter_of(self.run.tasks[task])
        if isinstance(waiter, ac.core.Waiter):
            for home, kind, _ in waiter.waits_for():
                line = {"send": "sendq", "reserve": "slotq"}.get(kind, "recvq")
                owners = [place.owner.get_name() for place in getattr(home._snapshot(), line)]
                need(task in owners, task, "sleeps, and is in no line of", home)
