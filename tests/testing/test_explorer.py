"""The searches: all schedules, or many; what they find in small programs that are known to be wrong."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import Result, cross_check, explore, pct, sample
from aiochan.testing.failure import Failure, replay
from aiochan.testing.scenario import Run
from aiochan.testing.schedule import NotDeterministic
from tests.testing.handmade import handmade

Scenario = Callable[[Run], object]


async def nap() -> None:
    await asyncio.sleep(0)


def naps(count: int) -> Scenario:
    def scenario(run: Run) -> None:
        for _ in range(count):
            run.spawn(nap)

    return scenario


def caught(result: Result) -> Failure:
    assert result.failure is not None
    assert not result.complete
    return result.failure


# -- all schedules


def test_all_schedules_of_independent_tasks() -> None:
    # Each of 3 tasks runs twice: 6! / 2!^3 orders, which begin in 1 + 3 + 9 + 24 + 54 + 90 + 90 ways.
    assert explore(naps(3), order="any", prune=False) == Result(True, 90, 271, None)
    pruned = explore(naps(3), order="any")
    assert pruned.complete
    assert pruned.states == 27, "each task may have run 0, 1 or 2 times"


def test_pruning_saves_work_and_loses_nothing() -> None:
    pruned, plain = cross_check(naps(3), order="fifo")
    assert pruned.runs < plain.runs
    assert pruned.states < plain.states


def test_time_is_bounded_when_wanted() -> None:
    result = explore(naps(9), order="any", prune=False, limit_s=0.05)
    assert not result.complete
    assert result.failure is None
    assert result.runs > 1


def test_a_result_without_failure_passes() -> None:
    result = explore(naps(1))
    assert result.check() is result


def test_a_result_with_a_failure_raises_it() -> None:
    async def fails() -> None:
        raise LookupError("no")

    result = explore(lambda run: run.spawn(fails))
    with pytest.raises(Failure, match="fails failed: LookupError: no") as raised:
        result.check()
    assert isinstance(raised.value.__cause__, LookupError)


@pytest.mark.parametrize("search", [explore, sample, pct, cross_check])
@pytest.mark.parametrize("options", [{"order": "lifo"}, {"cancels": -1}, {"interrupts": "1"}, {"max_steps": 0}])
def test_wrong_arguments_are_named(search: Any, options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} must be .* not {value!r}"):
        search(naps(1), **options)


def test_a_scenario_that_depends_on_more_than_the_schedule_is_found_out() -> None:
    calls = 0

    def scenario(run: Run) -> None:
        nonlocal calls
        calls += 1
        naps(2 + calls % 2)(run)

    with pytest.raises(NotDeterministic):
        explore(scenario)


def test_loops_in_the_states_end_the_search() -> None:
    async def spins(event: asyncio.Event) -> None:
        while not event.is_set():
            await nap()

    def scenario(run: Run) -> None:
        event = asyncio.Event()

        async def set_it() -> None:
            event.set()

        run.spawn(spins, event)
        run.spawn(set_it)

    assert explore(scenario).complete


def test_a_search_inside_of_a_running_loop_is_refused() -> None:
    async def main() -> None:
        explore(naps(1))

    with pytest.raises(RuntimeError, match="another event loop is running"):
        asyncio.run(main())


# -- what it finds with asyncio's own primitives


def test_the_item_lost_to_a_cancellation() -> None:
    assert explore(handmade).complete
    failure = caught(explore(handmade, cancels=1))
    assert [step.partition(":")[0] for step in failure.trace[-3:]] == ["run put", "cancel g", "run g"]


def test_the_queue_of_asyncio_loses_nothing() -> None:
    def scenario(run: Run) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        got: list[str] = []

        async def get() -> None:
            got.append(await queue.get())

        def end() -> None:
            assert len(got) + queue.qsize() == 1

        run.spawn(get, cancel=True)
        run.spawn(get)
        run.spawn(queue.put, "item")
        run.at_end(end)

    for order in ("fifo", "any"):
        assert explore(scenario, cancels=2, order=order).check().complete


def put_back(run: Run) -> None:
    """A channel that puts back what a cancelled receiver was handed, and so changes the order."""
    waiting: list[asyncio.Future[int]] = []
    items: list[int] = []
    got: list[int] = []

    async def produce() -> None:
        for n in range(2):
            if waiting and not waiting[0].done():
                waiting.pop(0).set_result(n)
            else:
                items.append(n)
            await nap()

    async def receive() -> None:
        if items:
            got.append(items.pop(0))
            return
        future = run.loop.create_future()
        waiting.append(future)
        try:
            got.append(await future)
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                items.append(future.result())
            raise

    async def twice() -> None:
        await receive()
        await receive()

    def rule() -> None:
        if got != sorted(got):
            raise AssertionError(f"out of order: {got}")

    run.spawn(receive, cancel=True)
    run.spawn(produce)
    run.spawn(twice)
    run.always(rule)


def test_order_lost_by_putting_back() -> None:
    assert explore(put_back).complete
    failure = caught(explore(put_back, cancels=1))
    assert failure.reason == "AssertionError: out of order: [1, 0]"
    assert sum(choice != 0 for choice in failure.path) <= 2


def test_a_deadlock_is_reported_with_who_waits_where() -> None:
    def scenario(run: Run) -> None:
        one, other = asyncio.Lock(), asyncio.Lock()

        async def both(first: asyncio.Lock, second: asyncio.Lock) -> None:
            async with first:
                await nap()
                async with second:
                    pass

        run.spawn(both, one, other, name="p")
        run.spawn(both, other, one, name="q")

    assert explore(scenario).check().complete, "waiting for ever is no failure in itself"
    failure = caught(explore(scenario, must_finish=True, order="any"))
    assert failure.reason.startswith("nobody can go on: p: waits for ")
    assert "; q: waits for " in failure.reason
    assert "in both" in failure.reason


def test_a_race_between_timers() -> None:
    def scenario(run: Run) -> None:
        out: list[str] = []

        async def after(delay: float, name: str) -> None:
            await asyncio.sleep(delay)
            out.append(name)

        def end() -> None:
            assert out == ["short", "long"]

        run.spawn(after, 2, "long")
        run.spawn(after, 1, "short")
        run.at_end(end)

    assert explore(scenario, order="any").check().complete


def test_a_check_and_an_act_with_a_yield_in_between() -> None:
    def scenario(run: Run) -> None:
        balance = 10

        async def withdraw() -> None:
            nonlocal balance
            if balance >= 10:
                await nap()
                balance -= 10

        def rule() -> None:
            if balance < 0:
                raise AssertionError("overdrawn")

        run.spawn(withdraw)
        run.spawn(withdraw)
        run.always(rule)

    assert caught(explore(scenario)).reason == "AssertionError: overdrawn"


def test_a_cleanup_that_is_cancelled_too() -> None:
    def scenario(run: Run) -> None:
        held = False

        async def work() -> None:
            nonlocal held
            held = True
            try:
                await asyncio.Event().wait()
            finally:
                await nap()
                held = False

        def end() -> None:
            if held and run.tasks["work"].done():
                raise AssertionError("still held")

        run.spawn(work, cancel=2)
        run.at_end(end)

    assert explore(scenario, cancels=1).complete
    assert caught(explore(scenario, cancels=2)).reason == "AssertionError: still held"


# -- what it finds with channels


def test_a_channel_keeps_its_promise_under_two_cancellations() -> None:
    def scenario(run: Run) -> None:
        ch = ac.Chan[str](1)
        got: list[str] = []

        async def receive() -> None:
            got.append(await ch.recv())

        def end() -> None:
            assert got == sorted(got)

        run.spawn(ch.send, "a", cancel=True)
        run.spawn(receive, cancel=True)
        run.spawn(receive)
        run.watch(ch)
        run.at_end(end)

    for order in ("fifo", "any"):
        assert explore(scenario, cancels=2, order=order).check().complete


def test_every_draw_of_a_select_is_tried() -> None:
    seen: set[tuple[int, int]] = set()

    def scenario(run: Run) -> None:
        chans = [ac.Chan[int](1) for _ in range(3)]
        for n, ch in enumerate(chans):
            ch.send_nowait(n)

        async def draw() -> None:
            seen.add(await ac.select(*map(ac.recv, chans)))

        run.spawn(draw)

    assert explore(scenario).complete
    assert seen == {(0, 0), (1, 1), (2, 2)}


def test_an_interrupt_loses_a_handmade_item_and_none_of_a_channel() -> None:
    def scenario(run: Run) -> None:
        ch = ac.Chan[int]()
        got: list[int] = []

        async def receive() -> None:
            got.append(await ch.recv())

        def end() -> None:
            hit = [task for task in run.tasks.values() if task.done() and task.exception()]
            assert hit or len(got) == 1
            assert len(got) + len(ch) <= 1

        run.spawn(receive)
        run.spawn(receive)
        run.spawn(ch.send, 1)
        run.watch(ch)
        run.at_end(
            lambda: (
                None
                if any(task.done() and not task.cancelled() and task.exception() for task in run.tasks.values())
                else end()
            )
        )

    assert explore(scenario, interrupts=1).check().complete
    assert caught(explore(handmade, interrupts=1)).trace[-1].startswith("interrupt g")


# -- at random


def rare(run: Run) -> None:
    """Fails only if c, then b, then a finish in this order, with two more tasks around."""
    done: list[str] = []

    async def work(name: str) -> None:
        for _ in range(3):
            await nap()
        done.append(name)
        if done[:3] == ["c", "b", "a"]:
            raise AssertionError("found")

    for name in "abcde":
        run.spawn(work, name, name=name)


@pytest.mark.parametrize(("search", "options"), [(sample, {}), (pct, {"depth": 3}), (pct, {"depth": 1})])
def test_random_searches_find_what_is_rare_and_say_how(search: Any, options: dict[str, Any]) -> None:
    failure = caught(search(rare, runs=3000, order="any", **options))
    with pytest.raises(Failure) as again:
        replay(rare, failure.line)
    assert str(again.value) == str(failure)


@pytest.mark.parametrize("search", [sample, pct])
def test_the_same_seed_gives_the_same_search(search: Any) -> None:
    first, again = (search(rare, runs=200, seed=4, order="any") for _ in range(2))
    assert (first.runs, first.states) == (again.runs, again.states)
    assert search(naps(5), runs=50, seed=1, order="any").runs == 50


@pytest.mark.parametrize("search", [sample, pct])
def test_random_searches_cancel_at_every_moment(search: Any) -> None:
    failure = caught(search(handmade, runs=200, cancels=1, order="fifo"))
    assert failure.reason == "AssertionError: the item is lost"


@pytest.mark.parametrize("search", [sample, pct])
def test_random_searches_are_never_complete_and_can_be_bounded(search: Any) -> None:
    result = search(naps(2), runs=10)
    assert not result.complete
    assert result.check().runs == 10
    assert search(naps(2), runs=10**9, limit_s=0.05).runs < 10**6
    with pytest.raises(ValueError, match="runs must be a whole number from 1 up, not 0"):
        search(naps(2), runs=0)


def test_the_depth_of_a_bug_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="depth must be a whole number from 1 up, not 0"):
        pct(naps(2), depth=0)


# -- the comparison of the searches


def test_what_is_too_large_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        cross_check(naps(8), order="any", limit_s=0.05)


def test_hidden_state_is_noticed_by_the_comparison() -> None:
    hidden: list[int] = []  # as if in a module: the search cannot see it

    class Counter:
        def __fingerprint__(self) -> object:
            return None

        def __init__(self) -> None:
            self.values = hidden

    def scenario(run: Run) -> None:
        hidden.clear()
        counter = Counter()

        async def stay() -> None:
            while len(counter.values) < 3:
                counter.values.append(1)
                await nap()

        run.spawn(stay)

    with pytest.raises(AssertionError, match="pruning left out the outcomes"):
        cross_check(scenario)


def test_told_state_is_seen() -> None:
    hidden: list[int] = []

    class Counter:
        def __fingerprint__(self) -> object:
            return None

    def scenario(run: Run) -> None:
        hidden.clear()
        counter = Counter()
        run.state(lambda: hidden)

        async def stay(values: Callable[[], list[int]]) -> None:
            assert counter
            while len(values()) < 3:
                values().append(1)
                await nap()

        run.spawn(stay, lambda: hidden)

    assert cross_check(scenario)[0].complete


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_random_programs_come_to_the_same_with_and_without_pruning(seed: int) -> None:
    """Programs of two or three tasks with random operations on channels, a lock and a list."""
    dice = random.Random(seed)
    tasks = [[dice.choice("sSrRlnt") for _ in range(dice.randint(1, 2))] for _ in range(dice.randint(2, 3))]
    capacity = dice.randint(0, 1)

    def scenario(run: Run) -> None:
        one, other, lock = ac.Chan[str](capacity), ac.Chan[str](0), asyncio.Lock()
        log: list[object] = []

        async def work(ops: list[str]) -> None:
            for op in ops:
                match op:
                    case "s":
                        await one.send("x")
                    case "S":
                        log.append(await ac.select(ac.send(one, "y"), ac.recv(other)))
                    case "r":
                        log.append(await one.recv())
                    case "R":
                        log.append(await ac.select(ac.recv(one), ac.recv_ok(other)))
                    case "l":
                        async with lock:
                            await nap()
                    case "n":
                        await nap()
                    case _:
                        await asyncio.sleep(1)

        for number, ops in enumerate(tasks):
            run.spawn(work, ops, name=f"{number}{''.join(ops)}", cancel=True)
        run.watch(one, other)
        run.state(lambda: log)

    for order, cancels in (("fifo", 1), ("any", 1)):
        cross_check(scenario, order=order, cancels=cancels, limit_s=100)  # type: ignore[arg-type]
