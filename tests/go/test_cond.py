"""Go's tests of sync.Cond: cond_test.go (SY03, SY04, B14)."""

import asyncio
import copy

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.conformance.kit import settle


def test_cond_signal(run):
    """TestCondSignal: each signal wakes one, and only one."""

    async def main():
        m, n = ac.Mutex(), 2
        c = ac.Cond(m)
        running, awake = ac.Chan(n), ac.Chan(n)

        async def goroutine():
            await m.lock()
            running.send_nowait(True)
            await c.wait()
            awake.send_nowait(True)
            m.unlock()

        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(goroutine())
            for _ in range(n):
                await running.recv()  # wait for everyone to run
            for left in range(n, 0, -1):
                with pytest.raises(ac.WouldBlock):
                    awake.recv_nowait()  # nobody is to be awake
                await m.lock()
                assert c.waiters == left
                c.signal()
                m.unlock()
                await awake.recv()
                await settle()
                with pytest.raises(ac.WouldBlock):
                    awake.recv_nowait()  # one, and not two
            c.signal()

    run(main)


def test_cond_signal_generations(run):
    """TestCondSignalGenerations: a hundred, woken one after the other, in the order in which they came."""

    async def main():
        m, n = ac.Mutex(), 100
        c = ac.Cond(m)
        running, awake = ac.Chan(n), ac.Chan(n)

        async def goroutine(i):
            await m.lock()
            running.send_nowait(True)
            await c.wait()
            awake.send_nowait(i)
            m.unlock()

        async with asyncio.TaskGroup() as group:
            for i in range(n):
                group.create_task(goroutine(i))
                if i > 0:
                    assert await awake.recv() == i - 1
                await running.recv()
                await m.lock()
                c.signal()
                m.unlock()

    run(main)


def test_cond_broadcast(run):
    """TestCondBroadcast: two hundred wait and are woken by each broadcast, round after round, until they may leave."""

    async def main():
        m, n = ac.Mutex(), 200
        c = ac.Cond(m)
        running, awake = ac.Chan(n), ac.Chan(n)
        leave = False

        async def goroutine(g):
            await m.lock()
            while not leave:
                running.send_nowait(g)
                await c.wait()
                awake.send_nowait(g)
            m.unlock()

        async with asyncio.TaskGroup() as group:
            for i in range(n):
                group.create_task(goroutine(i))
            for i in range(n):
                for _ in range(n):
                    await running.recv()  # will not run unless just slept
                if i == 3:  # Go goes on for all 200 rounds
                    await m.lock()
                    leave = True
                    m.unlock()
                with pytest.raises(ac.WouldBlock):
                    awake.recv_nowait()
                await m.lock()
                c.broadcast()
                m.unlock()
                seen = {await awake.recv() for _ in range(n)}
                assert len(seen) == n, "somebody woke up twice"
                if leave:
                    break
            with pytest.raises(ac.WouldBlock):
                running.recv_nowait()
            c.broadcast()

    run(main)


def race(spawn):
    """Start the three goroutines of TestRace: 1, 2, 3; each of the last two is seen by who waits for it."""
    c, x = ac.Cond(), 0

    async def first():
        nonlocal x
        async with c:
            x = 1
            await c.wait()
            assert x == 2, "want 2"
            x = 3
            c.signal()

    async def second():
        nonlocal x
        while True:
            async with c:
                if x == 1:
                    x = 2
                    c.signal()
                    return
            await asyncio.sleep(0)

    async def third():
        while True:
            async with c:
                if x == 2:
                    await c.wait()
                    assert x == 3, "want 3"
                if x == 3:
                    return
            await asyncio.sleep(0)

    for goroutine in (first, second, third):
        spawn(goroutine)
    return c


def test_race(run):
    """TestRace, as it is."""

    async def main():
        async with asyncio.TaskGroup() as group:
            race(lambda goroutine: group.create_task(goroutine()))

    run(main)


def test_race_in_every_order():
    """TestRace, in every order in which a loop can run it."""

    def program(run):
        run.watch(race(run.spawn))
        run.at_end(lambda: all_ended(run))

    result = explore(program, order="any")
    result.check()
    assert result.complete


def all_ended(run):
    assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"


def stealing(spawn, cond, over):
    """Start a broadcast, and one who comes to wait at the same time. He may be woken by it or not."""

    async def tell():
        cond.broadcast()

    async def late():
        async with cond:
            await cond.wait_for(lambda: over)

    spawn(tell)
    spawn(late)


def test_cond_signal_stealing(run):
    """TestCondSignalStealing: who waited when the broadcast came is woken, whoever comes meanwhile."""

    async def main():
        for _ in range(100):  # Go's thousand are for a race of threads
            cond, ch, over = ac.Cond(), ac.Chan(2), []

            async def waiter(cond=cond, ch=ch):
                async with cond:
                    await ch.send("ready")
                    await cond.wait()
                await ch.send("woken")

            async with asyncio.TaskGroup() as group:
                group.create_task(waiter())
                assert await ch.recv() == "ready"
                await cond.mutex.lock()
                cond.mutex.unlock()  # so it is in cond.wait() by now
                stealing(lambda goroutine, group=group: group.create_task(goroutine()), cond, over)
                assert await ch.recv() == "woken"
                async with cond:
                    over.append(True)
                cond.broadcast()  # for the late one, in case that it did not get the first

    run(main)


def test_cond_signal_stealing_in_every_order():
    """TestCondSignalStealing: with the first one's wait in the race as well."""

    def program(run):
        cond, heard, waiting = ac.Cond(), [], []

        async def waiter(who):
            async with cond:
                waiting.append(who)
                await cond.wait()
                heard.append(who)

        async def tell():
            told = [*waiting]
            cond.broadcast()
            run.at_end(lambda: sure(sorted(heard) == sorted(told)))

        def sure(holds):
            assert holds, "woken was somebody else than who waited"

        run.watch(cond)
        for who in "ab":
            run.spawn(waiter, who, name=who)
        run.spawn(tell)

    result = explore(program, order="any")
    result.check()
    assert result.complete


def test_cond_copy():
    """TestCondCopy: a copy of a Cond is refused; in Go at its first use, here at once."""
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(ac.Cond())
