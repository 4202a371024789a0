"""What happens to operations besides being answered, for the search for leaks: each from its beginning to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import sys
import warnings
import weakref

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World

HISTORIES = {}


def history(function):
    HISTORIES[function.__name__] = function
    return function


def operations(ch):
    """Make one of each kind."""
    queue, signal = core.WaitQueue(), ac.Signal()
    yield ch.send(object())
    yield ch.recv()
    yield ch.recv_ok()
    yield ch.__anext__()
    yield ac.select(ac.recv(ch), ac.send(ch, object()), ac.recv(None))
    yield signal.wait()
    yield signal.recv_ok()
    yield queue.park("tag", list)
    yield ch._reserve_place()


@history
def never_awaited():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for operation in operations(ac.Chan(1)):
            del operation
    assert len(told) == 9


@history
def never_awaited_with_origin():
    sys.set_coroutine_origin_tracking_depth(3)
    try:
        never_awaited()
    finally:
        sys.set_coroutine_origin_tracking_depth(0)


@history
def closed_before_the_beginning():
    for operation in operations(ac.Chan(1)):
        operation.close()


@history
def thrown_into_before_the_beginning():
    for operation in operations(ac.Chan(1)):
        with contextlib.suppress(KeyError):
            operation.throw(KeyError("why"))
        with contextlib.suppress(RuntimeError):
            operation.send(None)


@history
def thrown_into_asleep():
    with HandLoop().running():
        full = ac.Chan(1)
        full.send_nowait(0)
        for operation in operations(full):
            with contextlib.suppress(StopIteration, ac.ChannelClosed):
                asleep_on = operation.send(None)
                asleep_on.add_done_callback(lambda _: None)
                with contextlib.suppress(KeyError):
                    operation.throw(KeyError, KeyError("why"))


@history
def garbage_asleep():
    """A whole loop with everybody on it is forgotten."""
    with HandLoop().running():
        ch = ac.Chan()
        held = [ch.recv(), ch.recv_ok(), ac.select(ac.recv(ch), ac.recv(ch))]
        for operation in held:
            operation.send(None).add_done_callback(held.append)
        held.append(held)
    del held, ch, operation
    gc.collect(0)


@history
def a_loop_is_closed_with_all_asleep():
    loop = HandLoop()
    with loop.running():
        world = World(loop)
        ch = world.chan()
        for _ in range(3):
            world.asleep(world.recv(ch))
        loop.closed = True
        ch.send_nowait(1)
        ch.close()


@history
def a_wrong_loop():
    ch = ac.Chan()
    with HandLoop().running() as loop:
        world = World(loop)
        actor = world.asleep(world.recv(ch))
    with HandLoop().running() as other:
        for call in (ch.recv, lambda: ac.select(ac.recv(ch)), ch._reserve_place):
            stranger = World(other).waiting(call(), expected=(ac.WrongLoop,))
            stranger.step()
            assert stranger.state == "failed"
    actor.close()


@history
def bad_calls():
    ch = ac.Chan()
    for call in (
        lambda: ac.recv(3),
        lambda: ac.send(3, 4),
        lambda: ac.Chan(-1),
        lambda: ac.Chan("x"),
        lambda: ac.Chan(0, overflow="drop_oldest"),
        lambda: ac.Chan(1, overflow=3),
        lambda: ac.Chan(1, name=3),
        lambda: ch.__init__(3),
        ch.send,
        lambda: ch.send_nowait(1, 2),
        lambda: ch.close(3),
        lambda: ac.select_nowait(3),
        lambda: ac.select_nowait(ac.recv(ch), wrong=1),
        lambda: core.select_loop(3),
        lambda: core.set_budget(-1),
        lambda: core.seed([]),
        lambda: core.WaitQueue().wake(-1),
        ch.reserve,
        lambda: ch.__reduce_ex__(4),
        lambda: ac.SendChan(3),
    ):
        with contextlib.suppress(TypeError, ValueError, ac.MisuseError):
            call()
            raise AssertionError(f"not refused: {call}")


class Named(ac.Chan):
    """A subclass with a dictionary and a finaliser."""

    def __del__(self):
        self.gone = True


@history
def subclasses_and_views():
    ch = Named(3, name="it")
    ch.extra = ch
    told = weakref.ref(ch, lambda _: None)
    views = [ch.sender, ch.receiver, ch.sender, core.never()]
    assert len({*views}) == 3
    assert views[0] == views[2] != ch
    ch.send_nowait(views)
    del views, ch
    gc.collect(0)
    del told


class _Observer:
    """Made once: a class for each round would fill the interpreter's method cache, whose empty places refer to None."""

    def parked(self, waiter):
        waiter.waits_for()

    woken = left = parked

    def closed(self, channel):
        raise KeyError("an observer must not raise")


@history
def observed():
    sys.unraisablehook, hook = lambda _: None, sys.unraisablehook
    old = core.hooks.install(_Observer())
    try:
        with HandLoop().running() as loop:
            world = World(loop)
            ch = world.chan()
            world.asleep(world.recv(ch)).cancel()
            world.asleep(world.recv(ch))
            world.now_send(ch).step()
            loop.run()
            ch.close()
    finally:
        core.hooks.install(old)
        sys.unraisablehook = hook


@history
def real_tasks():
    """Asyncio's own loop and tasks, cancelled in every state."""

    async def main():
        ch, full = ac.Chan(), ac.Chan(1)
        full.send_nowait(0)
        tasks = [asyncio.ensure_future(call) for call in (ch.recv(), full.send(1), ac.select(ac.recv(ch)), into(full))]
        await asyncio.sleep(0)
        full.recv_nowait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ch.recv(), 0)

    runner.run(main())


async def into(ch):
    async with ch.reserve() as place:
        place.send(1)


runner = asyncio.Runner()


@history
def imported_again():
    """The module is thrown away and imported anew; what is left of the old one goes with its last channel."""
    name = "aiochan.core._speedups"
    old = sys.modules.pop(name)
    before = len(core.hooks.listeners)
    register, os.register_at_fork = os.register_at_fork, lambda **_: None  # who is told of a fork is kept for good
    try:
        new = importlib.import_module(name)
        ch = new.Chan(1)
        for operation in (ch.send(1), ch.recv()):
            operation.close()
        assert new.Chan is not old.Chan
    finally:
        os.register_at_fork = register
        sys.modules[name] = old
        core._speedups = old
        del core.hooks.listeners[before:]
    del new, ch, operation
    gc.collect()
