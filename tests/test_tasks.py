"""`aiochan.tasks`: tasks are kept while they run, and tell what they fail with; `go` and others rely on it."""

import asyncio
import gc
import weakref

from aiochan.tasks import keep, tell_failure


def test_a_kept_task_is_not_thrown_away(run):
    async def main():
        async def waits_for_what_only_it_knows():
            future = asyncio.get_running_loop().create_future()
            futures.add(future)
            await future

        futures = weakref.WeakSet()
        task = asyncio.create_task(waits_for_what_only_it_knows())
        keep(task)
        known = weakref.ref(task)
        del task
        await asyncio.sleep(0)
        gc.collect()
        (future,) = futures
        future.set_result(None)
        await known()

    run(main)


def test_a_failure_is_told_at_once_and_only_that(run):
    async def main():
        loop, told, error = asyncio.get_running_loop(), [], ValueError("broken")
        loop.set_exception_handler(lambda _, context: told.append((context["message"], context["exception"])))

        async def end(how):
            if how is not None:
                raise how

        for how in (None, asyncio.CancelledError(), error):
            task = loop.create_task(end(how), name="it")
            tell_failure(task, "somebody")
            await asyncio.wait([task])
        assert told == [("the task 'it', which somebody started, has failed", error)]
        loop.set_exception_handler(None)

    run(main)
