"""Questions that no other test asks; mutants lived because of that. The job `core` does these tests too.

A queue that is being drained is taken for that of the running loop: not in another thread, and not for ever. And a
select that was served stands in no line any more, whatever it is asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import aiochan as ac
from tests.core.batches import BatchLoop, asleep, running, settle

Operation = Callable[[ac.Chan[str]], Coroutine[Any, Any, object]]


def _elsewhere(operation: Operation, ch: ac.Chan[str]) -> object:
    """Do it in a loop of another thread, and return what it answers or raises."""
    answers: list[object] = []

    def work() -> None:
        try:
            answers.append(asyncio.run(operation(ch)))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return answers[0]


def _while_drained(operation: Operation) -> object:
    """Do that in the middle of a drain of this thread, with a channel that belongs here."""
    with running(BatchLoop()) as loop:
        ch = ac.Chan[str](name="home")

        async def woken() -> object:
            await ch.recv()
            return _elsewhere(operation, ch)

        (task,) = asleep(loop, woken())
        ch.send_nowait("go")
        settle(loop)
        ch._check()
        return task.result()


async def _exchange(_: object = None) -> str:
    """Sleep in several ways, on a channel of the running loop, and be woken."""
    ch = ac.Chan[str]()
    sender = asyncio.ensure_future(ch.send("plain"))
    await asyncio.sleep(0)
    plain = await ch.recv()
    await sender
    choosing = asyncio.ensure_future(ac.select(ac.recv(ch), ac.recv(ac.never())))
    await asyncio.sleep(0)
    await ch.send("chosen")
    return f"{plain}, {(await choosing)[1]}"


def test_a_drain_in_another_thread_is_not_ours() -> None:
    assert _while_drained(_exchange) == "plain, chosen"


async def _recv(ch: ac.Chan[str]) -> object:
    return await ch.recv()


async def _send(ch: ac.Chan[str]) -> object:
    return await ch.send("foreign")


async def _select(ch: ac.Chan[str]) -> object:
    return await ac.select(ac.recv(ch), ac.recv(ac.never()))


@pytest.mark.parametrize("operation", [_recv, _send, _select])
def test_a_drain_lets_nobody_in_from_another_thread(operation: Operation) -> None:
    assert type(_while_drained(operation)) is ac.WrongLoop


def test_an_interrupted_drain_is_over() -> None:
    """Its loop may never run again; another one in this thread is not to be taken for it."""
    left = BatchLoop()
    ch = ac.Chan[str]()

    async def interrupt() -> None:
        await ch.recv()
        raise KeyboardInterrupt

    with left.running():
        asleep(left, interrupt())
        ch.send_nowait("go")
        with pytest.raises(KeyboardInterrupt):
            left.step()
    with running(BatchLoop()) as loop:
        (task,) = asleep(loop, _exchange())
        assert task.result() == "plain, chosen"


def test_a_served_select_names_what_served_it_only() -> None:
    with running(BatchLoop()) as loop:
        one, two = ac.Chan[str](), ac.Chan[str]()
        (task,) = asleep(loop, ac.select(ac.recv(one), ac.recv(two)))
        waiter: Any = task._fut_waiter  # type: ignore[attr-defined]
        assert waiter.waits_for() == [(one, "recv", 0), (two, "recv", 1)]
        two.send_nowait("go")
        assert waiter.waits_for() == [(two, "recv", 1)]
