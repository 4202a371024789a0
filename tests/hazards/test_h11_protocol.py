"""H11-H14, H16: what asyncio expects of somebody who is cancelled, at every point where the core can sleep."""

import ast
import asyncio
import re

import pytest

import aiochan as ac
from aiochan.core import set_budget
from aiochan.testing.loop import StepLoop
from tests.hazards.awaits import WAITS, every_wait, full
from tests.hazards.stage import ManualClock, assert_idle, core_sources, drain, settle, start, turn, until

WHEN = ["asleep", "answered"]


@every_wait
@pytest.mark.parametrize("when", WHEN)
def test_h11_a_cancelled_task_ends_cancelled(run, make, when):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        if when == "answered":
            wait.answer()
        task.cancel("reason")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert task.cancelling() == 1  # nobody called uncancel()
        assert_idle(*wait.things)

    run(main)


@every_wait
def test_h11_the_reason_arrives(run, make):
    """As `Task.cancel(msg)` promises, whether or not the task sleeps."""

    async def main():
        wait, heard = make(), []

        async def listen():
            try:
                await wait.operation()
            except asyncio.CancelledError as error:
                heard.append((error.args, error.__cause__, error.__context__))
                raise

        [task] = await start(listen(), on=wait.things)
        task.cancel("reason")
        await settle(task)
        assert heard == [(("reason",), None, None)]

    run(main)


@every_wait
@pytest.mark.parametrize("second", [(), ("second",)], ids=["silent", "spoken"])
def test_h11_of_two_reasons_in_one_turn_the_first_arrives(run, make, second):
    """As from a future. anyio knows its cancellations by what they say, and has to find its own again."""

    async def main():
        wait, heard = make(), []

        async def listen():
            try:
                await wait.operation()
            except asyncio.CancelledError as error:
                heard.append((error.args, error.__cause__, error.__context__))
                raise

        [task] = await start(listen(), on=wait.things)
        task.cancel("first")
        task.cancel(*second)
        await settle(task)
        assert heard == [(("first",), None, None)]
        assert_idle(*wait.things)

    run(main)


@every_wait
@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("when", WHEN)
def test_h11_h13_what_is_thrown_in_comes_out_at_once(make, kind, when):
    """The same instance, without one more suspension on the way: nothing is awaited while leaving."""
    with StepLoop().running() as loop:
        wait = make()
        coroutine = wait.operation()
        waiter = coroutine.send(None)
        waiter.add_done_callback(lambda _: None)
        assert wait.asleep()
        if when == "answered":
            wait.answer()
        error = kind("thrown in")
        with pytest.raises(kind) as caught:
            coroutine.throw(error)
        assert caught.value is error
        assert_idle(*wait.things)
        while loop.ready:
            loop.step()
        assert not loop.errors


@every_wait
@pytest.mark.parametrize("when", WHEN)
def test_h11_a_coroutine_that_is_closed_leaves_nothing(make, when):
    with StepLoop().running():
        wait = make()
        coroutine = wait.operation()
        coroutine.send(None).add_done_callback(lambda _: None)
        if when == "answered":
            wait.answer()
        coroutine.close()
        assert_idle(*wait.things)


@pytest.mark.parametrize("make", [make for name, make in WAITS.items() if name != "park"])
def test_h11_a_cancellation_while_going_round_the_loop_finds_nothing_done(make):
    """An operation pays for its turn before it has any effect, so there is nothing to undo."""
    with StepLoop().running():
        wait = make()
        seen = [thing._snapshot() for thing in wait.things]
        set_budget(turn=1, patience=1)
        last_operation_of_this_turn = ac.Chan(1).send("value")
        with pytest.raises(StopIteration):
            last_operation_of_this_turn.send(None)
        coroutine = wait.operation()
        assert coroutine.send(None) is None  # a bare yield: it waits for nobody
        with pytest.raises(asyncio.CancelledError):
            coroutine.throw(asyncio.CancelledError())
        assert [thing._snapshot() for thing in wait.things] == seen


@every_wait
def test_h11_two_cancellations_are_one_error(run, make):
    async def main():
        wait, errors = make(), []

        async def listen():
            try:
                await wait.operation()
            except asyncio.CancelledError as error:
                errors.append(error)
            await turn(3)  # a second one would arrive here

        [task] = await start(listen(), on=wait.things)
        task.cancel()
        task.cancel()
        await task
        assert len(errors) == 1
        assert task.cancelling() == 2

    run(main)


def test_h11_the_core_never_uncancels_nor_swallows():
    """No `uncancel()`, no `shield`, and every `except` that may catch a cancellation raises again."""
    for path, text in core_sources().items():
        assert not re.search(r"\b(uncancel|shield)\b", text), path
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler) and ast.unparse(node.type or ast.Name("all")) in WIDE:
                assert isinstance(node.body[-1], ast.Raise), (path, node.lineno)
                assert node.body[-1].exc is None, (path, node.lineno)


WIDE = {"all", "BaseException", "CancelledError", "asyncio.CancelledError"}


@every_wait
def test_h12_no_cancellation_is_left_over_after_a_time_limit(run, make):
    """Two limits around each other, both run out; the task goes on as if there had been none."""

    async def main():
        with ManualClock() as clock:
            wait = make()

            async def limited():
                try:
                    async with asyncio.timeout(2):
                        try:
                            async with asyncio.timeout(1):
                                await wait.operation()
                        except TimeoutError:
                            await asyncio.sleep(5)
                except TimeoutError:
                    pass
                await turn(2)
                return asyncio.current_task().cancelling()

            [task] = await start(limited(), on=wait.things)
            clock.advance(1)
            await until(lambda: wait.asleep() == 0)
            await turn(3)
            clock.advance(1)
            assert await task == 0
            assert_idle(*wait.things)

    run(main)


@every_wait
def test_h14_a_sleeping_task_can_be_cancelled_and_a_woken_one_as_well(run, make):
    """A waiter whose `cancel()` says False makes its task uncancellable: ours says it only after the grant."""

    async def main():
        for answered in (False, True):
            wait = make()
            [task] = await start(wait.operation(), on=wait.things)
            if answered:
                wait.answer()
            assert task.cancel()
            await settle(task)
            assert task.cancelled()

    run(main)


@every_wait
def test_h16_a_task_that_never_began_has_done_nothing(run, loop_kind, make):
    if loop_kind == "eager":
        pytest.skip("an eager task begins at once")

    async def main():
        wait = make()
        seen = [thing._snapshot() for thing in wait.things]
        task = asyncio.create_task(wait.operation())
        task.cancel()
        await settle(task)
        assert [thing._snapshot() for thing in wait.things] == seen

    run(main)


def test_h16_the_place_of_a_task_that_never_began_is_free(run, loop_kind):
    async def main():
        ch = ac.Chan(1)

        async def produce():
            async with ch.reserve() as place:
                place.send("value")

        task = asyncio.create_task(produce())
        task.cancel()
        await settle(task)
        sent = drain(ch)
        assert sent == (["value"] if loop_kind == "eager" else [])
        ch.send_nowait("there is room")
        assert_idle(ch)

    run(main)


def test_h16_a_cancellation_before_the_first_wait_hits_that_wait(run):
    """A task that cancels itself is cancelled where it sleeps next, and leaves nothing there."""

    async def main():
        ch = full()

        async def cancels_itself():
            asyncio.current_task().cancel()
            await ch.send("not sent")

        task = asyncio.create_task(cancels_itself())
        await settle(task)
        assert task.cancelled()
        assert drain(ch) == ["old 0"]
        assert_idle(ch)

    run(main)


def test_h16_an_operation_that_need_not_wait_does_not_notice(run):
    async def main():
        ch = ac.Chan(1)

        async def cancels_itself():
            asyncio.current_task().cancel()
            await ch.send("sent all the same")
            got.append(await ch.recv())
            await ch.recv()

        got = []
        task = asyncio.create_task(cancels_itself())
        await settle(task)
        assert task.cancelled()
        assert got == ["sent all the same"]
        assert_idle(ch)

    run(main)
