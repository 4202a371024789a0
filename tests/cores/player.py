"""One core, moved step by step: some channels, a `WaitQueue`, tasks, operations cranked by hand, and the loop.

A program is a list of moves, small tuples of words and numbers. Those of tests/testing/differential.py are all known
here and mean the same. Numbers that are too large wrap around; a channel number of the second lap means the channel by
its one-way view. A move that finds nothing to act on does nothing. Besides:

Operations, each begun in a task of its own:
    ("next", c) ("for", c)                          one step of ``async for``; all of it
    ("wait", c)                                     for a signal
    ("round", i) ("exhaust", biased, cases)         one round of a select_loop that was made; a select_loop to its end
    ("block", c, uses)                              ``async with ch.reserve()``, with or without a send
    ("park", tag, give_back)                        in the WaitQueue; give_back is None, "wake" or "raise"
    ("within", seconds, move) ("wait_for", seconds, move)    an operation in a timeout
    ("gather", moves) ("script", moves)             several operations at once; one after the other, with calls between
Calls that never wait:
    ("loop", biased, cases) ("wake", n) ("wake_all",) ("budget", turn, patience) ("drop", move)
and inside of a script also ("pause",) and ("interrupt",).
What is done to others:
    ("direct", move)                                a task made of the operation itself, which does not run yet
    ("crank", move) ("turn", i) ("throw", i, error) ("shut", i)    an operation without a task
    ("cancel_woken", i) ("cancel_again", i) ("step_many", k) ("advance", seconds)
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from aiochan import core
from aiochan.testing.innards import abandon, callbacks_of, sleeps, stepped_by, waiter_of
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper
from tests.cores.book import Page
from tests.cores.both import Core
from tests.cores.operations import Operations
from tests.cores.words import words
from tests.testing.differential import Dice, Move, Spec

Task = asyncio.Task[Any]

PATIENCE = 2000  # steps until everybody must have come to rest; a faulty core may go on for ever

ERRORS: dict[str, type[BaseException]] = {
    error.__name__: error for error in (ValueError, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
}


class Player(Operations):
    """Plays moves on one core, and keeps the book; to be used as a context manager.

    Args:
        used: The core.
        specs: How the channels are made.
        dice: Answers the random choices.
        budget: As for `set_budget`.
        together: Whether one callback of the loop wakes several tasks, as in production, or one.
        eager: Whether tasks start eagerly.
        debug: Whether the loop is in debug mode.
        meddles: Whether the dice do something to the channels when they are thrown.
        weighs: Whether each page says which values are still in memory.
    """

    def __init__(
        self,
        used: Core,
        specs: Sequence[Spec],
        dice: Dice,
        budget: tuple[int, int] = (0, 0),
        *,
        together: bool = False,
        eager: bool = False,
        debug: bool = False,
        meddles: bool = False,
        weighs: bool = False,
    ) -> None:
        super().__init__(used, specs, StepLoop(), eager=eager)
        self.loop.single_steps = not together
        self.loop.set_debug(debug)
        self.loop.set_task_factory(self._make_task)
        self.cranks: list[Stepper[Any]] = []
        self.cancelled: list[Task] = []
        self.tasks = 0
        self._dice, self._budget = dice, budget
        self._meddles, self._weighs = meddles, weighs
        self._stack = ExitStack()

    def __enter__(self) -> Player:
        used, enter = self.core, self._stack
        enter.enter_context(used.around())
        enter.enter_context(self.loop.running())
        enter.callback(used.set_budget, *used.set_budget(*self._budget))
        enter.callback(used.set_dice, used.set_dice(self._throw_dice))
        enter.callback(core.hooks.install, core.hooks.install(self.book))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.loop.set_task_factory(None)  # it leads to the channels, which keep what knows the loop alive
        self.loop.close()

    # -- the whole

    def play(self, moves: Sequence[Move]) -> list[Page]:
        """Make all moves, let everybody end, and return the book."""
        for move in moves:
            self.apply(move)
        self._come_to_rest()
        self._dismiss()
        return self.book.pages

    def apply(self, move: Move) -> None:
        """Make one move, whatever it is."""
        name = move[0]
        if hasattr(self, f"_op_{name}"):
            self._begin(move)
        elif hasattr(self, f"_now_{name}"):
            self._call("caller", move)
        else:
            getattr(self, f"_do_{name}")(*move[1:])
        self._page(move)

    def _page(self, step: object) -> None:
        self.book.page(step, self.chans, self.queue, self.cranks)
        if self._weighs:
            self.book.pages[-1]["alive"] = self.values.left()

    def _come_to_rest(self) -> None:
        for _ in range(PATIENCE):
            if self.loop.ready:
                self._step()
            elif self.loop.timers:
                self.loop.advance_to(self.loop.timers[0].when())
            else:
                break

    def _dismiss(self) -> None:
        for crank in self.cranks:
            self._by_hand(crank, crank.close)
        for task in self.book.live():
            task.cancel("dismissed")
        self._come_to_rest()
        self._page("dismissed")
        for task in self.book.live():  # the book has it that they do not end
            abandon(task)

    def left_over(self) -> Page:
        """Forget all channels and tasks, and tell what outlives them."""
        for held in (self.cranks, self.cancelled, self.places, self.loops, self.chans):
            held.clear()
        del self.queue
        gc.collect()
        return {"step": "forgotten", "left over": self.values.left()}

    # -- making

    def _make_task(self, loop: StepLoop, coro: Any, **options: Any) -> Task:
        """Name tasks by their number in this history, whoever makes them."""
        self.tasks += 1
        options["name"] = f"t{self.tasks}"
        if self.eager and sys.version_info >= (3, 12):
            options["eager_start"] = True
        task: Task = asyncio.Task(coro, loop=loop, **options)
        self.book.opens(task)
        return task

    def _throw_dice(self, n: int) -> int:
        thrown = self._dice(n)
        self.book.note("dice", n, thrown)
        if self._meddles:
            self._meddle()
        return thrown

    def _meddle(self) -> None:
        """Use some channel in the middle of a select, as finalisers may."""
        what, c = self._dice(16), self._dice(len(self.chans))
        calls = (
            ("recv_nowait", c),
            ("recv_nowait", c),
            ("send_nowait", c),
            ("send_nowait", c),
            ("close", c, False),
            ("clear", c),
        )
        if what < len(calls):
            self._call("the dice", calls[what])

    # -- tasks

    def _begin(self, move: Move) -> None:
        """Begin an operation in a task, up to where it sleeps."""
        task = self.loop.create_task(self._perform(move))
        first = [at for at, handle in enumerate(self.loop.ready) if stepped_by(handle) is task]
        if first:  # else it started eagerly
            self._run(first[0])

    def _run(self, at: int) -> None:
        try:
            self.loop.step(at)
        except (KeyboardInterrupt, SystemExit) as error:
            self.book.raised("the loop", "step", error)

    def _step(self, at: int = 0) -> None:
        self._run(at)
        self._page("step")

    # -- what is done to tasks, to operations and to the loop

    def _do_direct(self, move: Move) -> None:
        with suppress(Exception):
            operation: Any = self._operation(move)
            _ = self.loop.create_task(operation)

    def _do_crank(self, move: Move) -> None:
        with suppress(Exception):
            crank = Stepper[Any](self._operation(move), loop=self.loop, name=f"h{len(self.cranks)}")
            self.cranks.append(crank)
            self._by_hand(crank, crank.step)

    def _do_turn(self, i: int) -> None:
        if (crank := _pick([crank for crank in self.cranks if crank.woken], i)) is not None:
            self._by_hand(crank, crank.step)

    def _do_throw(self, i: int, error: str) -> None:
        if (crank := _pick([crank for crank in self.cranks if not crank.done], i)) is not None:
            self._by_hand(crank, lambda: crank.throw(ERRORS[error]("thrown in")))

    def _do_shut(self, i: int) -> None:
        if (crank := _pick([crank for crank in self.cranks if not crank.done], i)) is not None:
            self._by_hand(crank, crank.close)

    def _by_hand(self, crank: Stepper[Any], go_on: Callable[[], object]) -> None:
        try:
            go_on()
        except BaseException as error:
            self.book.raised(crank.get_name(), "by hand", error)
        else:
            if crank.done and go_on != crank.close:
                self.book.note(crank.get_name(), "by hand", "answered", words(crank.result))

    def _do_run(self, i: int) -> None:
        if ready := len(self.loop.ready):
            self._run(i % ready)

    def _do_step_many(self, k: int) -> None:
        for _ in range(k):
            if self.loop.ready:
                self._step()

    def _do_advance(self, seconds: float) -> None:
        self.loop.advance_to(self.loop.time() + seconds)

    def _do_cancel(self, i: int) -> None:
        self._cancel(self.book.live(), i)

    def _do_cancel_woken(self, i: int) -> None:
        self._cancel([task for task in self.book.live() if waiter_of(task) is not None and not sleeps(task)], i)

    def _do_cancel_again(self, i: int) -> None:
        self._cancel([task for task in self.cancelled if not task.done()], i)

    def _cancel(self, among: list[Task], i: int) -> None:
        if (task := _pick(among, i)) is not None:
            self.cancelled.append(task)
            self.book.note("cancel", task.get_name(), task.cancel(f"cancel {len(self.cancelled)}"))

    def _do_kill(self, i: int) -> None:
        """End a coroutine where it sleeps, as the garbage collector does, in a task that is no more."""
        if (task := _pick([task for task in self.book.live() if self._sleeps_alone(task)], i)) is not None:
            task._log_destroy_pending = False
            coro: Any = task.get_coro()
            try:
                coro.close()
            except BaseException as error:
                self.book.raised("kill", task.get_name(), error)
            self.book.forgets(task)

    def _sleeps_alone(self, task: Task) -> bool:
        """Whether it sleeps in an operation, and nobody waits for it."""
        return sleeps(task) and isinstance(waiter_of(task), self.core.Waiter) and not callbacks_of(task)


def _pick(among: list[Any], i: int) -> Any:
    return among[i % len(among)] if among else None
