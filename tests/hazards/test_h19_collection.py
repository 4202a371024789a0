"""H19: the event loop knows its tasks weakly, so who sleeps has to be held by what it sleeps on."""

import asyncio
import gc
import weakref

import aiochan as ac
from tests.hazards.awaits import every_wait
from tests.hazards.stage import settle, until


@every_wait
def test_h19_a_sleeping_task_is_kept_by_what_it_waits_for(run, make):
    async def main():
        wait, ended = make(), []

        async def sleeper():
            await wait.operation()
            ended.append(True)

        asyncio.create_task(sleeper())  # nobody else holds it
        await until(wait.asleep)
        gc.collect()
        assert wait.asleep()
        wait.answer()
        await until(lambda: ended)

    run(main)


@every_wait
def test_h19_a_woken_task_is_kept_until_it_has_run(run, make):
    async def main():
        wait, ended = make(), []

        async def sleeper(operation):
            await operation()
            ended.append(True)

        asyncio.create_task(sleeper(wait.operation))
        await until(wait.asleep)
        wait.answer()
        wait.things = wait.operation = wait.answer = None  # a woken task stands in no line any more
        gc.collect()
        await until(lambda: ended)

    run(main)


def test_h19_an_island_sinks_and_asyncio_says_so(run):
    """Tasks that sleep on a channel which only they know: nobody can ever wake them.

    They are collected like any other task that waits for something lost, with asyncio's own word about each and
    nothing more; a leak check finds them before that.
    """

    async def main():
        said = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
        ch = ac.Chan()
        seen = weakref.ref(ch)
        tasks = [asyncio.create_task(ch.recv()), asyncio.create_task(ac.select(ac.recv(ch)))]
        await until(lambda: seen().stats().parked_receivers == 2)
        del ch, tasks
        gc.collect()
        assert seen() is None
        assert said == ["Task was destroyed but it is pending!"] * 2

    run(main)


@every_wait
def test_h19_what_nobody_waits_on_needs_no_collector_to_die(run, make):
    """Freed at once, by its reference count, also after it was slept on."""

    async def main():
        wait = make()
        task = asyncio.create_task(wait.operation())
        await until(wait.asleep)
        wait.answer()
        await settle(task)
        seen = [weakref.ref(thing) for thing in wait.things]
        del task
        gc.collect()
        gc.disable()
        try:
            wait.things = wait.operation = wait.answer = None
            assert [ref() for ref in seen] == [None] * len(seen)
        finally:
            gc.enable()

    run(main)
