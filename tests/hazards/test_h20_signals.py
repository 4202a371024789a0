"""H20, H36: a signal handler that cancels somebody, or uses the channel, in the middle of an operation.

That is what Ctrl-C does under asyncio.Runner: the handler cancels the main task, which may sleep on the very channel
that another task is just working on.
"""

import contextlib
import itertools

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from aiochan.testing.loop import StepLoop
from tests.hazards.signals import at_every_interruption
from tests.hazards.stage import assert_idle, parked

SLEEPERS = {
    "receivers": lambda ch, n: ch.recv(),
    "selects that receive": lambda ch, n: ac.select(ac.recv(ch), ac.recv(None)),
    "senders": lambda ch, n: ch.send(n),
    "selects that send": lambda ch, n: ac.select(ac.send(ch, n)),
}
OPERATIONS = {
    "send": lambda ch: ch.send_nowait("new"),
    "recv": lambda ch: ch.recv_nowait(),
    "select": lambda ch: ac.select_nowait(ac.recv(ch), ac.send(ch, "new")),
    "close": lambda ch: ch.close(),
}
CROWD = 3


def refused(operation, ch):
    with contextlib.suppress(ac.WouldBlock, ac.ChannelClosed):
        operation(ch)


def finish(loop):
    while loop.ready:
        loop.step()


def assert_in_order(loop, ch, tasks):
    """Let everything run, and see that nothing is promised or left over."""
    ch._check()
    finish(loop)
    ch._check()
    assert ch.stats().promised == 0, "a promise that nobody can keep"
    for task in tasks:
        task.cancel()
    finish(loop)
    for task in tasks:
        if not task.cancelled():
            task.exception()
    assert_idle(ch)
    assert not loop.errors


class Draining(StepLoop):
    """A loop on which woken tasks are resumed together."""

    single_steps = False


@pytest.fixture(params=[StepLoop, Draining], ids=["one by one", "together"])
def loop(request):
    with request.param().running() as loop:
        yield loop


every_sleeper = pytest.mark.parametrize(("sleeper", "capacity"), list(itertools.product(SLEEPERS, (0, 1))))


def asleep(loop, capacity, sleeper):
    ch = ac.Chan(capacity)
    if capacity and sleeper in ("senders", "selects that send"):
        ch.send_nowait("old")
    tasks = [loop.create_task(SLEEPERS[sleeper](ch, number)) for number in range(CROWD)]
    finish(loop)
    assert parked(ch) == CROWD
    return ch, tasks


@every_sleeper
def test_h20_ctrl_c_cancels_a_sleeper_in_the_middle_of_an_operation(loop, sleeper, capacity):
    runs, rounds = 0, list(itertools.product(OPERATIONS.values(), range(CROWD)))
    for operation, victim in rounds:
        for ch, tasks in at_every_interruption(
            lambda: asleep(loop, capacity, sleeper),
            lambda subject: refused(operation, subject[0]),  # noqa: B023 - called in this round
            lambda subject: subject[1][victim].cancel(),  # noqa: B023
        ):
            runs += 1
            assert_in_order(loop, ch, tasks)
    assert runs > len(rounds), "nothing was interrupted"


@pytest.mark.parametrize("sleeper", SLEEPERS)
def test_h20_ctrl_c_cancels_a_sleeper_while_another_is_cancelled(loop, sleeper):
    runs = 0
    for victim in range(CROWD):
        for ch, tasks in at_every_interruption(
            lambda: asleep(loop, 0, sleeper),
            lambda subject: subject[1][1].cancel(),
            lambda subject: subject[1][victim].cancel(),  # noqa: B023
        ):
            runs += 1
            assert_in_order(loop, ch, tasks)
    assert runs > CROWD, "nothing was interrupted"


@pytest.mark.parametrize("victim", range(CROWD))
def test_h20_ctrl_c_cancels_a_sleeper_while_others_are_woken(loop, victim):
    def prepare():
        queue = WaitQueue()
        tasks = [loop.create_task(queue.park()) for _ in range(CROWD)]
        finish(loop)
        return queue, tasks

    runs = 0
    for queue, tasks in at_every_interruption(
        prepare, lambda subject: subject[0].wake(2), lambda subject: subject[1][victim].cancel()
    ):
        runs += 1
        finish(loop)
        assert sum(not task.cancelled() and task.done() for task in tasks) == 2
        for task in tasks:
            task.cancel()
        finish(loop)
        assert_idle(queue)
    assert runs > 1, "nothing was interrupted"


@every_sleeper
def test_h36_a_signal_handler_uses_the_channel(loop, sleeper, capacity):
    runs, rounds = 0, list(itertools.product(OPERATIONS.values(), repeat=2))
    for operation, handler in rounds:
        for ch, tasks in at_every_interruption(
            lambda: asleep(loop, capacity, sleeper),
            lambda subject: refused(operation, subject[0]),  # noqa: B023
            lambda subject: refused(handler, subject[0]),  # noqa: B023
        ):
            runs += 1
            assert_in_order(loop, ch, tasks)
    assert runs > len(rounds), "nothing was interrupted"
