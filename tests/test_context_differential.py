"""Scopes beside `asyncio.timeout` (CX04, H11, H12, H15, H17, H21): random nestings come out the same with either.

A program is a nest of blocks around a body: scopes (on contexts of their own, derived from one another, or shared),
`asyncio.timeout`, anyio's cancel scopes, `asyncio.TaskGroup`. While it runs, blocks end and the task is cancelled, each
at a turn of the loop that was drawn: often several in one turn, often from within the body. It is run as it is, and
once more with an `asyncio.timeout` in the place of each scope, which expires where the context is cancelled. Whatever
can be seen must be the same: what leaves each block, `Task.cancelling` there, and a cancellation left over at the end.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import pytest

import aiochan as ac
from tests.conftest import Run

TURNS = 9  # in which something may happen; then whoever still waits gets what it waits for
OURS = "scope", "run"  # blocks that are replaced
ANYIO = "CancelScope", "move_on_after", "fail_after"
OTHERS = "timeout", *ANYIO, "TaskGroup"


@dataclass(frozen=True)
class Block:
    """One block of a nest."""

    kind: str
    before: int  # turns of the loop between its beginning and the next block
    after: int
    catches: type[BaseException] | None  # around it
    parent: int | None = None  # of a scope: the block whose context it derives its own from
    shares: int | None = None  # or the one whose context it shares
    children: tuple[str, ...] = ()  # of a TaskGroup


@dataclass(frozen=True)
class Program:
    """A nest, what is in it, and what happens to it."""

    blocks: tuple[Block, ...]
    body: tuple[tuple[Any, ...], ...]
    events: tuple[tuple[int, tuple[Any, ...]], ...]  # a turn and what happens in it
    eager_start: bool  # whether the events begin before the task or after it

    @property
    def owes_nothing(self) -> bool:
        """Whether no cancellation may be left at its end.

        Before 3.13, which lets a task take back what it has not met yet, others leave one: a TaskGroup whose body has
        ended by then, and a scope of anyio that an eager task ends in the middle of a step of the scope's own task.
        """
        if any("cancel" in step for step in (*self.body, *(event for _, event in self.events))):
            return False
        kinds = {block.kind for block in self.blocks}
        helped = any("helper" in step for step in self.body) and kinds & set(ANYIO)
        return sys.version_info >= (3, 13) or not ("TaskGroup" in kinds or helped)


# -- drawing


def draw(seed: int, depth: int) -> Program:
    dice = random.Random(f"{seed} {depth}")
    blocks = [_draw_block(dice, number) for number in range(depth)]
    blocks[dice.randrange(depth)] = Block(dice.choice(OURS), 0, 0, None)  # at least one
    blocks = [_relate(dice, blocks, number) for number in range(depth)]
    body = tuple(_draw_step(dice, depth) for _ in range(dice.randint(1, 4)))
    turn, events = dice.randint(0, 3), list[tuple[int, tuple[Any, ...]]]()
    for _ in range(dice.randint(1, 5)):
        turn = min(turn + dice.choice([0, 0, 0, 1, 1, 2]), TURNS)
        event = dice.choices([("end", dice.randrange(depth)), ("cancel",), ("answer",)], [4, 1, 2])
        events += [(turn, what) for what in event]
    return Program(tuple(blocks), body, tuple(events), dice.random() < 0.5)


def _draw_block(dice: random.Random, number: int) -> Block:
    kind = dice.choice(OURS) if dice.random() < 0.6 else dice.choice(OTHERS)
    catches = dice.choices([None, Exception, BaseException], [6, 1, 1])[0] if number else None
    children = tuple(dice.choice(["fails when told", "returns", "is slow to go"]) for _ in range(dice.randint(1, 2)))
    few = [0, 0, 0, 1]
    return Block(kind, dice.choice(few), dice.choice(few), catches, children=children if kind == "TaskGroup" else ())


def _relate(dice: random.Random, blocks: list[Block], number: int) -> Block:
    """Let a scope have to do with one further out."""
    block = blocks[number]
    scopes = [n for n in range(number) if blocks[n].kind in OURS]
    if block.kind not in OURS or not scopes or dice.random() < 0.4:
        return block
    other = dice.choice(scopes)
    parent, shares = (other, None) if dice.random() < 0.7 else (None, other)
    return Block(block.kind, block.before, block.after, block.catches, parent, shares)


def _draw_step(dice: random.Random, depth: int) -> tuple[Any, ...]:
    step: tuple[Any, ...] = dice.choices(
        [
            ("turn",),
            ("future",),
            ("channel",),
            ("end", dice.randrange(depth)),
            ("helper", dice.randrange(depth)),
            ("cancel",),
            ("raise",),
        ],
        [4, 4, 3, 2, 1, 0.5, 0.5],
    )[0]
    return ("swallow", *step) if dice.random() < 0.15 else step


# -- running


class Execution:
    """One run of a program, with the scopes as they are."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.log: list[object] = []
        self.loop = asyncio.get_running_loop()
        self.waiting: list[Callable[[], None]] = []  # answers that the body waits for
        self.over = False
        self.ends: dict[int, Callable[[], object]] = {}  # of the blocks that are open and no scopes
        self.helpers: list[asyncio.Task[None]] = []
        self.prepare()

    # what differs

    def prepare(self) -> None:
        self.contexts = dict[int, ac.Context]()
        for number, block in enumerate(self.program.blocks):
            if block.kind in OURS:
                shared = None if block.shares is None else self.contexts[block.shares]
                parent = ac.background() if block.parent is None else self.contexts[block.parent]
                self.contexts[number] = shared or parent.with_cancel()

    async def in_scope(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:
        ctx = self.contexts[number]
        if self.program.blocks[number].kind == "run":
            return await ctx.run(inner)
        async with ctx.scope():
            assert ac.current_context() is ctx
            return await inner()

    def end_scope(self, number: int) -> None:
        self.contexts[number].cancel()

    # what does not

    async def go(self) -> list[object]:
        if not self.program.eager_start:
            self.loop.call_soon(self.tick, 0)
        task = self.task = asyncio.create_task(self.main())
        if self.program.eager_start:
            self.loop.call_soon(self.tick, 0)
        await asyncio.wait([task, *self.helpers])
        return self.log

    def tick(self, turn: int) -> None:
        for when, event in self.program.events:
            if when == turn:
                self.happen(*event)
        if turn < TURNS:
            self.loop.call_soon(self.tick, turn + 1)
        elif not self.over:
            self.answer()
            for number in [number for number in self.ends if self.program.blocks[number].kind == "TaskGroup"]:
                self.ends[number]()
            self.loop.call_soon(self.tick, turn)

    def happen(self, what: str, number: int = 0) -> None:
        if self.over:
            return
        if what == "end":
            if self.program.blocks[number].kind in OURS:
                self.end_scope(number)
            elif (end := self.ends.get(number)) is not None:
                end()
        elif what == "cancel":
            self.task.cancel()
        else:
            self.answer()

    def answer(self) -> None:
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one()

    async def main(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task  # an eager task is not yet known to whoever makes it
        try:
            await self.block(0)
        except BaseException as error:
            self.note("out", error)
        for _ in range(5):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError as error:
                self.note("left over", error)
        self.over = True
        self.note("end")
        assert ac.current_context() is ac.background()

    def note(self, where: object, error: BaseException | None = None) -> None:
        self.log.append((where, _kind(error), self.task.cancelling()))

    async def block(self, number: int) -> None:
        if number == len(self.program.blocks):
            return await self.body()
        block = self.program.blocks[number]

        async def inner() -> None:
            await _turns(block.before)
            await self.block(number + 1)
            await _turns(block.after)

        try:
            if block.kind in OURS:
                await self.in_scope(number, inner)
            else:
                await getattr(self, block.kind)(number, inner)
        except BaseException as error:
            self.note(number, error)
            if block.catches is None or not isinstance(error, block.catches):
                raise
        else:
            self.note(number)
        finally:
            self.ends.pop(number, None)
        return None

    async def timeout(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.timeout(None) as limit:
            self.ends[number] = partial(_expire, limit, self.loop)
            await inner()

    async def CancelScope(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:  # noqa: N802
        with anyio.CancelScope() as scope:
            self.ends[number] = scope.cancel
            await inner()

    async def move_on_after(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:
        with anyio.move_on_after(1e6) as scope:
            self.ends[number] = partial(setattr, scope, "deadline", self.loop.time())
            await inner()

    async def fail_after(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:
        with anyio.fail_after(1e6) as scope:
            self.ends[number] = partial(setattr, scope, "deadline", self.loop.time())
            await inner()

    async def TaskGroup(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:  # noqa: N802
        told = self.loop.create_future()

        async def child(what: str) -> None:
            try:
                await told
            except asyncio.CancelledError:
                if what == "is slow to go":
                    await asyncio.sleep(0)
                raise
            if what == "fails when told":
                raise ValueError(number)

        async with asyncio.TaskGroup() as group:
            self.ends[number] = lambda: None if told.done() else told.set_result(None)
            for what in self.program.blocks[number].children:
                group.create_task(child(what))
            await inner()

    async def body(self) -> None:
        for step in self.program.body:
            try:
                await self.step(*step[1:] if step[0] == "swallow" else step)
            except asyncio.CancelledError as error:
                if step[0] != "swallow":
                    raise
                self.note("swallowed", error)

    async def step(self, what: str, number: int = 0) -> None:
        if what == "turn":
            await asyncio.sleep(0)
        elif what == "future":
            future = self.loop.create_future()
            self.waiting.append(lambda: None if future.done() else future.set_result(None))
            await future
        elif what == "channel":
            ch = ac.Chan[None](1)
            self.waiting.append(partial(ch.send_nowait, None))
            await ch.recv()
        elif what == "helper":
            self.helpers.append(asyncio.create_task(self.help(number)))
        elif what == "raise":
            raise ValueError("body")
        else:
            self.happen(what, number)

    async def help(self, number: int) -> None:
        """End a block; an eager task does that in the middle of the body's own step."""
        self.happen("end", number)


class Oracle(Execution):
    """One run of a program with an `asyncio.timeout` in the place of each scope."""

    def prepare(self) -> None:
        self.ended = set[int]()
        self.limits = dict[int, asyncio.Timeout]()  # of the blocks that are open

    async def in_scope(self, number: int, inner: Callable[[], Awaitable[None]]) -> None:
        limit = asyncio.timeout_at(self.loop.time() if number in self.ended else None)
        try:
            async with limit:
                self.limits[number] = limit
                return await inner()
        finally:
            self.limits.pop(number, None)

    def end_scope(self, number: int) -> None:
        """Let it expire, and whatever shares its context or derives from it."""
        number = self._owner(number)
        for each in range(len(self.program.blocks)):
            if self.program.blocks[each].kind in OURS and number in self._line(each) and each not in self.ended:
                self.ended.add(each)
                if each in self.limits:
                    _expire(self.limits[each], self.loop)

    def _owner(self, number: int) -> int:
        shares = self.program.blocks[number].shares
        return number if shares is None else self._owner(shares)

    def _line(self, number: int) -> set[int]:
        """Number the blocks whose contexts are that of this one, or above it."""
        number = self._owner(number)
        parent = self.program.blocks[number].parent
        return {number} | (set() if parent is None else self._line(parent))


def _expire(limit: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    try:
        limit.reschedule(loop.time())
    except RuntimeError:  # it has expired before
        return


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def _kind(error: BaseException | None) -> object:
    if isinstance(error, BaseExceptionGroup):
        return "group", *sorted(str(_kind(each)) for each in error.exceptions)
    if isinstance(error, ac.Canceled | TimeoutError):
        return "expired"
    return type(error).__name__


async def compare(program: Program) -> list[object]:
    theirs = await Oracle(program).go()
    ours = await Execution(program).go()
    assert ours == theirs, f"{program}\nours:   {ours}\ntheirs: {theirs}"
    return ours


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("number", [200, pytest.param(3_000, marks=pytest.mark.stress)])
def test_a_scope_comes_out_as_a_timeout_would(run: Run, depth: int, number: int) -> None:
    """H11, H12: and nothing is left over if nobody else has cancelled the task."""

    async def main() -> None:
        seen = set[object]()
        for seed in range(number):
            program = draw(seed, depth)
            log: list[Any] = await compare(program)
            seen.update(kind for _, kind, _ in log)
            if program.owes_nothing:
                assert log[-1] == ("end", "NoneType", 0), program
                assert not [line for line in log if line[0] == "left over"], program
        assert {"NoneType", "expired", "CancelledError", "ValueError"} <= seen, "the programs are too tame"

    run(main)
