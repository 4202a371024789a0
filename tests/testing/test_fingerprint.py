"""Pruning leaves nothing out: every small program, searched with it and without, comes to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from aiochan.testing import execution
from aiochan.testing.explorer import cross_check
from aiochan.testing.fingerprint import Fingerprinter
from aiochan.testing.innards import abandon
from aiochan.testing.loop import StepLoop
from tests.testing.scenarios import SMALL


def cases() -> Iterator[Any]:
    for name, program in SMALL.items():
        for order in program.orders:
            for cancels in range(program.cancels + 1):
                yield pytest.param(name, order, cancels, id=f"{name}-{order}-{cancels}")


@pytest.mark.parametrize(("name", "order", "cancels"), list(cases()))
def test_pruned_and_unpruned_searches_agree(name: str, order: Any, cancels: int) -> None:
    program = SMALL[name]
    pruned, plain = cross_check(program.scenario, order=order, cancels=cancels, **program.options)
    assert pruned.complete
    assert plain.complete
    assert pruned.runs <= plain.runs
    assert pruned.states <= plain.states


def without(*left_out: str) -> type[Fingerprinter]:
    """Make a fingerprinter that overlooks something."""

    class Blind(Fingerprinter):
        def task(self, task: asyncio.Task[Any]) -> list[Any]:
            return [] if "tasks" in left_out else super().task(task)

        def ready(self, handle: asyncio.Handle) -> Any:
            return "ready" if "ready" in left_out else super().ready(handle)

        def direct(self, thing: Any) -> Any:
            return None if type(thing).__name__ in left_out else super().direct(thing)

    return Blind


@pytest.mark.parametrize(
    ("name", "left_out", "order"),
    [
        ("iterator_on_the_stack", ["list_iterator"], "fifo"),
        ("operand_on_the_stack", ["tasks"], "fifo"),
        ("events", ["ready"], "fifo"),
        ("closures", ["cell"], "fifo"),
        ("seen_at_the_end_only", ["function", "cell"], "any"),
        ("equal_values_in_a_ring", ["Waiter"], "any"),
        ("cause_of_the_close", ["LookupError"], "any"),
    ],
)
def test_the_comparison_notices_what_a_fingerprint_overlooks(
    monkeypatch: pytest.MonkeyPatch, name: str, left_out: list[str], order: Any
) -> None:
    monkeypatch.setattr(execution, "Fingerprinter", without(*left_out))
    with pytest.raises(AssertionError, match="pruning left out"):
        cross_check(SMALL[name].scenario, order=order)


# -- the pieces


def number(*state: object) -> int:
    return Fingerprinter(lambda task: task.get_name()).number(list(state))


async def work() -> None:
    await asyncio.sleep(1)


def pictures(*steps: str) -> list[object]:
    """Return the fingerprints of a task along its life."""
    found: list[object] = []
    with StepLoop().running() as loop:
        task = loop.create_task(work(), name="task")
        for step in steps:
            if step == "run":
                loop.step()
            elif step == "cancel":
                task.cancel()
            elif step == "watch":
                task.add_done_callback(print)
            else:
                loop.advance_to(1)
            walk = Fingerprinter(lambda task: task.get_name())
            found.append(walk.number(walk.task(task)))
        abandon(task)
    return found


def test_every_stage_of_a_task_is_another_state() -> None:
    lives = [("run", "time", "run"), ("run", "watch"), ("run", "cancel", "run"), ("cancel",), ("time", "cancel")]
    stages = {stage for life in lives for stage in pictures(*life)}
    assert len(stages) == 7, "created, asleep, watched, cancelled asleep or before, ended either way"
    assert pictures("run", "cancel") == pictures("run", "cancel")


def test_what_is_ready_is_told_apart() -> None:
    def walk() -> Fingerprinter:
        return Fingerprinter(lambda task: task.get_name())

    with StepLoop().running() as loop:
        one, other = loop.create_task(work(), name="one"), loop.create_task(work(), name="other")
        loop.call_soon(print, 1)
        loop.call_soon(print, 2)
        assert len({walk().number(walk().ready(handle)) for handle in loop.ready}) == 4
        abandon(one)
        abandon(other)


class Holder:
    def __init__(self, tasks: set[Any]) -> None:
        self.tasks = tasks


def test_sets_of_tasks_have_no_order() -> None:
    with StepLoop().running() as loop:
        tasks = [loop.create_task(work(), name=str(n)) for n in range(20)]
        again = [loop.create_task(work(), name=str(n)) for n in reversed(range(20))]
        assert number(Holder(set(tasks))) == number(Holder(set(again)))
        assert number(Holder(set(tasks))) != number(Holder(set(tasks[1:])))
        for task in tasks + again:
            abandon(task)


def test_a_set_that_two_share_is_one_set() -> None:
    one: set[int] = {1}
    assert number([one], [one]) != number([one], [{1}])
