"""What the tests of this folder share: a clock held by the test, turns of the loop, tasks that are seen off."""

import asyncio
import contextlib
import heapq
import itertools
from pathlib import Path

import pytest

import aiochan as ac
from aiochan import core
from aiochan.core import WaitQueue

PATIENCE = 100  # loop turns; whatever a test waits for comes in fewer


class ManualClock:
    """The clock of the running loop, moved by the test alone.

    It works on every kind of loop, because asyncio's and uvloop's are told the time, and asked for timers, through
    attributes that can be replaced. `advance` makes timers ready in one turn of the loop and in order, so a test can
    put them between two callbacks of its own.
    """

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time()
        self._timers = []
        self._numbers = itertools.count()

    def __enter__(self):
        self.loop.time = lambda: self.now
        self.loop.call_at = self._call_at
        self.loop.call_later = lambda delay, *args, **options: self._call_at(self.now + delay, *args, **options)
        return self

    def __exit__(self, *_):
        del self.loop.time, self.loop.call_at, self.loop.call_later

    def advance(self, seconds):
        """Let time pass: what is due by then comes behind the callbacks that are ready now."""
        self.now += seconds
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            self.loop.call_soon(timer.fire)

    @property
    def pending(self):
        """How many timers have neither come nor been cancelled."""
        return sum(not timer.cancelled() for _, _, timer in self._timers)

    def _call_at(self, when, callback, *args, context=None):
        timer = _Timer(when, callback, args, self.loop, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer


class _Timer(asyncio.Handle):
    def __init__(self, when, callback, args, loop, context):
        super().__init__(callback, args, loop, context)
        self._when = when

    def when(self):
        return self._when

    def fire(self):
        if not self.cancelled():
            self._run()


@contextlib.contextmanager
def fresh_loop(kind, silence):
    """Make a loop of this kind that nobody runs yet, for tests that run it in pieces; `silence` hears its errors."""
    if kind == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    loop.set_exception_handler(silence.heard_by_loop)
    loop.set_debug(kind == "debug")
    loop.slow_callback_duration = float("inf")
    if kind == "eager":
        loop.set_task_factory(asyncio.eager_task_factory)
    try:
        yield loop
    finally:
        if not loop.is_closed():
            loop.close()


def go_round(loop, times=1):
    """Let a loop that is not running go round."""
    for _ in range(times):
        loop.call_soon(loop.stop)
        loop.run_forever()


async def turn(times=1):
    """Let the loop go round: whoever is ready now runs before this goes on."""
    for _ in range(times):
        await asyncio.sleep(0)


async def until(happened):
    """Let the loop go round until `happened()`."""
    for _ in range(PATIENCE):
        if happened():
            return
        await turn()
    raise AssertionError(f"did not happen within {PATIENCE} turns of the loop")


def parked(*things):
    """Count who sleeps on these channels and wait queues."""
    return sum(_parked(thing) for thing in things)


def _parked(thing):
    if isinstance(thing, WaitQueue):
        return len(thing)
    return thing.stats().parked_receivers + thing.stats().parked_senders


async def start(*coroutines, on):
    """Start a task for each coroutine, each after the one before sleeps on the things in `on`; return the list."""
    tasks = []
    for coroutine in coroutines:
        asleep = parked(*on)
        tasks.append(asyncio.create_task(coroutine))
        await until(lambda: parked(*on) > asleep)  # noqa: B023 - used before the next round
    return tasks


async def see_off(*tasks):
    """Cancel these tasks, and wait for them to end."""
    for task in tasks:
        task.cancel()
    await settle(*tasks)


async def settle(*tasks):
    """Wait for these tasks to end, whatever comes of them."""
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # somebody has looked


def drain(ch):
    """Receive what nobody was promised, and return it as a list."""
    values = []
    with contextlib.suppress(ac.WouldBlock, ac.ChannelClosed):
        while True:
            values.append(ch.recv_nowait())
    return values


async def collect_all(ch, into):
    """Receive into a list until the end; a cancellation leaves there what came before."""
    async for value in ch:
        into.append(value)


def assert_idle(*things):
    """Assert that nobody sleeps and nothing is promised or reserved, and that the invariants hold."""
    for thing in things:
        thing._check()
        assert parked(thing) == 0, thing
        if isinstance(thing, ac.Chan):
            stats = thing.stats()
            assert (stats.promised, stats.reserved) == (0, 0), stats
            assert stats.sent == stats.received + stats.dropped + stats.length, stats


def core_sources():
    """The text of every file of both cores, as far as it is there."""
    folder = Path(core.__file__).parent
    return {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".c", ".h")}
