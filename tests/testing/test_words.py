"""Steps in words."""

from __future__ import annotations

import asyncio
from functools import partial

from aiochan.testing.loop import StepLoop
from aiochan.testing.words import callback_words, error_words, stand_words


async def nap() -> None:
    await asyncio.sleep(0)


async def fails() -> None:
    raise LookupError("two\nlines")


def test_errors_on_one_line() -> None:
    assert error_words(LookupError("two\n  lines")) == "LookupError: two lines"
    assert error_words(KeyError()) == "KeyError"


def test_callbacks_by_task_or_by_what_they_call() -> None:
    def local() -> None:
        pass

    async def schedules() -> None:
        loop.call_soon(local)

    loop = StepLoop()
    with loop.running():
        task = loop.create_task(schedules(), name="task")
        loop.call_soon(local)
        loop.call_soon(partial(print, 1))
        assert [callback_words(handle) for handle in loop.ready] == ["task", "local()", "partial()"]
        assert loop.step().owner is task
        assert callback_words(loop.ready[-1]) == "local() for task"


def test_where_a_task_stands() -> None:
    loop = StepLoop()
    with loop.running():
        task, failing = loop.create_task(nap(), name="task"), loop.create_task(fails(), name="failing")
        loop.step()
        assert stand_words(task) == f"task: ready to run, at test_words.py:{nap.__code__.co_firstlineno + 1} in nap"
        loop.step()
        loop.step()
        assert stand_words(task) == "task: returns"
        assert stand_words(failing) == "failing: fails with LookupError: two lines"
        failing.exception()
        cancelled = loop.create_task(nap(), name="cancelled")
        cancelled.cancel()
        loop.step()
        assert stand_words(cancelled) == "cancelled: is cancelled"
