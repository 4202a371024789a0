"""Programs whose tasks receive again and again, or wait for a signal: ``async for``, `select_loop`, `Signal`.

To a `World` this adds the operations ``("for", "a")`` and ``("loop", cases)``, which go on until their channels have
ended, ``("wait",)`` and ``("announce",)`` of a signal, and the case ``("done", "done")`` on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aiochan as ac
from tests.schedules import world
from tests.schedules.programs import END_A, RA, RB, WAIT, T, closer, receivers, sel, senders
from tests.schedules.world import GivenUp, Op, Program, Task, need

DONE: Op = ("done", "done")


class World(world.World):
    """One execution of such a program."""

    def __init__(self, program: Program, run: Any) -> None:
        self.done = ac.Signal("done")
        self.loops: dict[str, Any] = {}
        run.watch(self.done)
        super().__init__(program, run)

    async def op_wait(self, task: str) -> None:
        await self.done.wait()
        need(self.done.closed, "an open signal let somebody pass")

    async def op_announce(self, task: str) -> None:
        self.done.close()

    async def op_for(self, task: str, name: str) -> None:
        try:
            async for value in self.chans[name]:
                self.got(task, name, value)
                self.op_began[task] = self.tick()  # the next round begins here
        except GivenUp:
            self.quits[name] += 1
            raise
        self.told_end(name)

    async def op_loop(self, task: str, wanted: list[Op]) -> None:
        """Go on until every case has ended; of a `recv` case the loop does not tell, so it is asked afterwards.

        (Then it begins a round that this ledger does not see: nobody else may receive where it lines up next.)
        """
        self.loops[task] = loop = ac.select_loop(*self.cases(wanted))
        try:
            async for index, answer in loop:
                self.chosen(task, wanted, index, answer)
                self.op_began[task] = self.tick()
        except GivenUp:
            self.select_cancelled(wanted)
            raise
        for kind, name in wanted:
            if kind == "recv":
                self.told_end(name)

    # -- what the cases on a signal change

    def wanted(self, task: str, index: int | None) -> str:
        loop = self.loops.get(task)
        return super().wanted(task, index if loop is None or index is None else loop._numbers[index])

    def cases(self, wanted: list[Op]) -> list[Any]:
        made = super().cases([case for case in wanted if case != DONE])
        for index, case in enumerate(wanted):
            if case == DONE:
                made.insert(index, ac.recv(self.done))
        return made

    def chosen(self, task: str, wanted: list[Op], index: int | None, answer: Any, *, closed: bool = False) -> None:
        if index is None or wanted[index] != DONE:
            super().chosen(task, wanted, index, answer, closed=closed)
            return
        need(answer is None and not closed and self.done.closed, "a signal answers None once closed, not", answer)
        for value in self.values(wanted):
            self.finish(value, "other")


class Rounds(Program):
    """A program for this world."""

    def __call__(self, run: Any) -> None:
        World(self, run)


def rounds() -> Iterator[Program]:
    for cap in (0, 1):
        for title, tasks in _rounds():
            yield Rounds(f"{title}, cap {cap}", {"a": (cap, WAIT), "b": (0, WAIT)}, tasks)


def _rounds() -> Iterator[tuple[str, list[Task]]]:
    one = [(1, True)]
    announcer = T("announce", ("announce",), cancel=False)
    consumer, looper = T("f", ("for", "a")), T("l", ("loop", [RA, END_A]))
    both = T("l", ("loop", [("recv_ok", "b"), RA]))
    yield "async for, two senders", [consumer, *senders([(1, True), (1, False)]), closer()]
    yield "async for beside a receiver", [consumer, *receivers(one), *senders([(2, True)]), closer()]
    yield "two of async for", [consumer, T("g", ("for", "a")), *senders([(2, True)]), closer()]
    yield "select_loop over one channel twice", [looper, *receivers(one), *senders([(2, False)]), closer()]
    send_and_close = T("s", ("send", "b", "v"), ("close", "b"), cancel=False)
    yield "select_loop over two channels", [both, *senders(one), send_and_close, closer()]
    yield "select_loop beside async for", [looper, consumer, *senders(one), closer()]
    yield "three wait for a signal", [*(T(name, ("wait",)) for name in "vwx"), announcer]
    yield "select with a signal", [T("p", sel(DONE, RA, RB)), *senders(one), *senders(one, "b"), announcer]
    yield "select that sends, with a signal", [T("p", sel(("send", "a", "p"), DONE)), *receivers(one), announcer]
    yield "select_loop until a signal", [T("l", ("loop", [DONE, RA])), *senders([(2, True)]), announcer, closer()]
    yield "a signal that is told twice", [T("v", ("wait",), ("wait",)), announcer, T("again", ("announce",))]


PROGRAMS = [*rounds()]
