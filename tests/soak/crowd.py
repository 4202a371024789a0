"""Crowds: thousands of tasks at once, each with one thing to do on channels that all share; one in ten is cancelled.

A crowd ends when all its tasks have ended. Those that still sleep when nothing happens any more are released: by
closing, by sending and by receiving, as the case may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiochan as ac
from tests.schedules.primitives import Lock, Semaphore
from tests.soak.ledger import END, Account, Offer, Want, pick, pick_now
from tests.soak.world import KINDS, Task, World

__all__ = ["Board", "crowd", "crowds"]

A_FEW = 8  # values that may stay in a channel without limit for the next crowd
MANY_TURNS = 100_000  # of the loop: a crowd that has not ended by then never will
ROOMY = [kind for kind in KINDS if kind[0] and kind[1] == "wait"]


class Board:
    """What a crowd shares."""

    def __init__(self, world: World, channels: int = 20, kept: list[Account] | None = None) -> None:
        self.world = world
        self.fresh = [world.open_any() for _ in range(channels)] + [world.open(*world.dice.choice(ROOMY))]
        self.kept = kept or []
        self.all = self.fresh + self.kept
        self.roomy = [account for account in self.all if account.chan.capacity and not account.dropping]
        self.signals = [ac.Signal() for _ in range(3)]
        self.locks = [Lock() for _ in range(2)]
        self.semaphores = [Semaphore(3) for _ in range(2)]

    def any(self) -> Account:
        return self.world.dice.choice(self.all)

    def wants(self, most: int = 5) -> list[Want]:
        """Make wishes for a select: mostly to receive or to send."""
        dice = self.world.dice
        wants: list[Want] = []
        for _ in range(dice.randint(1, most)):
            kind = dice.random()
            if kind < 0.5:
                wants.append(self.any())
            elif kind < 0.9:
                wants.append(Offer(self.any()))
            else:
                wants.append(dice.choice(self.signals) if kind < 0.95 else None)
        return wants if any(want is not None for want in wants) else [self.any()]  # else nothing could release it

    def release(self) -> None:
        """Let everybody go on who sleeps now."""
        for account in self.fresh:
            if not account.chan.closed:
                account.chan.close(self.world.dice.choice([None, None, OSError("the cause")]))
        for signal in self.signals:
            signal.close()
        for account in self.kept:
            while account.chan.stats().parked_receivers:
                account.send_now()
            while account.chan.stats().parked_senders and account.recv_now() is not END:
                pass

    def done(self) -> None:
        """Check what can be checked when nobody is there any more."""
        self.world.shut(*self.fresh)
        for account in self.kept:
            while len(account.chan) > A_FEW:
                account.recv_now()
            self.world.guard(account.check)
        things: list[Any] = [*self.signals, *self.locks, *self.semaphores]
        for thing in things:
            self.world.guard(thing._check)
        for signal in self.signals:
            if signal.stats().parked_receivers:
                self.world.problem(f"somebody still sleeps: {signal!r}")
        for line in [lock.line for lock in self.locks] + [semaphore.line for semaphore in self.semaphores]:
            if len(line):
                self.world.problem(f"somebody still sleeps: {line!r}")
        if any(lock.locked for lock in self.locks) or any(semaphore.free != 3 for semaphore in self.semaphores):
            self.world.problem("a permit was lost")


# -- what one task does


async def send(board: Board) -> None:
    await board.any().send()


async def recv(board: Board) -> None:
    await board.any().recv()


async def recv_ok(board: Board) -> None:
    await board.any().recv_ok()


async def send_and_recv(board: Board) -> None:
    await board.any().send()
    board.world.strike()
    await board.any().recv()


async def choose(board: Board) -> None:
    await pick(board.wants(), board.world.dice.random() < 0.3)


async def choose_many(board: Board) -> None:
    await pick(board.wants(16))


async def iterate(board: Board) -> None:
    left = board.world.dice.randint(1, 3)
    async for _ in board.any():
        board.world.strike()
        if not (left := left - 1):
            break


async def choose_in_a_loop(board: Board) -> None:
    accounts = [board.any() for _ in range(board.world.dice.randint(1, 4))]
    left = board.world.dice.randint(1, 3)
    try:
        async for index, value in ac.select_loop(
            *(ac.recv(account.chan) for account in accounts), ac.recv(board.signals[0])
        ):
            if index == len(accounts):
                break
            accounts[index].got(value)
            board.world.strike()
            if not (left := left - 1):
                break
    except ac.ChannelClosed:  # with a cause
        pass


async def reserve(board: Board) -> None:
    dice, account = board.world.dice, board.world.dice.choice(board.roomy)
    what = dice.random()
    try:
        async with account.chan.reserve() as place:
            if what < 0.3:
                await asyncio.sleep(0)
            elif what < 0.4:
                await board.any().recv_ok()
            if what < 0.8:
                account.send_into(place)
    except ac.ChannelClosed:
        pass


async def wait_for_signal(board: Board) -> None:
    await board.world.dice.choice(board.signals).wait()


async def do_now(board: Board) -> None:
    for _ in range(3):
        what = board.world.dice.random()
        if what < 0.4:
            board.any().send_now()
        elif what < 0.8:
            board.any().recv_now()
        else:
            pick_now(board.wants())
        board.world.strike()
        await asyncio.sleep(0)


async def lock(board: Board) -> None:
    one = board.world.dice.choice(board.locks)
    await one.lock()
    try:
        await asyncio.sleep(0)
    finally:
        one.unlock()
        board.world.strike()


async def acquire(board: Board) -> None:
    one, n = board.world.dice.choice(board.semaphores), board.world.dice.randint(1, 3)
    await one.acquire(n)
    try:
        if n == 1:
            await asyncio.sleep(0)
    finally:
        one.release(n)
        board.world.strike()


Thing: TypeAlias = Callable[[Board], Awaitable[Any]]

THINGS: dict[Thing, int] = {
    send: 22,
    recv: 16,
    recv_ok: 4,
    send_and_recv: 4,
    choose: 18,
    choose_many: 2,
    iterate: 6,
    choose_in_a_loop: 5,
    reserve: 8,
    wait_for_signal: 5,
    do_now: 6,
    lock: 2,
    acquire: 2,
}
_things, _weights = list(THINGS), list(THINGS.values())


async def one_thing(board: Board, thing: Thing) -> None:
    await thing(board)
    board.world.strike()


# -- the crowd


class _Crowd:
    def __init__(self, board: Board, size: int, cancel: float) -> None:
        self.board = board
        self.world = board.world
        self.missing = size
        self.to_cancel = round(size * cancel)
        self.cancel = cancel
        self.tasks: dict[Task, None] = {}  # in the order in which they came
        self.later: list[Task] = []  # to be cancelled while they sleep
        self.cancelled = 0

    def come(self, size: int) -> None:
        """Let `size` tasks come at once, and decide the fate of each."""
        dice = self.world.dice
        self.missing -= size
        for thing in dice.choices(_things, _weights, k=size):
            task = self.world.spawn(one_thing(self.board, thing))
            self.tasks[task] = None
            task.add_done_callback(self.ended)
            fate = dice.random()
            if fate < self.cancel * 0.25:
                self.world.cancel(task, "before the start")
            elif fate < self.cancel * 2.2:
                self.world.doom(task)
            elif fate < self.cancel * 2.2:
                self.later.append(task)

    def ended(self, task: Task) -> None:
        del self.tasks[task]
        self.cancelled += task.cancelled()

    def stir(self, times: int = 5) -> None:
        """Wake some, and cancel those of the doomed among them in this same turn."""
        for _ in range(times):
            account = self.board.any()
            if self.world.dice.random() < 0.5:
                account.send_now()
            else:
                account.recv_now()
            self.world.strike()

    async def cancel_sleepers(self) -> None:
        self.world.dice.shuffle(self.later)
        while self.later:  # a few in each turn
            for task in self.later[-50:]:
                self.world.cancel(task, "asleep")
            del self.later[-50:]
            self.stir()
            await asyncio.sleep(0)

    def make_up(self) -> None:
        """Cancel as many of those who still sleep as are missing; half of them in the turn in which they are woken."""
        mine = [task for task in self.tasks if not self.world.is_told(task)]
        missing = self.to_cancel - self.cancelled - (len(self.tasks) - len(mine))
        self.world.dice.shuffle(mine)
        for index, task in enumerate(mine[: max(missing, 0)]):
            if index % 2:
                self.world.doom(task)
            else:
                self.world.cancel(task, "asleep")

    async def release(self) -> None:
        for _ in range(MANY_TURNS):
            self.board.release()
            self.world.strike()
            await asyncio.sleep(0)
            if not self.tasks:
                return
        self.world.problem(f"a crowd never ended: {list(self.tasks)[:3]!r}")


async def crowd(board: Board, size: int, cancel: float = 0.1, at_once: bool = True) -> None:
    """Let `size` tasks come, cancel some, and release the others until all have ended."""
    people = _Crowd(board, size, cancel)
    while people.missing:
        people.come(people.missing if at_once else min(people.missing, board.world.dice.randint(1, 500)))
        await asyncio.sleep(0)
        people.stir()
    await people.cancel_sleepers()
    people.make_up()
    await people.release()
    board.done()


async def crowds(world: World, count: int, alive: int, after: Callable[[int], None]) -> None:
    """Let `count` tasks come, in crowds of `alive`; some channels serve all of the crowds.

    The first crowd is half as large again. What is resident follows the highest peak there was, and crowds differ by
    chance: so that is over before anything is measured.

    Args:
        world: Where.
        count: How many tasks in total.
        alive: How many come at once.
        after: Called after each crowd with the number of tasks until then.
    """
    kept = [world.open(*kind) for kind in KINDS]
    came = 0
    while came < count:
        size = min(alive if came else alive * 3 // 2, count - came)
        await crowd(Board(world, kept=kept), size, at_once=came // alive % 2 == 0)
        came += size
        after(came)
    world.shut(*kept)
