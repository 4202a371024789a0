"""H24: a woken task runs in its own context, not in that of whoever woke it or was woken before it."""

import asyncio
import contextvars

from aiochan.core import WaitQueue
from tests.hazards.awaits import every_wait
from tests.hazards.stage import settle, start, until

who = contextvars.ContextVar("who", default="nobody")


async def speaks(name, operation, heard):
    who.set(name)
    await operation()
    heard.append((name, who.get()))
    who.set(f"{name} has run")  # seen by nobody who is woken after it


@every_wait
def test_h24_a_woken_task_finds_its_own_context(run, make):
    async def main():
        heard, waits = [], [make() for _ in range(3)]
        tasks = []
        for number, wait in enumerate(waits):
            tasks += await start(speaks(number, wait.operation, heard), on=wait.things)
        who.set("the waker")
        for wait in waits:  # they are resumed together, one after the other
            wait.answer()
        await settle(*tasks)
        assert heard == [(0, 0), (1, 1), (2, 2)]
        assert who.get() == "the waker"

    run(main)


@every_wait
def test_h24_so_does_one_that_is_woken_by_a_bare_callback(run, make):
    async def main():
        heard, wait = [], make()
        tasks = await start(speaks("sleeper", wait.operation, heard), on=wait.things)
        context = contextvars.copy_context()
        context.run(who.set, "a callback")
        asyncio.get_running_loop().call_soon(wait.answer, context=context)
        await settle(*tasks)
        assert heard == [("sleeper", "sleeper")]
        assert context[who] == "a callback"

    run(main)


@every_wait
def test_h24_a_task_that_is_cancelled_leaves_in_its_own_context(run, make):
    async def main():
        heard, wait = [], make()

        async def leaves():
            who.set("sleeper")
            try:
                await wait.operation()
            finally:
                heard.append(who.get())

        [task] = await start(leaves(), on=wait.things)
        who.set("the canceller")
        task.cancel()
        await settle(task)
        assert heard == ["sleeper"]

    run(main)


def test_h24_what_was_granted_is_given_back_in_the_context_of_the_one_it_was_granted_to(run):
    async def main():
        queue, heard = WaitQueue(), []

        async def sleeps():
            who.set("sleeper")
            await queue.park(give_back=lambda: heard.append(who.get()))

        [task] = await start(sleeps(), on=[queue])
        who.set("the waker")
        queue.wake()
        task.cancel()
        await settle(task)
        assert heard == ["sleeper"]

    run(main)


def test_h24_callbacks_and_tasks_of_a_woken_task_inherit_its_context(run):
    async def main():
        queue, heard = WaitQueue(), []

        async def child():
            heard.append(who.get())

        async def parent():
            who.set("parent")
            await queue.park()
            asyncio.get_running_loop().call_soon(lambda: heard.append(who.get()))
            await asyncio.create_task(child())

        [task] = await start(parent(), on=[queue])
        who.set("the waker")
        queue.wake()
        await task
        assert heard == ["parent", "parent"]

    run(main)


def test_h24_two_tasks_may_share_a_context(run):
    async def main():
        queue, context = WaitQueue(), contextvars.copy_context()

        async def counts():
            await queue.park()
            who.set(who.get(0) + 1 if who.get() != "nobody" else 1)

        tasks = [asyncio.create_task(counts(), context=context) for _ in range(3)]
        await until(lambda: len(queue) == 3)
        queue.wake_all()
        await settle(*tasks)
        assert context[who] == 3

    run(main)
