"""H23: what ended must not wait for the garbage collector: thousands of cancellations while it is switched off."""

import asyncio
import contextlib
import gc

import pytest

import aiochan as ac
from tests.hazards.awaits import WAITS, every_wait
from tests.hazards.stage import until

SOME, MANY = 100, 100_000
SLACK = 40  # objects: tombstones, and what the loop keeps for its next turn


async def cancelled(wait):
    task = asyncio.create_task(wait.operation())
    await until(wait.asleep)
    task.cancel()
    await asyncio.wait([task])


async def cancelled_late(wait):
    task = asyncio.create_task(wait.operation())
    await until(wait.asleep)
    wait.answer()
    task.cancel()
    await asyncio.wait([task])


async def timed_out(wait):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await wait.operation()


async def answered(wait):
    task = asyncio.create_task(wait.operation())
    await until(wait.asleep)
    wait.answer()
    await task


async def ended(wait):
    task = asyncio.create_task(wait.operation())
    await until(wait.asleep)
    wait.things[0].close()
    await asyncio.wait([task])
    task.exception()


async def growth(once, times):
    """Count the objects that are there after `once` was awaited so often, and were not before."""
    for _ in range(min(times, SOME)):  # so that what is kept once, or of the last one, is there before
        await once()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(times):
            await once()
        return len(gc.get_objects()) - before
    finally:
        gc.enable()


@pytest.fixture(autouse=True)
def not_in_debug_mode(loop_kind):
    if loop_kind == "debug":
        pytest.skip("debug mode keeps the stack of every task and callback, for as long as that is known")


LOSERS = {name: make for name, make in WAITS.items() if name == "select, both sides" or len(make().things) > 1}
OTHERS = {name: make for name, make in WAITS.items() if name not in LOSERS}
with_losing_cases = pytest.mark.parametrize("make", LOSERS.values(), ids=LOSERS.keys())
in_one_line = pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS.keys())


@every_wait
def test_h23_cancellations_leave_nothing_behind(run, make):
    async def main():
        wait = make()
        return await growth(lambda: cancelled(wait), SOME)

    assert run(main) <= SLACK


@every_wait
def test_h23_time_limits_leave_nothing_behind(run, make):
    async def main():
        wait = make()
        return await growth(lambda: timed_out(wait), SOME)

    assert run(main) <= SLACK


@in_one_line
def test_h23_cancellations_after_the_grant_leave_nothing_behind(run, make):
    """Each with an object of its own, which has to go too."""

    async def main():
        return await growth(lambda: cancelled_late(make()), SOME)

    assert run(main) <= SLACK


@in_one_line
def test_h23_answers_leave_nothing_behind(run, make):
    async def main():
        return await growth(lambda: answered(make()), SOME)

    assert run(main) <= SLACK


@with_losing_cases
def test_h23_channels_where_somebody_lost_leave_nothing_behind(run, make):
    """As in a select over a channel for the reply and another for the end: one of them is left, and dropped."""

    async def main():
        return await growth(lambda: answered(make()), SOME)

    assert run(main) <= SLACK


@every_wait
def test_h23_channels_that_nobody_waits_for_any_more_leave_nothing_behind(run, make):
    """Waited for with a time limit, and dropped."""

    async def main():
        return await growth(lambda: timed_out(make()), SOME)

    assert run(main) <= SLACK


@pytest.mark.stress
@pytest.mark.parametrize("name", ["recv", "send to a ring", "select, recv", "park"])
def test_h23_a_hundred_thousand_cancellations_leave_nothing_behind(run, name):
    async def main():
        wait = WAITS[name]()
        return await growth(lambda: cancelled(wait), MANY)

    assert run(main) <= SLACK


ERRORS = {
    "recv": lambda ch: ch.recv(),
    "send": lambda ch: ch.send("value"),
    "reserve": lambda ch: ch.reserve().__aenter__(),
    "select": lambda ch: ac.select(ac.recv(ch), ac.recv(None)),
    "select_loop": lambda ch: ac.select_loop(ac.send(ch, "value")).__anext__(),
    "async for": lambda ch: ch.__anext__(),
}


@pytest.mark.parametrize("operation", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("cause", [None, OSError("the cause")], ids=["no cause", "cause"])
def test_h23_errors_leave_nothing_behind(run, operation, cause):
    async def main():
        ch = ac.Chan(1)
        ch.close(cause)

        async def once():
            with contextlib.suppress(ac.ChannelClosed, StopAsyncIteration):
                await operation(ch)

        return await growth(once, SOME)

    assert run(main) <= SLACK
    assert cause is None or cause.__traceback__ is None


@pytest.mark.parametrize("name", ["recv", "send by hand", "select, one case", "reserve"])
def test_h23_ends_leave_nothing_behind(run, name):
    """Sleepers who hear the end: an error that is kept by its task."""

    async def main():
        return await growth(lambda: ended(WAITS[name]()), SOME)

    assert run(main) <= SLACK
