"""Several interpreters in one process, a module imported anew, and the end of an interpreter."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

pytestmark = pytest.mark.usefixtures("compiled")

# 3.11 and 3.12 call it the first name, 3.13 the second; all of them promise nothing.
SUBINTERPRETERS = next(filter(importlib.util.find_spec, ["_xxsubinterpreters", "_interpreters"]), None)
needs_interpreters = pytest.mark.skipif(SUBINTERPRETERS is None, reason="this Python comes without subinterpreters")

CREATE = f"""
import sys
import {SUBINTERPRETERS} as interpreters

def create(own):
    '''Make an interpreter; before 3.12 all of them share one lock.'''
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated" if own else "legacy")
    if sys.version_info >= (3, 12):
        return interpreters.create(isolated=own)
    return interpreters.create(isolated=False)

def run(it, code):
    failed = interpreters.run_string(it, code)
    assert failed is None, failed
"""

USE = """
import asyncio
import aiochan as ac
from aiochan import core

assert core.IMPLEMENTATION == "c"

async def main():
    ch, full = ac.Chan(), ac.Chan(2)
    async with asyncio.TaskGroup() as group:
        group.create_task(ch.send(1))
        group.create_task(full.send(2))
        got = [group.create_task(call) for call in (ac.select(ac.recv(ch), ac.recv(None)), full.recv())]
    assert [task.result() for task in got] == [(0, 1), 2]
    waiting = asyncio.ensure_future(ch.recv())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    ch._check()

asyncio.run(main())
held = [ch := ac.Chan(3), ch.sender, ac.Signal(), core.WaitQueue(), ac.recv(ch)]
closed = [ch.recv() for _ in range(300)]
for operation in closed:
    operation.close()
"""


@needs_interpreters
@pytest.mark.parametrize("own", [False, True], ids=["one lock", "a lock of its own"])
def test_each_interpreter_has_a_core_of_its_own(apart, own):
    apart(
        "-c",
        CREATE
        + f"""
from aiochan import core
use = {USE!r}
exec(use)
several = [create({own}) for _ in range(4)]
for it in several:
    run(it, use)
core.set_dice(lambda n: 0)
core.set_budget(1, 1)
for it in several[:2]:
    interpreters.destroy(it)
for it in several[2:]:
    run(it, use + "assert core.set_dice(None) is None and core.set_budget() == (256, 1024)")
    interpreters.destroy(it)
exec(use)
""",
    )


@needs_interpreters
@pytest.mark.skipif(sys.version_info < (3, 13), reason="before 3.13 asyncio itself crashes there")
@pytest.mark.parametrize("own", [False, True], ids=["one lock", "a lock of its own"])
def test_interpreters_at_the_same_time_in_threads(apart, own):
    apart(
        "-c",
        CREATE
        + f"""
import threading
errors = []

def work():
    try:
        for _ in range(3):
            it = create({own})
            run(it, {USE!r})
            interpreters.destroy(it)
    except BaseException as error:
        errors.append(error)

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not errors, errors
""",
    )


PLAYS = """
from aiochan import core
from tests.safety.leaks import play
from tests.safety.scenarios import SCENARIOS
assert core.IMPLEMENTATION == "c"
for name in ("receiver_recv", "sender_let_in", "select_leaves_close", "reserve", "iterate", "never_awaited_0"):
    play(SCENARIOS[name])
"""
IDLE = """
from tests.safety import leaks
"""
LEAK = """
import sys
def once():
    it = create(False)
    run(it, "import os; os.environ['AIOCHAN_PURE'] = '{pure}'" + {code!r})
    interpreters.destroy(it)
for _ in range(3):
    once()
before = sys.getallocatedblocks()
for _ in range({rounds}):
    once()
print((sys.getallocatedblocks() - before) // {rounds})
"""
KEPT_FOR_FORKS = 1000 if sys.version_info < (3, 12) else 100  # 3.11 lets go of who is told of forks too late


@needs_interpreters
@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.stress)])
def test_an_interpreter_that_ends_leaves_no_more_behind_than_without_us(apart, rounds):
    """Python itself and asyncio leave some, in each version another amount."""

    def lost(pure, code):
        return int(apart("-c", CREATE + LEAK.format(pure=pure, code=code, rounds=rounds)))

    assert lost(0, PLAYS) <= lost(1, IDLE) + KEPT_FOR_FORKS


def test_a_module_that_is_imported_anew_knows_nothing_of_the_old(monkeypatch):
    from aiochan import core

    name = "aiochan.core._speedups"
    old = sys.modules[name]
    listeners = [*core.hooks.listeners]
    monkeypatch.delitem(sys.modules, name)
    try:
        new = importlib.import_module(name)
    finally:
        core.hooks.listeners[:] = listeners
        core._speedups = old
    assert new is not old
    assert new.Chan is not old.Chan
    with pytest.raises(TypeError):
        new.recv(old.Chan())
    with pytest.raises(TypeError):
        new.SendChan(old.Chan())
    with pytest.raises(TypeError):
        new.select_nowait(old.recv(old.Chan()))
    old.set_dice(len)
    assert new.set_dice(None) is None
    assert old.set_dice(None) is len


# -- the end

PARKED = """
import asyncio, sys, warnings
import aiochan as ac
from aiochan import core
warnings.simplefilter("ignore")
loop = asyncio.new_event_loop()
ch, full, queue, signal = ac.Chan(), ac.Chan(1), core.WaitQueue(), ac.Signal()
async def park():
    full.send_nowait(object())
    tasks = [asyncio.ensure_future(call) for call in (
        ch.recv(), full.send(ch), ac.select(ac.recv(ch), ac.send(full, 1)), queue.park(), signal.wait(), into())]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks
async def into():
    async with full.reserve() as place:
        place.send(1)
"""
ENDS = {
    "asleep in globals": "tasks = loop.run_until_complete(park()); asyncio.tasks._all_tasks = None; loop.close()",
    "woken and never run": "tasks = loop.run_until_complete(park()); full.recv_nowait(); signal.close(); queue.wake()",
    "in a module that goes late": "import builtins; builtins.kept = loop.run_until_complete(park()), ch, loop, core",
    "in sys": "sys.kept = loop.run_until_complete(park()), ch, loop",
    "a value whose finaliser uses the channel": """
class Last:
    def __del__(self, ch=ch, wouldblock=(ac.WouldBlock, ac.ChannelClosed)):
        try:
            ch.send_nowait(1)
        except wouldblock:
            pass
full.send_nowait(Last())
last = Last()
held = [operation for operation in [ch.send(Last()), full.recv()]]
for each in held: each.close()
""",
    "an observer": """
class Observer:
    def parked(self, waiter): pass
    woken = left = closed = parked
core.hooks.install(Observer())
tasks = loop.run_until_complete(park())
ch.close()
""",
    "dice": "core.set_dice(lambda n: 0); tasks = loop.run_until_complete(park())",
    "an answer that somebody caught": """
try:
    full.send_nowait([]); full.recv().send(None)
except StopIteration as answer:
    kept = answer
""",
}


@pytest.mark.parametrize("name", ENDS)
def test_an_interpreter_ends_in_silence(apart, name):
    """Tasks that are destroyed while they sleep are asyncio's to complain about, through its logger."""
    silent = "import logging; logging.disable(logging.CRITICAL)\n"
    assert apart("-c", f"{silent}{PARKED}{ENDS[name]}") == ""


@pytest.mark.parametrize("place", ["kept", "sys.kept", "builtins.kept"])
def test_one_that_is_never_awaited_ends_as_a_coroutine_does(apart, place):
    """Whether there is still somebody to warn then is for the interpreter to know."""
    begin = "import builtins, sys, warnings, aiochan as ac\nasync def recv(): pass\n"
    ours = apart("-c", f"{begin}{place} = ac.Chan().recv()", "noise", noise=True)
    theirs = apart("-c", f"{begin}{place} = recv()", "noise", noise=True)
    assert ours == theirs == ""


def test_daemon_threads_are_in_the_middle_of_it(apart):
    apart(
        "-c",
        """
import asyncio, threading, time
import aiochan as ac

async def busy(started):
    ch = ac.Chan()
    async def produce():
        while True:
            await ch.send(1)
    task = asyncio.ensure_future(produce())
    while True:
        await ch.recv()
        started.set()

for _ in range(3):
    started = threading.Event()
    threading.Thread(target=lambda: asyncio.run(busy(started)), daemon=True).start()
    started.wait()
""",
    )


def test_a_child_of_a_fork_in_a_drain_goes_on_with_a_loop_of_its_own(apart):
    apart(
        "-c",
        """
import asyncio, os, warnings
import aiochan as ac
warnings.simplefilter("ignore")

async def use():
    ch = ac.Chan()
    task = asyncio.ensure_future(ch.send(1))
    assert await ch.recv() == 1
    await task

async def main():
    ch = ac.Chan()
    task = asyncio.ensure_future(ch.send(1))
    await ch.recv()
    pid = os.fork() if hasattr(os, "fork") else 0
    if pid == 0:
        asyncio._set_running_loop(None)
        asyncio.run(use())
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    await task

if hasattr(os, "fork"):
    asyncio.run(main())
""",
    )
