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
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from aiochan import core
from aiochan.testing.innards import abandon, callbacks_of, sleeps, stepped_by, waiter_of
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper, at_once
from tests.cores.book import Book, Page, speaker
from tests.cores.both import Core
from tests.cores.values import Values
from tests.cores.words import words
from tests.testing.differential import Cases, Dice, Move, Spec
from tests.volume.machine_world import _limited

Task = asyncio.Task[Any]

ERRORS: dict[str, type[BaseException]] = {
    error.__name__: error for error in (ValueError, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
}


class Player:
    """Plays moves on one core, and keeps the book; to be used as a context manager.

    Args:
        used: The core.
        specs: How the channels are made.
        dice: Answers the random choices.
        budget: As for `set_budget`.
        together: Whether one callback of the loop wakes several tasks, as in production, or one.
        eager: Whether tasks start eagerly.
        debug: Whether the loop is in debug mode.
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
    ) -> None:
        self.core = used
        self.loop = StepLoop()
        self.loop.single_steps = not together
        self.loop.set_debug(debug)
        self.loop.set_task_factory(self._make_task)
        self.book = Book(used, self.loop)
        self.specs = specs
        self.values = Values()
        self.chans = [self._make(spec, f"c{i}") for i, spec in enumerate(specs)]
        self.queue = used.WaitQueue("q")
        self.places: list[Any] = []
        self.loops: list[Any] = []
        self.cranks: list[Stepper[Any]] = []
        self.cancelled: list[Task] = []
        self.tasks = 0
        self._dice, self._budget, self._eager = dice, budget, eager
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

    def _come_to_rest(self) -> None:
        while self.loop.ready or self.loop.timers:
            while self.loop.ready:
                self._step()
            if self.loop.timers:
                self.loop.advance_to(self.loop.timers[0].when())

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

    def _make(self, spec: Spec, name: str) -> Any:
        if spec.capacity is None:
            return self.core.Signal(name)
        return self.core.Chan(spec.capacity, name=name, overflow=spec.overflow)

    def _make_task(self, loop: StepLoop, coro: Any, **options: Any) -> Task:
        """Name tasks by their number in this history, whoever makes them."""
        self.tasks += 1
        options["name"] = f"t{self.tasks}"
        if self._eager and sys.version_info >= (3, 12):
            options["eager_start"] = True
        task: Task = asyncio.Task(coro, loop=loop, **options)
        self.book.opens(task)
        return task

    def _throw_dice(self, n: int) -> int:
        thrown = self._dice(n)
        self.book.note("dice", n, thrown)
        return thrown

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

    # -- tasks

    def _begin(self, move: Move) -> None:
        """Begin an operation in a task, up to where it sleeps."""
        task = self.loop.create_task(self._perform(move))
        first = [at for at, handle in enumerate(self.loop.ready) if stepped_by(handle) is task]
        if first:  # else it started eagerly
            self._run(first[0])

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

    def _run(self, at: int) -> None:
        try:
            self.loop.step(at)
        except (KeyboardInterrupt, SystemExit) as error:
            self.book.raised("the loop", "step", error)

    def _step(self, at: int = 0) -> None:
        self._run(at)
        self._page("step")

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
            if rounds == 20:  # a send into a dropping channel never ends
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
        if self._eager:  # out of whoever made the task, before anybody has it
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

    # -- what is done to tasks, to operations and to the loop

    def _do_direct(self, move: Move) -> None:
        with suppress(Exception):
            operation: Any = self._operation(move)
            self.loop.create_task(operation)

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
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coro: Any = task.get_coro()
            try:
                coro.close()
            except BaseException as error:
                self.book.raised("kill", task.get_name(), error)
            self.book.forgets(task)

    def _sleeps_alone(self, task: Task) -> bool:
        """Whether it sleeps in an operation, and nobody waits for it."""
        return sleeps(task) and isinstance(waiter_of(task), self.core.Waiter) and not callbacks_of(task)


def _one_of(among: list[Any], i: int) -> Any:
    if not among:
        raise LookupError("there is none yet")
    return among[i % len(among)]


def _pick(among: list[Any], i: int) -> Any:
    return among[i % len(among)] if among else None
