"""What reports say about tasks in every state."""

from __future__ import annotations

import asyncio

import aiochan as ac
from aiochan.testing.loop import StepLoop
from aiochan.testing.report import describe_task, describe_tasks, describe_wait


async def wait_for_event() -> None:
    await asyncio.Event().wait()


async def receive(ch: ac.Chan[int]) -> None:
    await ch.recv()


def test_the_states_of_a_task() -> None:
    with StepLoop().running() as loop:
        task = loop.create_task(wait_for_event(), name="waiter")
        assert describe_wait(task) == "ready to run"
        loop.step()
        assert describe_wait(task).startswith("waits for <Future pending")
        line = wait_for_event.__code__.co_firstlineno + 1
        assert describe_task(task).endswith(f", at test_report.py:{line} in wait_for_event")
        task.cancel()
        loop.step()
        assert describe_task(task) == "waiter: done"


def test_an_operation_is_described_by_what_it_wants() -> None:
    with StepLoop().running() as loop:
        ch = ac.Chan[int](name="c")
        task = loop.create_task(receive(ch))
        loop.step()
        assert describe_wait(task) == f"waits for recv on {ch!r}"
        assert f":{receive.__code__.co_firstlineno + 1} in receive" in describe_task(task)
        ch.send_nowait(1)
        assert describe_wait(task) == "was woken (granted) and has not run yet"
        loop.step()


def test_a_select_is_described_by_its_cases() -> None:
    with StepLoop().running() as loop:
        one, two = ac.Chan[int](name="one"), ac.Chan[int](name="two")
        task = loop.create_task(ac.select(ac.recv(one), ac.recv(None), ac.send(two, 5)))
        nothing = loop.create_task(ac.select())
        loop.step()
        loop.step()
        assert describe_wait(task) == f"waits for case 0: recv on {one!r}; case 2: send on {two!r}"
        assert describe_wait(nothing) == "waits for select of nothing"
        task.cancel()
        nothing.cancel()
        loop.step()
        loop.step()


def test_several_tasks_stand_in_order_of_their_names() -> None:
    with StepLoop().running() as loop:
        tasks = [loop.create_task(wait_for_event(), name=name) for name in "cab"]
        text = describe_tasks(tasks)
        assert [line.split(":")[0] for line in text.splitlines()] == ["", "  a", "  b", "  c"]
        for task in tasks:
            task.cancel()
        while loop.ready:
            loop.step()
