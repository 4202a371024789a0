"""H25: event loops and tasks that are not asyncio's own. Of a loop only `call_soon` and three questions are asked."""

import asyncio
import inspect
import re

import pytest

import aiochan as ac
from aiochan.testing.loop import StepLoop
from tests.hazards.awaits import every_wait
from tests.hazards.means import MEANS, ORDERS, Meeting
from tests.hazards.receiving import RECEIVE, VARIANTS, receive_cell
from tests.hazards.sending import CELLS, send_cell
from tests.hazards.stage import assert_idle, core_sources


def python_task(loop, coroutine, **options):
    return asyncio.tasks._PyTask(coroutine, loop=loop, **options)


@pytest.mark.parametrize("means", MEANS, ids=lambda means: means.name)
def test_h25_tasks_that_are_written_in_python(run, means):
    """As other interpreters have them; the table is the same."""

    async def main():
        asyncio.get_running_loop().set_task_factory(python_task)
        for order in ORDERS:
            for row in RECEIVE:
                for variant in VARIANTS:
                    verdict, _ = await receive_cell(row, *variant, means, Meeting(order))
                    assert verdict == "kept", (row, order, variant)
            for cell in CELLS:
                verdict, _ = await send_cell(*cell, means, Meeting(order))
                assert verdict == "kept", (cell, order)

    run(main)


MAY_ASK = {"call_soon", "is_closed", "get_debug", "single_steps"}
TESTS_ASK = {"running", "create_task", "ready", "step", "errors"}


class Frugal(StepLoop):
    """A loop that refuses whatever the core has no business to ask for, and drains woken tasks together."""

    single_steps = False

    def __getattribute__(self, name):
        frame = inspect.currentframe().f_back
        asking = frame.f_globals.get("__name__", "")
        if asking.startswith("aiochan.core"):
            assert name in MAY_ASK, f"the core asked for loop.{name}"
        elif not asking.startswith("aiochan."):  # a test; or the compiled core, which has no frame of its own
            assert name in MAY_ASK | TESTS_ASK, f"somebody asked for loop.{name}"
        return super().__getattribute__(name)


@every_wait
@pytest.mark.parametrize("end", ["answer", "cancel", "both"])
def test_h25_a_loop_is_asked_for_little(make, end):
    with Frugal().running() as loop:
        wait = make()
        task = loop.create_task(wait.operation())
        while loop.ready:
            loop.step()
        assert wait.asleep()
        if end != "cancel":
            wait.answer()
        if end != "answer":
            task.cancel()
        while loop.ready:
            loop.step()
        assert task.done()
        assert task.cancelled() == (end != "answer")
        assert_idle(*wait.things)
    assert not loop.errors


def test_h25_woken_tasks_are_drained_by_one_callback():
    with Frugal().running() as loop:
        ch = ac.Chan()
        tasks = [loop.create_task(ch.recv()) for _ in range(5)]
        while loop.ready:
            loop.step()
        for number in range(5):
            ch.send_nowait(number)
        assert len(loop.ready) == 1
        loop.step()
        assert [task.done() for task in tasks] == [True] * 5
        assert [task.result() for task in tasks] == list(range(5))


def test_h25_a_loop_of_single_steps_has_a_callback_for_each():
    with StepLoop().running() as loop:
        ch = ac.Chan()
        tasks = [loop.create_task(ch.recv()) for _ in range(5)]
        while loop.ready:
            loop.step()
        for number in range(5):
            ch.send_nowait(number)
        assert [handle.owner for handle in loop.ready] == tasks
        while loop.ready:
            loop.step()
        assert [task.result() for task in tasks] == list(range(5))


INNARDS = re.compile(r"\._(ready|fut_waiter|must_cancel|callbacks|scheduled|step|coro|state|loop)\b")
IN_C = re.compile(INNARDS.pattern.replace(r"\.", '"'))  # there a name is a string


def test_h25_the_core_touches_no_innards_of_asyncio():
    for path, text in core_sources().items():
        for number, line in enumerate(text.splitlines(), 1):
            match = (INNARDS if path.suffix == ".py" else IN_C).search(line)
            assert match is None or "self._" in line, f"{path.name}:{number}: {line.strip()}"
