"""Virtual time: programs that wait for hours are over in milliseconds, the same way every time.

    async def main() -> None:
        ch = ac.Chan[int]()
        asyncio.create_task(beat(ch, every=3600.0))
        await settle()                  # everybody runs until all wait
        assert ch.stats().parked_senders == 0
        await advance(3600.0)           # exactly that long, timers in order
        assert await ch.recv() == 1

    run(main)                           # or run(main, seed=7): tasks run in a shuffled order

Time stands still while anybody can run. When nobody can, it jumps to the next timer; when there is
none either, the program is deadlocked, and that is reported instead of waited out.

After trio's `MockClock(autojump_threshold=0)` and `wait_all_tasks_blocked`, and Go's
`testing/synctest`.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import ExitStack
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from aiochan import core
from aiochan.testing.innards import abandon, handle_parts
from aiochan.testing.loop import StepLoop
from aiochan.testing.report import describe_tasks

__all__ = ["BusyWaiting", "Deadlock", "LeftBehind", "VirtualLoop", "advance", "run", "settle"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Deadlock(AssertionError):
    """Tell that nobody can ever run again; the message lists who waits for what."""


class BusyWaiting(AssertionError):
    """Tell that somebody was always ready to run for so long that time would never go on."""


class LeftBehind(AssertionError):
    """Tell that the main function ended and left tasks or unheard errors behind."""


class VirtualLoop(StepLoop):
    """An event loop on virtual time, starting at 0.

    It runs as any other: `asyncio.Runner(loop_factory=VirtualLoop)`. It has no threads, no sockets
    and no signals.

    Args:
        seed: Shuffles the order in which tasks that are ready get to run. Plain callbacks keep
            their order, which asyncio promises. None: first come, first served.

    Attributes:
        busy_limit: How many callbacks may run without time going on.
    """

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__()
        self.busy_limit = 1_000_000
        self._shuffle = None if seed is None else random.Random(seed)
        self._settlers: deque[asyncio.Future[None]] = deque()
        self._stopping = False
        self._steps_in_a_row = 0

    # -- running

    def run_forever(self) -> None:
        """Run until `stop` is called.

        Raises:
            Deadlock: Nobody can ever run again.
        """
        self._check_open()
        self._run_while(lambda: True)

    def run_until_complete(self, future: Generator[Any, None, _T] | Awaitable[_T]) -> _T:
        """Run until `future` is done, and return its result.

        Raises:
            Deadlock: It never will be.
        """
        self._check_open()
        awaitable: Any = future  # generators, which the signature has to allow, it refuses itself
        main: asyncio.Future[_T] = asyncio.ensure_future(awaitable, loop=self)
        try:
            self._run_while(lambda: not main.done())
        except BaseException:
            if main.done() and not main.cancelled():
                main.exception()  # what comes out here may be it
            raise
        if not main.done():
            raise RuntimeError("the event loop was stopped before its future was done")
        return main.result()

    def stop(self) -> None:
        """Make `run_forever` return after the callback that is running."""
        self._stopping = True

    async def settle(self) -> None:
        """Wait until nobody else can run without time going on.

        If several tasks wait for this, they go on one at a time.

        Cancellation: changes nothing.
        """
        settled = self.create_future()
        self._settlers.append(settled)
        await settled

    def run_in_executor(self, executor: Any, func: Callable[[*_Ts], Any], *args: *_Ts) -> NoReturn:
        """Refuse: a thread knows nothing of virtual time.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            f"no threads on virtual time: {func!r} would run in real time, while this loop jumps to"
            " its next timer. Hand the test a coroutine function instead, or use a real event loop"
        )

    # -- inside

    def _run_while(self, going_on: Callable[[], bool]) -> None:
        with self.running():
            while going_on() and not self._stopping:
                self._turn()
        self._stopping = False

    def _turn(self) -> None:
        """Run one callback; if none is ready, first let happen what would happen next."""
        due = self.next_time()
        if due is not None and due <= self.time():
            self.advance_to(self.time())
        elif not self.ready:
            self._pass_time(due)
        if self.ready:
            self._steps_in_a_row += 1
            if self._steps_in_a_row > self.busy_limit:
                raise BusyWaiting(
                    f"{self.busy_limit} callbacks without time going on, which stands at"
                    f" {self.time():g} s; not done yet:{describe_tasks(asyncio.all_tasks(self))}"
                )
            self.step(self._next_index())

    def _pass_time(self, due: float | None) -> None:
        """Nobody is ready: whoever waits for that goes on, else time does."""
        while self._settlers:
            settler = self._settlers.popleft()
            if not settler.done():
                settler.set_result(None)
                return
        self._steps_in_a_row = 0
        if due is None:
            tasks = describe_tasks(asyncio.all_tasks(self))
            raise Deadlock(f"nobody can run, and there is no timer to wait for:{tasks}")
        self.advance_to(due)

    def _next_index(self) -> int:
        if self._shuffle is None or len(self.ready) == 1:
            return 0
        choices: list[int] = []
        plain = 0
        for index, handle in enumerate(self.ready):
            callback = handle_parts(handle)[0]
            is_task = isinstance(getattr(callback, "__self__", None), asyncio.Task)
            plain += not is_task
            if is_task or plain == 1:
                choices.append(index)
        return self._shuffle.choice(choices)


async def settle() -> None:
    """Let everybody run who can, until all other tasks wait, without time going on.

    Raises:
        RuntimeError: The running loop is no `VirtualLoop`.

    Cancellation: changes nothing.
    """
    await _virtual_loop().settle()


async def advance(seconds: float) -> None:
    """Let exactly `seconds` of virtual time pass.

    Timers fire in order, and everybody runs who can before the next one fires.

    Raises:
        ValueError: `seconds` is negative or not finite.
        RuntimeError: The running loop is no `VirtualLoop`.

    Cancellation: time stays where it is by then.
    """
    loop = _virtual_loop()
    if not (0 <= seconds < math.inf):
        raise ValueError(f"time goes on by a finite number of seconds >= 0, not {seconds!r}")
    target = loop.time() + seconds
    await loop.settle()
    arrived = loop.create_future()
    timer = loop.call_at(target, arrived.set_result, None)
    try:
        await arrived
    finally:
        timer.cancel()
    await loop.settle()


def run(
    main: Callable[[], Coroutine[Any, Any, _T]],
    *,
    seed: int | None = None,
    eager: bool = False,
    debug: bool = False,
) -> _T:
    """Run `main()` on virtual time, and return what it returns.

    Args:
        main: The program.
        seed: The same seed gives the same run, with tasks in a shuffled order; None: tasks run
            first come, first served. Random choices of `select` follow the seed too.
        eager: Let tasks start eagerly (`asyncio.eager_task_factory`, Python 3.12 and later).
        debug: Switch on asyncio's debug mode.

    Raises:
        Deadlock: Everybody waits, and no timer is left.
        LeftBehind: `main` returned and left tasks, or errors that nobody heard of.
        NotImplementedError: `eager` on a Python without eager tasks.
        BaseException: Whatever `main` raises; what it left behind is in the notes.
    """
    loop = VirtualLoop(seed=seed)
    with ExitStack() as stack:
        stack.callback(loop.close)
        stack.callback(core.set_dice, core.set_dice(random.Random(seed or 0).randrange))
        _configure(loop, stack, eager=eager, debug=debug)
        task = loop.create_task(main(), name="main")
        try:
            result = loop.run_until_complete(task)
        except BaseException as error:
            for note in _clean_up(loop, reported=isinstance(error, Deadlock | BusyWaiting)):
                error.add_note(note)
            if seed is not None:
                error.add_note(f"seed={seed}")
            raise
        if problems := _clean_up(loop):
            raise LeftBehind("\n".join(problems))
        return result


def _configure(loop: VirtualLoop, stack: ExitStack, *, eager: bool, debug: bool) -> None:
    if eager:
        if sys.version_info < (3, 12):
            raise NotImplementedError("tasks start eagerly from Python 3.12 on")
        loop.set_task_factory(asyncio.eager_task_factory)
    if debug:
        loop.set_debug(True)
        depth = sys.get_coroutine_origin_tracking_depth()
        stack.callback(sys.set_coroutine_origin_tracking_depth, depth)
        sys.set_coroutine_origin_tracking_depth(10)


def _clean_up(loop: VirtualLoop, *, reported: bool = False) -> list[str]:
    """End what is left, and tell what there was, unless an error has `reported` it already."""
    problems: list[str] = []
    left = asyncio.all_tasks(loop)
    if left and not reported:
        problems.append(f"left behind:{describe_tasks(left)}")
    for task in left:
        task.cancel()
    try:
        loop.run_until_complete(_end(loop, left))
    except (Deadlock, BusyWaiting) as error:
        problems.append(f"did not end when cancelled: {error}")
    for task in asyncio.all_tasks(loop):
        abandon(task)
    failures = {task.get_name(): _failure_of(task) for task in left}
    problems.extend(f"{name} failed when cancelled: {e!r}" for name, e in failures.items() if e)
    if loop.get_exception_handler() is None:
        problems.extend(f"the exception handler was told: {context}" for context in loop.errors)
    return problems


def _failure_of(task: asyncio.Task[Any]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


async def _end(loop: VirtualLoop, tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(tasks)
    await loop.shutdown_asyncgens()


def _virtual_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError(f"only a VirtualLoop has time to move, and {loop!r} is running")
    return loop
