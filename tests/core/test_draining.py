"""Whoever sleeps while a run queue is being drained takes its loop for the running one. When that would be wrong."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading

import pytest

import aiochan as ac

FORK = """
    import asyncio, os
    import aiochan as ac

    async def child():
        ch = ac.Chan()
        sender = asyncio.create_task(ch.send("a value"))
        return await ch.recv(), await sender

    async def worker(go):
        await go.recv()  # woken, so the queue is being drained
        pid = os.fork()
        if pid:
            return os.waitpid(pid, 0)[1]
        assert asyncio.run(child()) == ("a value", None)
        os._exit(0)

    async def main():
        go = ac.Chan()
        task = asyncio.create_task(worker(go))
        await asyncio.sleep(0)
        await go.send(None)
        return await task

    assert asyncio.run(main()) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_was_forked_by_a_woken_task_has_loops_of_its_own():
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORK)], check=True, timeout=60)


def test_a_loop_that_moved_drains_in_its_new_thread():
    """Before any channel of it was used there: the old thread may have another loop by then."""
    loop = asyncio.new_event_loop()
    go, inside, leave = ac.Chan[int](), threading.Event(), threading.Event()

    async def woken(number: int) -> None:
        await go.recv()
        loop.stop()
        if number:
            inside.set()
            leave.wait(60)

    async def start() -> list[asyncio.Task[None]]:
        tasks = [loop.create_task(woken(number)) for number in range(2)]
        await asyncio.sleep(0)
        return tasks

    async def of_its_own() -> str:
        ch = ac.Chan[str]()
        sender = asyncio.create_task(ch.send("a value"))
        value = await ch.recv()
        await sender
        return value

    tasks = loop.run_until_complete(start())
    go.send_nowait(0)
    go.send_nowait(1)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert inside.wait(60)
        assert asyncio.run(of_its_own()) == "a value"
    finally:
        leave.set()
        thread.join()
    assert all(task.done() for task in tasks)
    loop.close()
