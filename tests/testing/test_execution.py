"""One execution: what may happen, what happens, and what is noticed."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan import core
from aiochan.testing.choosers import Script
from aiochan.testing.execution import Execution, Found, Memory, alone
from aiochan.testing.scenario import Run
from aiochan.testing.schedule import NotDeterministic, Rules

Scenario = Callable[[Run], object]


async def nap() -> None:
    await asyncio.sleep(0)


async def forever() -> None:
    await asyncio.Event().wait()


def words(scenario: Scenario, *path: int, **rules: Any) -> list[str]:
    """Run a schedule; the steps, in words."""
    trace: list[str] = []
    with alone():
        assert Execution(scenario, Rules(**rules), Script(path, strict=True), trace=trace).go()
    return trace


def found(scenario: Scenario, *path: int, **rules: Any) -> Found:
    """Run a schedule; what is found."""
    with alone(), pytest.raises(Found) as caught:
        Execution(scenario, Rules(**rules), Script(path), trace=[]).go()
    return caught.value


def heads(trace: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in trace]


# -- what may happen


def two_naps(run: Run) -> None:
    run.spawn(nap, name="a", cancel=True)
    run.spawn(nap, name="b")


def test_the_usual_order_is_run_then_start() -> None:
    assert heads(words(two_naps)) == ["start a", "run a", "run a", "start b", "run b", "run b"]


def test_in_fifo_order_the_oldest_runs_and_any_task_starts() -> None:
    assert heads(words(two_naps, 1, 1)) == ["start b", "start a", "run b", "run a", "run b", "run a"]
    assert heads(words(two_naps, 0, 1)) == ["start a", "start b", "run a", "run b", "run a", "run b"]


def test_in_any_order_all_are_started_and_anyone_runs() -> None:
    assert heads(words(two_naps, order="any")) == ["run a", "run b", "run a", "run b"]
    assert heads(words(two_naps, 1, 1, order="any")) == ["run b", "run b", "run a", "run a"]


def test_cancellations_come_after_the_rest_and_are_counted() -> None:
    assert heads(words(two_naps, 0, 2, cancels=1)) == ["start a", "cancel a", "run a", "start b", "run b", "run b"]


def test_at_rest_the_usual_is_to_end_but_who_sleeps_can_be_cancelled() -> None:
    def scenario(run: Run) -> None:
        run.spawn(forever, cancel=True)

    assert heads(words(scenario, cancels=1)) == ["start forever", "run forever"]
    assert heads(words(scenario, 0, 1, cancels=1))[2:] == ["cancel forever", "run forever"]


def test_time_goes_on_when_nothing_else_can_happen() -> None:
    def scenario(run: Run) -> None:
        run.spawn(asyncio.sleep, 2.5, name="a")
        run.spawn(asyncio.sleep, 1, name="b")

    trace = words(scenario)
    assert [line for line in trace if line.startswith("time")] == ["time goes on to 1", "time goes on to 2.5"]
    assert heads(trace)[:4] == ["start a", "run a", "start b", "run b"]


def test_a_timer_in_the_past_does_not_turn_time_back() -> None:
    def scenario(run: Run) -> None:
        run.loop.call_at(-1, print)

    assert words(scenario)[0] == "time goes on to 0"


def test_draws_of_the_library_are_choices() -> None:
    def scenario(run: Run) -> None:
        one, other = ac.Chan[int](1), ac.Chan[int](1)
        one.send_nowait(1)
        other.send_nowait(2)

        async def draw() -> object:
            return await ac.select(ac.recv(one), ac.recv(other))

        run.spawn(draw)

    assert words(scenario, 1)[-1] == "run draw: returns (draws 1 of 2)"
    assert words(scenario)[-1] == "run draw: returns (draws 0 of 2)"


def test_an_interrupt_is_a_step_of_its_own() -> None:
    assert words(two_naps, 0, 2, interrupts=1)[1] == "interrupt a: fails with Interrupt"


def test_callbacks_that_are_no_tasks_are_not_interrupted() -> None:
    def scenario(run: Run) -> None:
        run.loop.call_soon(print)

    assert words(scenario, interrupts=1) == ["run print()"]


def test_budgets_are_off_unless_given() -> None:
    def scenario(run: Run) -> None:
        ch = ac.Chan[int](9)

        async def produce() -> None:
            for n in range(9):
                await ch.send(n)

        run.spawn(produce)

    assert len(words(scenario)) == 2
    assert len(words(scenario, budget=(0, 3))) > 3


def test_nothing_is_left_as_it_was_changed() -> None:
    old_budget, old_dice = core.set_budget(7, 9), core.set_dice(random.randrange)
    try:
        words(two_naps)
        assert core.set_dice(random.randrange) is random.randrange
        assert core.set_budget(7, 9) == (7, 9)
        assert gc.isenabled()
    finally:
        core.set_budget(*old_budget)
        core.set_dice(old_dice)


def test_each_run_has_an_empty_context() -> None:
    var = contextvars.ContextVar("var", default="clean")
    seen: list[str] = []

    def scenario(run: Run) -> None:
        seen.append(var.get())
        var.set("dirty")

    var.set("outside")
    words(scenario)
    words(scenario)
    assert seen == ["clean", "clean"]


# -- what is noticed


def test_a_task_that_fails_is_found_at_once() -> None:
    async def fails() -> None:
        raise LookupError("no such thing")

    def scenario(run: Run) -> None:
        run.spawn(fails)
        run.spawn(forever)

    failure = found(scenario)
    assert (failure.kind, failure.reason) == ("task LookupError", "fails failed: LookupError: no such thing")
    assert isinstance(failure.__cause__, LookupError)


def test_a_child_that_fails_unseen_is_found_at_the_end() -> None:
    async def fails() -> None:
        raise LookupError("no such thing")

    async def parent() -> None:
        asyncio.get_running_loop().call_soon(children.append, asyncio.create_task(fails()))

    children: list[object] = []
    assert found(lambda run: run.spawn(parent)).reason == "parent/1 failed unseen: LookupError: no such thing"


def test_a_child_whose_failure_was_seen_is_none() -> None:
    async def fails() -> None:
        raise LookupError("no such thing")

    async def parent() -> None:
        with pytest.raises(LookupError):
            await asyncio.create_task(fails())

    words(lambda run: run.spawn(parent))


def test_a_swallowed_cancellation_is_found() -> None:
    async def swallows() -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return

    assert found(lambda run: run.spawn(swallows, cancel=True), 0, 1, cancels=1).kind == "swallowed"
    words(lambda run: run.spawn(swallows, cancel=True, may_swallow=True), 0, 1, cancels=1)


def test_a_cancellation_that_a_timeout_takes_back_is_none() -> None:
    async def times_out() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await forever()

    words(lambda run: run.spawn(times_out))


def test_the_exception_handler_is_heard() -> None:
    def scenario(run: Run) -> None:
        run.loop.call_soon(lambda: 1 // 0)

    failure = found(scenario)
    assert failure.kind == "loop"
    assert "ZeroDivisionError" in failure.reason
    assert isinstance(failure.__cause__, ZeroDivisionError)
    failure = found(lambda run: run.loop.call_soon(run.loop.call_exception_handler, {"message": "hello"}))
    assert failure.reason == "the loop's exception handler was called: hello"


def test_a_step_that_wants_to_exit_is_found() -> None:
    async def leaves() -> None:
        raise SystemExit("bye")

    assert found(lambda run: run.spawn(leaves)).reason == "a step raised SystemExit: bye"


def test_what_must_always_hold_is_checked_after_every_step() -> None:
    steps: list[int] = []

    def check() -> None:
        steps.append(len(steps))
        if len(steps) == 4:
            raise AssertionError("too many")

    def scenario(run: Run) -> None:
        steps.clear()
        two_naps(run)
        run.always(check)

    failure = found(scenario)
    assert (failure.kind, failure.reason) == ("always AssertionError", "AssertionError: too many")
    assert steps == [0, 1, 2, 3]


def test_what_is_watched_is_checked() -> None:
    class Thing:
        broken = False

        def _check(self) -> None:
            assert not self.broken, "I1"

        def _snapshot(self) -> object:
            return self.broken

    def scenario(run: Run) -> None:
        thing = Thing()

        async def breaks() -> None:
            thing.broken = True

        run.watch(thing)
        run.spawn(breaks)

    assert found(scenario).kind == "check AssertionError"


def test_the_end_is_checked_at_the_end() -> None:
    def scenario(run: Run) -> None:
        two_naps(run)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values())
            raise AssertionError("seen to the end")

        run.at_end(end)

    assert found(scenario).reason == "AssertionError: seen to the end"


def test_who_waits_for_ever_is_no_failure_unless_wanted() -> None:
    def scenario(run: Run) -> None:
        ch = ac.Chan[int](name="c")
        run.spawn(ch.recv, name="receiver")

    words(scenario)
    failure = found(scenario, must_finish=True)
    assert failure.kind == "asleep"
    assert "nobody can go on: receiver: waits for recv on <Chan 'c'" in failure.reason


def test_a_task_that_nobody_will_step_is_found() -> None:
    class Deaf(asyncio.Future[None]):
        """Done, but tells nobody."""

        def add_done_callback(self, *_: Any, **__: Any) -> None:
            pass

    async def waits(future: asyncio.Future[None]) -> None:
        await future

    async def ends(future: asyncio.Future[None]) -> None:
        future.set_result(None)

    def scenario(run: Run) -> None:
        future = Deaf(loop=run.loop)
        run.spawn(waits, future)
        run.spawn(ends, future)

    failure = found(scenario)
    assert failure.kind == "lost"
    assert "nobody will ever step waits" in failure.reason


def test_a_run_without_end_is_found() -> None:
    async def spins() -> None:
        while True:
            await nap()

    failure = found(lambda run: run.spawn(spins), max_steps=20)
    assert failure.reason == "no end after 20 steps"


def test_errors_of_the_scenario_itself_are_its_own() -> None:
    def scenario(run: Run) -> None:
        raise LookupError("in the scenario")

    with alone(), pytest.raises(LookupError, match="in the scenario"):
        Execution(scenario, Rules(), Script([])).go()


def test_a_real_keyboard_interrupt_comes_through() -> None:
    async def types() -> None:
        raise KeyboardInterrupt

    with alone(), pytest.raises(KeyboardInterrupt):
        Execution(lambda run: run.spawn(types), Rules(), Script([])).go()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


# -- for the search


def test_a_state_that_was_met_is_left_alone() -> None:
    def execution(memory: Memory) -> Execution:
        return Execution(two_naps, Rules(), Script([]), memory)

    states: set[int] = set()
    with alone():
        first = execution(Memory(states, prune=True))
        assert first.go()
        assert first.new_states == len(states) == first.steps + 1
        assert not execution(Memory(states, prune=True)).go()
        assert execution(Memory(states, prune=False)).go()
    assert len(states) == first.new_states


def test_the_outcome_says_what_became_of_each_task() -> None:
    async def fails() -> None:
        await asyncio.create_task(forever())

    def scenario(run: Run) -> None:
        run.spawn(fails, name="a", cancel=True)
        run.spawn(asyncio.sleep, 0, "rested", name="b")
        run.spawn(forever, name="c")
        run.state(lambda: "extra")

    with alone():
        execution = Execution(scenario, Rules(cancels=1), Script([0, 0, 3]))
        assert execution.go()
    fates = ("a", "is cancelled"), ("a/1", "is cancelled"), ("b", "'rested'"), ("c", "waits")
    assert execution.outcome() == (*fates, "'extra'")


def test_a_scenario_with_less_to_do_than_before_is_found_out() -> None:
    class Replay(Script):
        def recorded(self, options: Any, /) -> Any:
            return [("start", 0), ("run", 0), ("run", 7)]

    with alone(), pytest.raises(NotDeterministic, match="less is ready"):
        Execution(two_naps, Rules(), Replay([])).go()
