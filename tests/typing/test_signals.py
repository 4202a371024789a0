"""What type checkers know of signals, wait queues and errors."""

from __future__ import annotations

import asyncio
from typing import Literal, assert_type

import pytest

import aiochan as ac
from aiochan.core import WaitQueue


async def signals(done: ac.Signal) -> None:
    assert_type(done.closed, bool)
    assert_type(done.close(), None)
    assert_type(await done.wait(), None)
    assert_type(await done.recv(), None)
    assert_type(await done.recv_ok(), tuple[None, Literal[False]])
    assert_type(done.recv_nowait(), None)


def a_signal_is_a_receive_end(done: ac.Signal) -> ac.RecvChan[None]:
    return done


async def hear(end: ac.RecvChan[object]) -> object:
    return await end.recv()


class Semaphore:
    """What people build on a wait queue: its tags say how much each of them wants."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.line = WaitQueue[int]("semaphore")

    async def acquire(self, count: int = 1) -> None:
        if len(self.line) > 0 or self.free < count:
            await self.line.park(count, give_back=lambda: self.release(count))
        else:
            self.free -= count

    def release(self, count: int = 1) -> None:
        self.free += count
        while (first := self.line.first) is not None and first <= self.free:
            assert_type(first, int)
            self.free -= first
            assert_type(self.line.wake(), int)


async def queues(queue: WaitQueue[str]) -> None:
    assert_type(len(queue), int)
    assert_type(queue.first, str | None)
    assert_type(queue.wake(2), int)
    assert_type(queue.wake_all(), int)
    assert_type(list(queue), list[str | None])
    task = asyncio.create_task(queue.park("tag"))
    await asyncio.sleep(0)
    queue.wake()
    assert_type(await assert_type(task, asyncio.Task[None]), None)


def errors(ch: ac.Chan[int]) -> str:
    try:
        ch.close(OSError("why"))
        ch.send_nowait(1)
    except ac.ChannelClosed as error:
        assert_type(error.channel, object)
        assert_type(error.index, int | None)
        return str(error.__cause__)
    except ac.WouldBlock:
        return "blocked"
    return "sent"


def a_timeout_is_a_timeout(error: ac.DeadlineExceeded) -> TimeoutError:
    return error


def misuse_is_a_runtime_error(error: ac.WrongLoop) -> RuntimeError:
    return error


# -- and run


def test_signals_run() -> None:
    asyncio.run(signals(ac.Signal("done")))
    done = ac.Signal()
    done.close()
    assert a_signal_is_a_receive_end(done) is done
    assert asyncio.run(hear(done)) is None


def test_wait_queues_run() -> None:
    asyncio.run(queues(WaitQueue[str]()))


def test_what_is_built_on_them_runs() -> None:
    async def main() -> list[str]:
        semaphore, log = Semaphore(3), list[str]()

        async def work(name: str, count: int) -> None:
            await semaphore.acquire(count)
            log.append(name)
            semaphore.release(count)

        await semaphore.acquire(3)
        async with asyncio.TaskGroup() as group:
            for name, count in (("two", 2), ("three", 3), ("one", 1)):
                group.create_task(work(name, count))
            await asyncio.sleep(0)
            semaphore.release(3)
        return log

    assert asyncio.run(main()) == ["two", "three", "one"]


def test_errors_run() -> None:
    assert errors(ac.Chan[int](1)) == "why"
    assert a_timeout_is_a_timeout(ac.DeadlineExceeded())
    with pytest.raises(RuntimeError):
        raise misuse_is_a_runtime_error(ac.WrongLoop())
