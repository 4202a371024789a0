"""An exception out of a woken task: the others still run, each once, and the loop goes on."""

from __future__ import annotations

import pytest

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World

pytestmark = pytest.mark.usefixtures("compiled")


class Stop(BaseException):
    """Not an Exception, and nobody's that we know."""


@pytest.fixture
def world():
    with HandLoop().running() as loop:
        yield World(loop)


def sleepers(ch, told, error, who_raises):
    """Park six, of whom one raises out of his wake-up."""

    def wakeup_of(i):
        def wakeup(_):
            told.append(i)
            if i in who_raises:
                raise error

        return wakeup

    operations = [ch.recv() for _ in range(6)]
    for i, operation in enumerate(operations):
        operation.send(None).add_done_callback(wakeup_of(i))
    return operations


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Stop, ValueError])
@pytest.mark.parametrize("who_raises", [{0}, {3}, {5}, {1, 2, 4}, set(range(6))], ids=str)
def test_the_others_are_woken_afterwards(world, error, who_raises):
    told = []
    ch = world.chan(6)
    operations = sleepers(ch, told, error, who_raises)
    for i in range(6):
        ch.send_nowait(i)
    raised = 0
    while world.loop.ready:
        try:
            world.loop.run()
        except error:
            raised += 1
    assert raised == len(who_raises)
    assert told == [*range(6)]
    for operation in operations:
        operation.close()
    ch._check()
    assert len(ch) == 6


def test_an_interrupt_out_of_a_drain_that_is_followed_by_no_other_loses_nothing(world):
    """The loop is closed meanwhile, so that nobody is left to be woken."""

    def wakeup(_):
        world.loop.closed = True
        raise KeyboardInterrupt

    ch = world.chan(2)
    for operation in (ch.recv(), ch.recv()):
        operation.send(None).add_done_callback(wakeup)
        ch.send_nowait(1)
    with pytest.raises(KeyboardInterrupt):
        world.loop.run()
    assert not world.loop.ready
    ch._check()


def test_a_drain_that_is_called_in_a_drain(world):
    """A task gets hold of the callback itself, and runs everybody who is ready."""
    told = []
    ch = world.chan(6)
    operations = sleepers(ch, told, None, ())
    nested = ch.recv()

    def run_all(_):
        told.append("nested")
        drain()

    nested.send(None).add_done_callback(run_all)
    for i in range(6):
        ch.send_nowait(i)
    drain = world.loop.ready[0][0]
    drain()
    ch.send_nowait("last")
    world.loop.run()
    assert told == [*range(6), "nested"]
    for operation in (*operations, nested):
        operation.close()


def test_a_callback_that_forgets_the_loop_and_everything_on_it():
    def begin():
        with HandLoop().running() as loop:
            ch = ac.Chan(1)
            operation = ch.recv()
            operation.send(None).add_done_callback(lambda _: loop.__dict__.clear())
            ch.send_nowait(1)
            return loop.ready[0][0]

    begin()()


def test_a_budget_that_is_used_up_leaves_the_rest_to_the_next_turn(world):
    told = []
    ch = world.chan(6)
    operations = sleepers(ch, told, None, ())
    old = core.set_budget(2, 0)
    for i in range(6):
        ch.send_nowait(i)
    turns = 0
    while world.loop.ready:
        callback, args = world.loop.ready.pop(0)
        callback(*args)
        turns += 1
        assert len(told) == min(6, 2 * turns)
    core.set_budget(*old)
    for operation in operations:
        operation.close()
