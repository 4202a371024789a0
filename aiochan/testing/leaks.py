"""Leak checks: a piece of a program must leave nothing behind.

    async with no_leaks():
        ...

    with watch_leaks(loop):                 # from outside, around what runs `loop`
        ...

    @pytest_asyncio.fixture(autouse=True)   # or any other fixture that runs on the test's loop
    async def leaves_nothing_behind() -> AsyncIterator[None]:
        async with no_leaks():
            yield

What was there at the beginning may be there at the end. Beyond that there must be no task, nobody
asleep in a channel or in anything else that is built on `aiochan.core`, no timer on the loop, no
call of the loop's exception handler ("exception was never retrieved", "Task was destroyed but it is
pending!") and no coroutine that nobody awaited. The error lists each, with where it was made if
that is known.

After Go's `goleak`: what is about to end gets a few turns of the loop for it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import PurePath
from typing import Any, NamedTuple, TypeAlias

from aiochan.core import Waiter, hooks
from aiochan.testing.loop import StepLoop
from aiochan.testing.report import describe_task

__all__ = ["LeakWatch", "Leaked", "no_leaks", "watch_leaks"]

_Task: TypeAlias = "asyncio.Task[Any]"
_Context: TypeAlias = dict[str, Any]

PATIENCE = 20  # turns of the loop
ORIGIN_DEPTH = 8  # frames that a coroutine remembers of where it was made
# What CPython calls for a coroutine that nobody awaited. Warnings could be caught instead, but not
# from a fixture: pytest puts its own filters in place for each phase of a test.
UNAWAITED_HOOK = "_warn_unawaited_coroutine"


class Leaked(AssertionError):
    """Tell what was left behind.

    Attributes:
        leaks: One line for each thing.
    """

    def __init__(self, leaks: list[str]) -> None:
        super().__init__("left behind:" + "".join(f"\n  {leak}" for leak in leaks))
        self.leaks = leaks


class LeakWatch:
    """Watch one event loop from `start` to `stop`, and tell what is there that was not before.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._tasks = weakref.WeakSet(asyncio.all_tasks(loop))
        self._timers = _timers(loop)
        self._noises: list[str] = []
        self._sleepers = _Sleepers(loop)
        self._undo: list[Callable[[], object]] = []

    def start(self) -> None:
        """Begin to listen."""
        self._undo = [
            self._listen_to_loop(),
            self._listen_for_unawaited(),
            self._sleepers.install(),
            _track_origins(),
        ]

    def stop(self) -> None:
        """Cease to listen."""
        while self._undo:
            self._undo.pop()()

    def pending(self) -> list[str]:
        """List what is left now, but might still end: tasks, sleepers and timers."""
        current = asyncio.current_task(self.loop)
        tasks = asyncio.all_tasks(self.loop) - {current} - set(self._tasks)
        before = {id(timer) for timer in self._timers}  # equal ones are not the same
        return [
            *sorted(f"task {describe_task(task)}{_made_at(task)}" for task in tasks),
            *self._sleepers.describe_others({*tasks, *self._tasks, current}),
            *(f"timer {timer!r}" for timer in _timers(self.loop) if id(timer) not in before),
        ]

    def leaks(self) -> list[str]:
        """Collect garbage, then list everything that was left behind."""
        gc.collect()
        return self.pending() + self._noises

    def check(self) -> None:
        """Collect garbage, then raise if anything was left behind.

        Raises:
            Leaked: Something was.
        """
        if leaks := self.leaks():
            raise Leaked(leaks)

    # -- listening: each of these returns what puts everything back

    def _listen_to_loop(self) -> Callable[[], object]:
        loop, old = self.loop, self.loop.get_exception_handler()

        def heard(loop: asyncio.AbstractEventLoop, context: _Context) -> None:
            self._noises.append(f"the loop's exception handler was told: {_in_words(context)}")
            if old is not None:
                old(loop, context)

        def undo() -> None:
            if loop.get_exception_handler() is heard:
                loop.set_exception_handler(old)

        loop.set_exception_handler(heard)
        return undo

    def _listen_for_unawaited(self) -> Callable[[], object]:
        old = getattr(warnings, UNAWAITED_HOOK)

        def heard(coro: Any) -> None:  # as text: to keep it would bring it back to life
            self._noises.append(f"nobody awaited {coro!r}{_origin_of(coro)}")

        def undo() -> None:
            if getattr(warnings, UNAWAITED_HOOK) is heard:
                setattr(warnings, UNAWAITED_HOOK, old)

        setattr(warnings, UNAWAITED_HOOK, heard)
        return undo


class _Sleep(NamedTuple):
    """Who sleeps, and on what; by weak references, so that garbage stays garbage."""

    owner: weakref.ref[_Task] | None
    wants: list[tuple[weakref.ref[Any], str]]


class _Sleepers(hooks.Observer):
    """Keeps account of who is asleep on a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asleep: dict[int, _Sleep] = {}
        self._next: hooks.Observer = hooks.Observer()

    def install(self) -> Callable[[], object]:
        before = hooks.install(self)
        self._next = before or self._next

        def undo() -> None:
            if (now := hooks.install(before)) is not self:
                hooks.install(now)  # somebody else listens by now

        return undo

    def parked(self, waiter: Waiter) -> None:
        if waiter.get_loop() is self._loop:
            owner = None if waiter.owner is None else weakref.ref(waiter.owner)
            wants = [(weakref.ref(thing), want) for thing, want, _ in waiter.waits_for() if thing is not None]
            self._asleep[id(waiter)] = _Sleep(owner, wants)
        self._next.parked(waiter)

    def woken(self, waiter: Waiter) -> None:
        self._asleep.pop(id(waiter), None)
        self._next.woken(waiter)

    def left(self, waiter: Waiter) -> None:
        self._asleep.pop(id(waiter), None)
        self._next.left(waiter)

    def closed(self, channel: object) -> None:
        self._next.closed(channel)

    def describe_others(self, known: set[_Task | None]) -> Iterator[str]:
        """Describe those who sleep and are none of the `known` tasks."""
        for owner, wants in self._asleep.values():
            task = None if owner is None else owner()
            if task is None or task not in known:
                what = "; ".join(f"{want} on {thing()!r}" for thing, want in wants)
                yield f"asleep, without a task that could wake up: {what or 'select of nothing'}"


def _track_origins() -> Callable[[], object]:
    """Let coroutines remember where they were made, deep enough to find whose code that was."""
    before = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(max(before, ORIGIN_DEPTH))
    return lambda: sys.set_coroutine_origin_tracking_depth(before)


@contextmanager
def watch_leaks(loop: asyncio.AbstractEventLoop) -> Generator[LeakWatch, None, None]:
    """Raise at the end of the block if anything was left behind on `loop`.

    If the block raises, what was left behind is added to the notes of its error instead.

    Args:
        loop: A loop that is not closed at the end: closing it would hide the evidence.

    Raises:
        Leaked: Something was left behind.
    """
    watch = LeakWatch(loop)
    watch.start()
    try:
        yield watch
        watch.check()
    except Leaked:
        raise
    except BaseException as error:
        _add_note(error, watch.pending())
        raise
    finally:
        watch.stop()


@asynccontextmanager
async def no_leaks() -> AsyncGenerator[LeakWatch, None]:
    """Raise at the end of the block if it left anything behind on the running loop.

    What is about to end has a few turns of the loop for it. If the block raises, what is left is
    added to the notes of its error instead, at once.

    Raises:
        Leaked: Something was left behind.

    Cancellation: comes out at once, with the notes.
    """
    with watch_leaks(asyncio.get_running_loop()) as watch:
        yield watch
        gc.collect()  # generators that are garbage are closed by tasks
        for _ in range(PATIENCE):
            if not watch.pending():
                break
            await asyncio.sleep(0)


def _add_note(error: BaseException, left: list[str]) -> None:
    if left:
        error.add_note("left behind:" + "".join(f"\n  {leak}" for leak in left))


def _timers(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """List the live timers of a loop."""
    if isinstance(loop, StepLoop):
        return list(loop.timers)
    scheduled: list[Any] | None = getattr(loop, "_scheduled", None)
    if scheduled is None:
        scheduled = [timer for timer in _uvloop_timers() if timer.when() >= loop.time()]
    return [timer for timer in scheduled if not timer.cancelled()]


def _uvloop_timers() -> list[Any]:
    """List the timers that uvloop hides from everybody but the garbage collector."""
    return [
        thing
        for thing in gc.get_objects()
        if type(thing).__name__ == "TimerHandle" and not isinstance(thing, asyncio.TimerHandle)
    ]


def _made_at(task: _Task) -> str:
    traceback = getattr(task, "_source_traceback", None)  # in debug mode
    if not traceback:
        return _origin_of(task.get_coro())
    return _place([(frame.filename, frame.lineno) for frame in reversed(traceback)])


def _origin_of(coro: Any) -> str:
    origin = getattr(coro, "cr_origin", None) or ()
    return _place([(filename, line) for filename, line, _ in origin])


def _place(frames: list[tuple[str, int]]) -> str:
    """Name the innermost frame that is neither asyncio's own nor the core's."""
    for filename, line in frames:
        path = PurePath(filename)
        if path.parent.name != "asyncio" and path.parts[-3:-1] != ("aiochan", "core"):
            return f", made at {path.name}:{line}"
    return ""


def _in_words(context: _Context) -> str:
    """Say what the exception handler was told. As text: nothing that is garbage may be kept."""
    return "; ".join(f"{key}: {value!r}" for key, value in context.items())
