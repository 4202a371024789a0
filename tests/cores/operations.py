"""What a task can do on one core: operations that may wait, and calls that never do.

Each is a move, by its name: ``_op_recv(c)`` makes the operation of the move ``("recv", c)``, ``_now_close`` makes the
call of ``("close", ...)``. player.py says what they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

from aiochan import core
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import at_once
from tests.cores.book import Book, speaker
from tests.cores.both import Core
from tests.cores.values import Values
from tests.cores.words import words
from tests.testing.differential import Cases, Move, Spec
from tests.volume.machine_world import _limited

ROUNDS = 20  # of a select_loop to its end: a send into a dropping channel has none


class Operations:
    """Channels, a `WaitQueue`, and everything that can be done with them.

    Args:
        used: The core.
        specs: How the channels are made.
        loop: The loop they live on.
        eager: Whether tasks start eagerly there.
    """

    def __init__(self, used: Core, specs: Sequence[Spec], loop: StepLoop, *, eager: bool) -> None:
        self.core = used
        self.loop = loop
        self.book = Book(used, loop)
        self.specs = specs
        self.values = Values()
        self.chans = [self._make(spec, f"c{i}") for i, spec in enumerate(specs)]
        self.queue = used.WaitQueue("q")
        self.places: list[Any] = []  # that were entered
        self.loops: list[Any] = []
        self.eager = eager

    # -- channels and cases

    def _make(self, spec: Spec, name: str) -> Any:
        if spec.capacity is None:
            return self.core.Signal(name)
        return self.core.Chan(spec.capacity, name=name, overflow=spec.overflow)

    def _chan(self, c: int) -> Any:
        return self.chans[c % len(self.chans)]

    def _end(self, c: int, end: str) -> Any:
        """The channel, or in the second lap its view; a signal has none."""
        by_view = c // len(self.chans) % 2 and not self._is_signal(c)
        return getattr(self._chan(c), end) if by_view else self._chan(c)

    def _is_signal(self, c: int) -> bool:
        return self.specs[c % len(self.specs)].capacity is None

    def _cases(self, cases: Cases) -> list[Any]:
        made: list[Any] = []
        for kind, c in cases:
            if c is None:
                made.append(self.core.send(None, 0) if kind == "send" else getattr(self.core, kind)(None))
            elif kind != "send":
                made.append(getattr(self.core, kind)(self._end(c, "receiver")))
            elif self._is_signal(c):
                made.append(self.core.recv(self._chan(c)))
            else:
                made.append(self.core.send(self._end(c, "sender"), self.values.new()))
        return made

    # -- in a task

    async def _perform(self, *moves: Move) -> None:
        name = asyncio.current_task().get_name()  # type: ignore[union-attr]
        speaker.set(name)
        for move in moves:
            if hasattr(self, f"_now_{move[0]}"):
                self._call(name, move)
            else:
                await self._await(name, move)

    async def _await(self, name: str, move: Move) -> None:
        try:
            answer = await self._operation(move)
        except Exception as error:  # asyncio's cancellation is none
            self.book.raised(name, move, error)
        except BaseException as error:
            self.book.raised(name, move, error)
            raise
        else:
            self.book.note(name, move, "answered", words(answer))
            if isinstance(answer, core.Reservation):
                self.places.append(answer)

    def _call(self, name: str, move: Move) -> None:
        try:
            answer = getattr(self, f"_now_{move[0]}")(*move[1:])
        except Exception as error:
            self.book.raised(name, move, error)
        else:
            self.book.note(name, move, "returned", words(answer))

    # -- operations

    def _operation(self, move: Move) -> Awaitable[Any]:
        operation: Awaitable[Any] = getattr(self, f"_op_{move[0]}")(*move[1:])
        return operation

    def _op_send(self, c: int) -> Any:
        return self._op_wait(c) if self._is_signal(c) else self._end(c, "sender").send(self.values.new())

    def _op_recv(self, c: int) -> Any:
        return self._end(c, "receiver").recv()

    def _op_recv_ok(self, c: int) -> Any:
        return self._end(c, "receiver").recv_ok()

    def _op_next(self, c: int) -> Any:
        return self._end(c, "receiver").__anext__()

    def _op_wait(self, c: int) -> Any:
        return self._chan(c).wait() if self._is_signal(c) else self._op_recv(c)

    def _op_reserve(self, c: int) -> Any:
        return self._op_wait(c) if self._is_signal(c) else self._end(c, "sender").reserve().__aenter__()

    def _op_select(self, biased: bool, cases: Cases) -> Any:
        return self.core.select(*self._cases(cases), biased=biased)

    def _op_round(self, i: int) -> Any:
        return _one_of(self.loops, i).__anext__()

    def _op_park(self, tag: object, give_back: str | None) -> Any:
        return self.queue.park(tag, None if give_back is None else lambda: self._give_back(give_back))

    def _give_back(self, how: str) -> None:
        self.book.note("give back", how)
        if how == "raise":
            raise LookupError("nothing was given back")
        self.queue.wake()

    async def _op_for(self, c: int) -> str:
        async for value in self._end(c, "receiver"):
            self.book.note("of", c, words(value))
        return "the end"

    async def _op_exhaust(self, biased: bool, cases: Cases) -> str:
        rounds = 0
        async for index, value in self.core.select_loop(*self._cases(cases), biased=biased):
            self.book.note("round", index, words(value))
            rounds += 1
            if rounds == ROUNDS:
                break
        return "the end"

    async def _op_block(self, c: int, uses: bool) -> str:
        if self._is_signal(c):
            return "a signal has no places"
        async with self._end(c, "sender").reserve() as place:
            self.book.note("inside", words(place))
            await asyncio.sleep(0)
            if uses:
                place.send(self.values.new())
        return words(place)

    async def _op_pause(self) -> None:
        await asyncio.sleep(0)

    async def _op_interrupt(self) -> None:
        if self.eager:  # out of whoever made the task, before anybody has it
            raise LookupError("no interrupt before there is a task")
        raise KeyboardInterrupt("in the middle of a task")

    def _op_within(self, seconds: float, move: Move) -> Any:
        return _limited(self._operation(move), "timeout", seconds)

    def _op_wait_for(self, seconds: float, move: Move) -> Any:
        return _limited(self._operation(move), "wait_for", seconds)

    def _op_gather(self, moves: Sequence[Move]) -> Any:
        return asyncio.gather(*(self._operation(move) for move in moves), return_exceptions=True)

    def _op_script(self, moves: Sequence[Move]) -> Any:
        return self._perform(*moves)

    # -- calls that never wait

    def _now_send_nowait(self, c: int) -> Any:
        return self._now_close(c) if self._is_signal(c) else self._end(c, "sender").send_nowait(self.values.new())

    def _now_recv_nowait(self, c: int) -> Any:
        return self._end(c, "receiver").recv_nowait()

    def _now_clear(self, c: int) -> Any:
        return self._chan(c).recv_nowait() if self._is_signal(c) else self._chan(c).clear()

    def _now_select_nowait(self, biased: bool, cases: Cases) -> Any:
        return self.core.select_nowait(*self._cases(cases), biased=biased)

    def _now_close(self, c: int, with_cause: bool = False) -> Any:
        if self._is_signal(c):
            return self._chan(c).close()
        return self._end(c, "sender").close(KeyError("why") if with_cause else None)

    def _now_loop(self, biased: bool, cases: Cases) -> None:
        self.loops.append(self.core.select_loop(*self._cases(cases), biased=biased))

    def _now_use(self, i: int) -> None:
        _one_of(self.places, i).send(self.values.new())

    def _now_give_up(self, i: int) -> None:
        at_once(_one_of(self.places, i).__aexit__(None, None, None), loop=self.loop)

    def _now_wake(self, n: int) -> Any:
        return self.queue.wake(n)

    def _now_wake_all(self) -> Any:
        return self.queue.wake_all()

    def _now_budget(self, turn: int, patience: int) -> Any:
        return self.core.set_budget(turn, patience)

    def _now_drop(self, move: Move) -> None:
        with suppress(AttributeError):  # no operation can be closed but those of a core
            operation: Any = self._operation(move)
            operation.close()


def _one_of(among: list[Any], i: int) -> Any:
    if not among:
        raise LookupError("there is none yet")
    return among[i % len(among)]
