"""Go's tests of timers whose channels are as they are since Go 1.23: time/{sleep,tick}_test.go.

The originals sleep, and allow for a slow machine. Here time is virtual, and a tick comes exactly when it should.
"""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

import aiochan as ac
from aiochan.testing.virtual import advance, run, settle

FAR = 10_000.0


def ready(ch):
    """Whether there is something to receive; it is received."""
    try:
        ch.recv_nowait()
    except ac.WouldBlock:
        return False
    return True


def test_after():
    """TestAfter: what is received is the time at which it was sent."""

    async def main():
        loop = asyncio.get_running_loop()
        start = loop.time()
        end = await ac.after(0.1).recv()
        assert end - start == pytest.approx(0.1)
        assert end == loop.time()

    run(main)


def test_after_tick():
    """TestAfterTick: ten times a while is ten whiles."""

    async def main():
        for _ in range(10):
            await ac.after(0.1).recv()
        assert asyncio.get_running_loop().time() == pytest.approx(1)

    run(main)


@pytest.mark.parametrize("n", [100, pytest.param(10_000, marks=pytest.mark.stress)])
def test_after_queuing(n):
    """TestAfterQueuing: slots are served in the order of their times, those of equal times in any."""

    async def main():
        slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0] * (n // 13)
        done = ac.Chan()

        async def wait(slot):
            await done.send((slot, await ac.after(slot).recv()))

        async with asyncio.TaskGroup() as group:
            for slot in slots:
                group.create_task(wait(slot))
            served = [await done.recv() for _ in slots]
        assert [slot for slot, _ in served] == sorted(slots)
        assert all(slot == now for slot, now in served)

    run(main)


def test_zero_timer():
    """TestZeroTimer, TestSleepZeroDeadlock: a timer of nothing goes off, again and again."""

    async def main():
        timer = ac.Timer(0)
        for _ in range(1000):
            await timer.ch.recv()
            timer.reset(0)
        await timer.ch.recv()

    run(main)


@pytest.mark.parametrize("d", [1, 50, 0.001])
def test_reset(d):
    """TestReset (testReset): a timer that is put off goes off later, and once."""

    async def main():
        timer = ac.Timer(2 * d)
        await advance(d)
        assert timer.reset(3 * d) is True
        await advance(2 * d)
        assert not ready(timer.ch)
        await advance(1.5 * d)
        assert ready(timer.ch)
        assert timer.reset(0.05 * d) is False

    run(main)


def test_overflow_sleep():
    """TestOverflowSleep: what is too long for any clock does not go off, and what is too short does at once."""

    async def main():
        long, short = ac.after(1e308), ac.after(-1e308)
        assert await ac.select(ac.recv(long), ac.recv(short)) == (1, 0)
        await advance(25)
        assert not ready(long)

    run(main)


def test_long_adjust_timers():
    """TestLongAdjustTimers: many timers that are far away do not hinder one that is near."""

    async def main():
        far = [ac.Timer(FAR + i) for i in range(1000)]
        near = ac.Timer(1)
        for timer in far:
            timer.reset(FAR)
        assert await near.ch.recv() == 1

    run(main)


@pytest.mark.parametrize(("count", "delta"), [(10, 0.02), (8, 1)])
def test_ticker(count, delta):
    """TestTicker: as many ticks take as many periods, also after a reset; and none comes after a stop."""

    async def main():
        ticker = ac.Ticker(delta)
        for _ in range(count // 2):
            await ticker.ch.recv()
        ticker.reset(delta * 2)
        for _ in range(count // 2):
            await ticker.ch.recv()
        ticker.stop()
        assert asyncio.get_running_loop().time() == pytest.approx(3 * delta * (count // 2))
        await advance(2 * delta)
        assert not ready(ticker.ch)

    run(main)


def test_teardown():
    """TestTeardown: to make one, to wait for a tick and to stop it does not hang."""

    async def main():
        for _ in range(3):
            ticker = ac.Ticker(0.1)
            await ticker.ch.recv()
            ticker.stop()

    run(main)


def test_less_than_zero():
    """TestNewTickerLtZeroDuration, TestTickLtZeroDuration, TestTickerResetLtZeroDuration.

    Go's Tick answers nil, on which a receive would wait for ever; here all three refuse.
    """

    async def main():
        ticker = ac.Ticker(1)
        for call in (ac.Ticker, ac.tick, ticker.reset):
            for wrong in (-1, 0):
                with pytest.raises(ValueError, match="period must be more than 0"):
                    call(wrong)

    run(main)


def test_garbage():
    """TestTickerGC, TestTimerGC and the like: what is neither stopped nor referenced is collected."""

    async def main():
        refs = [weakref.ref(thing) for thing in (ac.Timer(FAR), ac.Ticker(FAR), ac.tick(FAR), ac.after(FAR))]
        gc.collect()
        assert [ref() for ref in refs] == [None] * 4
        assert not asyncio.get_running_loop().timers

    run(main)


# -- TestChan: a timer and a ticker whose channel shows nothing that may still be taken back


class Subject:
    """A timer or a ticker, to be tested in one way. `reset` lets it go off so long from now."""

    def __init__(self, kind):
        self.kind = kind
        self.it = kind(FAR)
        self.ch = self.it.ch

    def stop(self):
        return self.it.stop()

    def reset(self, d):
        return self.it.reset(d)

    def check(self):
        """Nothing to be seen by `len` and `cap`, whatever has been sent."""
        assert (len(self.ch), self.ch.capacity) == (0, 0)

    def no_tick(self):
        self.check()
        assert not ready(self.ch)

    def tick(self):
        self.check()
        assert ready(self.ch)
        self.check()


@pytest.fixture(params=[ac.Timer, ac.Ticker])
def kind(request):
    return request.param


def test_chan_no_tick_before_its_time(kind):
    async def main():
        subject = Subject(kind)
        subject.no_tick()
        subject.reset(1)
        await advance(1)
        subject.tick()
        subject.no_tick()

    run(main)


def test_chan_stop_and_reset_throw_away_what_was_sent(kind):
    async def main():
        subject = Subject(kind)
        subject.reset(1)
        await advance(1)
        stopped = subject.stop()
        assert stopped is (True if kind is ac.Timer else None), "as if it had not been sent yet"
        subject.no_tick()
        subject.reset(1)
        await advance(1)
        stopped = subject.reset(FAR)
        assert stopped is (True if kind is ac.Timer else None)
        subject.no_tick()
        subject.reset(1)
        subject.stop()
        await advance(2)
        subject.no_tick()

    run(main)


def test_chan_reset_of_one_that_is_running_or_stopped(kind):
    async def main():
        subject = Subject(kind)
        for _ in range(3):
            subject.reset(FAR)
            subject.no_tick()
            subject.reset(1)
            await advance(1)
            subject.tick()
            subject.stop()
            subject.no_tick()

    run(main)


@pytest.mark.parametrize("n", [1, 3])
def test_chan_receivers_that_wait_across_resets(kind, n):
    """They sleep on it while it is stopped and set anew, and are served one by one."""

    async def main():
        subject, served = Subject(kind), []

        async def receive():
            served.append(await subject.ch.recv())

        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(receive())
            await settle()
            subject.stop()
            subject.reset(FAR)
            await settle()
            assert served == []
            for i in range(n):
                subject.reset(1)
                await advance(1)
                assert len(served) == i + 1
        subject.no_tick()

    run(main)


def test_chan_selects_that_wait_across_resets(kind):
    """Of many selects on it and on an end, those that the timer does not serve leave nothing behind."""

    async def main():
        subject, done, served = Subject(kind), ac.Signal(), []

        async def wait():
            served.append(await ac.select(ac.recv(subject.ch), ac.recv(done)))

        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(wait())
            await settle()
            subject.reset(1)
            await advance(1)
            assert [index for index, _ in served] == [0]
            done.close()
        assert sorted(index for index, _ in served) == [0] + [1] * 9
        subject.stop()
        subject.no_tick()

    run(main)


def test_chan_select_with_a_default(kind):
    async def main():
        subject = Subject(kind)
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(subject.ch))
        subject.reset(1)
        await advance(1)
        assert ac.select_nowait(ac.recv(subject.ch)) == (0, 1)
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(subject.ch))

    run(main)
