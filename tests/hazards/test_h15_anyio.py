"""H13, H15: anyio cancels by level: what waits in a cancelled scope is cancelled again and again, without spinning.

Turns of the loop are counted, not seconds: `Watched` is asked by the loop once in every turn.
"""

import asyncio
import selectors

import anyio
import pytest

import aiochan as ac
from tests.hazards.awaits import every_wait
from tests.hazards.stage import assert_idle, settle, start, turn, until

FEW = 12  # turns of the loop, where a busy one would make thousands


class Watched(selectors.DefaultSelector):
    """Count the turns of a loop, and call `idle` when there is nothing left to do in it."""

    def __init__(self):
        super().__init__()
        self.turns = 0
        self.idle = lambda: None

    def select(self, timeout=None):
        self.turns += 1
        assert self.turns < 10_000, "the loop is busy with nothing"
        if timeout != 0:
            self.idle()
        return super().select(0)


@pytest.fixture
def watched(silence):
    """Run a coroutine function, with a `Watched` as its argument, on a loop that asks it."""

    def run(main):
        selector = Watched()
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            runner.get_loop().set_exception_handler(silence.heard_by_loop)
            return runner.run(main(selector))

    return run


@every_wait
def test_h15_everything_that_waits_in_a_cancelled_scope_is_cancelled(run, make):
    async def main():
        wait, cancelled = make(), 0
        with anyio.CancelScope() as scope:
            scope.cancel()
            for _ in range(3):
                try:
                    await wait.operation()
                except asyncio.CancelledError:
                    cancelled += 1
                assert wait.asleep() == 0
        assert cancelled == 3
        assert not asyncio.current_task().cancelling()
        assert_idle(*wait.things)

    run(main)


@every_wait
def test_h15_a_shield_inside_a_cancelled_scope_lets_the_loop_sleep(watched, make):
    async def main(loop):
        wait, naps = make(), []
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                sleeper = wait.operation()
                before, loop.idle = loop.turns, lambda: (naps.append(loop.turns), wait.answer())
                await sleeper
                loop.idle = lambda: None
        assert len(naps) == 1, "the answer came when the loop was about to sleep"
        assert naps[0] - before < FEW
        assert_idle(*wait.things)

    watched(main)


@every_wait
def test_h15_a_crowd_is_cancelled_in_a_few_turns(watched, make):
    async def main(loop):
        waits = [make() for _ in range(50)]
        async with anyio.create_task_group() as group:
            for wait in waits:
                group.start_soon(wait.operation)
            await until(lambda: all(wait.asleep() for wait in waits))
            before = loop.turns
            group.cancel_scope.cancel()
        assert loop.turns - before < FEW
        for wait in waits:
            assert_idle(*wait.things)

    watched(main)


@every_wait
def test_h13_leaving_takes_no_turn_of_the_loop(watched, make):
    """One turn wakes the task, and it ends there: nothing is awaited on the way out."""

    async def main(loop):
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        before = loop.turns
        task.cancel()
        await settle(task)
        assert loop.turns - before <= 3  # the task; who waits for it; this one

    watched(main)


@every_wait
@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("first", ["scope", "task"])
def test_h15_a_native_cancellation_beside_that_of_a_scope_is_not_swallowed(run, make, first, answered):
    async def main():
        wait, after = make(), []

        async def scoped():
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await wait.operation()
            after.append("the scope")
            await turn(3)
            after.append("three turns")

        scopes = []
        [task] = await start(scoped(), on=wait.things)
        if answered:
            wait.answer()
        for cancel in (scopes[0].cancel, task.cancel) if first == "scope" else (task.cancel, scopes[0].cancel):
            cancel()
        await settle(task)
        assert task.cancelled()
        assert "three turns" not in after
        assert_idle(*wait.things)

    run(main)


@every_wait
def test_h15_a_scope_takes_back_its_cancellation_beside_that_of_a_time_limit(run, make):
    async def main():
        wait, loop = make(), asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            async with asyncio.timeout(None) as limit:
                loop.call_soon(scope.cancel)
                loop.call_soon(limit.reschedule, loop.time() - 1)
                await wait.operation()
        assert scope.cancelled_caught
        assert asyncio.current_task().cancelling() == 0
        await turn(3)  # nothing is left over

    run(main)


@every_wait
def test_h15_a_scope_that_ends_leaves_no_cancellation_behind(run, make):
    async def main():
        wait = make()

        async def scoped():
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await wait.operation()
            await turn(3)
            return asyncio.current_task().cancelling()

        scopes = []
        [task] = await start(scoped(), on=wait.things)
        wait.answer()
        scopes[0].cancel()  # after the grant: either may happen, and nothing may be lost
        assert await task == 0
        assert_idle(*wait.things)

    run(main)


def test_h15_what_was_promised_in_a_cancelled_scope_is_still_there(run):
    async def main():
        ch = ac.Chan(1)
        got = []
        with anyio.CancelScope() as scope:
            asyncio.get_running_loop().call_soon(lambda: (ch.send_nowait("value"), scope.cancel()))
            got.append(await ch.recv())
        with anyio.move_on_after(0, shield=True):
            got.append(await ch.recv())
        assert got == ["value"]
        assert_idle(ch)

    run(main)
