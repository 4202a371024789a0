"""Go's tests of sync.WaitGroup: waitgroup_test.go (SY01, B15, P09)."""

import asyncio

import pytest

import aiochan as ac

N = 16


def test_wait_group(run):
    """TestWaitGroup: sixteen wait for each other by two groups, and the groups serve eight times."""

    async def round_(first, second):
        first.add(N)
        second.add(N)
        exited = ac.Chan(N)

        async def goroutine():
            first.done()
            await second.wait()
            exited.send_nowait(True)

        async with asyncio.TaskGroup() as group:
            for _ in range(N):
                group.create_task(goroutine())
            await first.wait()
            for _ in range(N):
                with pytest.raises(ac.WouldBlock):
                    exited.recv_nowait()  # the second group is not done, so nobody may have left
                second.done()
            for _ in range(N):
                await exited.recv()  # will block if somebody is not released

    async def main():
        first, second = ac.WaitGroup(), ac.WaitGroup()
        for _ in range(8):  # of the same two, to see that they can be used again
            await round_(first, second)

    run(main)


def test_wait_group_misuse():
    """TestWaitGroupMisuse: a done too many."""
    group = ac.WaitGroup()
    group.add(1)
    group.done()
    with pytest.raises(ac.MisuseError, match="negative WaitGroup counter"):
        group.done()


def test_wait_group_race(run):
    """TestWaitGroupRace: whoever returns from wait sees all that was done before. (Go's is for its race detector.)"""

    async def main():
        for _ in range(200):  # there a thousand
            group, n = ac.WaitGroup(), []

            async def goroutine(group=group, n=n):
                n.append(1)
                group.done()

            group.add(1)
            one = asyncio.create_task(goroutine())
            group.add(1)
            other = asyncio.create_task(goroutine())
            await group.wait()
            assert len(n) == 2
            await asyncio.gather(one, other)

    run(main)


def test_wait_group_go(run):
    """TestWaitGroupGo: what `go` starts is waited for."""

    async def main():
        group, i = ac.WaitGroup(), []

        async def increment():
            i.append(1)

        group.go(increment)
        await group.wait()
        assert i == [1]

    run(main)
