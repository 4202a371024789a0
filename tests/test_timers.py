"""Time as channels: when values come, what stop and reset take back, and what is left on the loop: nothing.

CH16 (a timeout that leaks nothing), GP10 (what a schedule stands on). Time is virtual wherever it passes; on the real
loops timers are either due at once or far away.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import math
import subprocess
import sys
import threading
import weakref

import pytest

import aiochan as ac
from aiochan.testing.leaks import Leaked, no_leaks
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper
from aiochan.testing.virtual import Deadlock, advance
from aiochan.testing.virtual import run as run_virtual
from tests.conformance.kit import asleep, dismiss, settle

inf, nan = math.inf, math.nan


def live() -> int:
    """Count the timers that are on the running loop."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, StepLoop):
        return len(loop.timers)
    scheduled = getattr(loop, "_scheduled", None)
    if scheduled is None:  # uvloop hides them from everybody but the collector
        scheduled = [
            thing
            for thing in gc.get_objects()
            if type(thing).__name__ == "TimerHandle" and not isinstance(thing, asyncio.TimerHandle)
        ]
    return sum(not timer.cancelled() for timer in scheduled)


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def blocked(ch):
    """Whether there is nothing to receive now."""
    try:
        ch.recv_nowait()
    except ac.WouldBlock:
        return True
    return False


# -- after and at


def test_after_gives_the_time_once():
    async def main():
        ch = ac.after(2.5)
        assert blocked(ch)
        await advance(2.4)
        assert blocked(ch)
        assert await ch.recv() == 2.5
        await advance(100)
        assert blocked(ch)
        assert not ch.closed

    run_virtual(main)


def test_at_is_on_the_clock_of_the_loop():
    async def main():
        await advance(10)
        early, late = ac.at(12), ac.at(15.5)
        assert await late.recv() == 15.5
        assert early.recv_nowait() == 12
        assert live() == 0

    run_virtual(main)


def test_timers_go_off_in_order():
    async def main():
        channels = [ac.after(d) for d in (3, 1, 2, 1.5)]
        order = [await ac.select(*map(ac.recv, channels)) for _ in channels]
        assert order == [(1, 1), (3, 1.5), (2, 2), (0, 3)]

    run_virtual(main)


@pytest.mark.parametrize("d", [0, 0.0, -1, -1e300, -inf, -(10**400)])
@pytest.mark.parametrize("make", [ac.after, ac.Timer], ids=["after", "Timer"])
def test_nothing_to_wait_for_goes_off_in_the_next_turn(run, make, d):
    async def main():
        made = make(d)
        ch = made.ch if isinstance(made, ac.Timer) else made
        assert blocked(ch)
        await asyncio.sleep(0)
        assert ch.recv_nowait() <= asyncio.get_running_loop().time()
        assert blocked(ch)

    run(main)


def test_a_time_that_has_passed_goes_off_in_the_next_turn(run):
    async def main():
        for when in (asyncio.get_running_loop().time(), 0, -inf):
            ch = ac.at(when)
            assert blocked(ch)
            await asyncio.sleep(0)
            assert not blocked(ch)

    run(main)


NEVER = {
    "after": lambda: ac.after(inf),
    "after a large whole number": lambda: ac.after(10**400),
    "at": lambda: ac.at(inf),
    "tick": lambda: ac.tick(inf),
    "Timer": lambda: ac.Timer(inf).ch,
    "Ticker": lambda: ac.Ticker(inf).ch,
}


@pytest.mark.parametrize("make", NEVER.values(), ids=NEVER)
def test_infinity_never_comes_and_costs_no_handle(make):
    async def main():
        ch = make()
        assert live() == 0
        await advance(1e9)
        assert blocked(ch)

    run_virtual(main)


def test_a_task_that_waits_for_never_is_a_deadlock():
    async def main():
        await ac.after(inf).recv()

    with pytest.raises(Deadlock, match="after"):
        run_virtual(main)


# -- tick


def test_ticks_come_on_the_beat():
    async def main():
        ch = ac.tick(0.1)
        ticks = [await ch.recv() for _ in range(10_000)]
        assert ticks == [i * 0.1 for i in range(1, 10_001)]

    run_virtual(main)


def test_a_slow_reader_misses_ticks_and_keeps_the_beat():
    async def main():
        ch = ac.tick(1)
        await advance(3.5)
        assert ch.recv_nowait() == 1, "the one that found room"
        assert blocked(ch)
        assert [await ch.recv(), await ch.recv()] == [4, 5]
        assert ch.stats().dropped == 2

    run_virtual(main)


def late_ticks(period, *nows):
    """Let the loop look at its timers at these times only; what is received then."""
    with StepLoop().running() as loop:
        ch, got = ac.tick(period), []
        for now in nows:
            loop.advance_to(now)
            while loop.ready:
                loop.step()
            try:
                got.append(ch.recv_nowait())
            except ac.WouldBlock:
                got.append(None)
        return got


def test_a_late_loop_gives_one_tick_and_goes_on_with_the_beat():
    assert late_ticks(1, 0.5, 1.25, 4.75, 5, 5.5, 6, 9, 9.5, 10) == [None, 1.25, 4.75, 5, None, 6, 9, None, 10]


def test_a_loop_that_is_very_late_is_no_problem():
    assert late_ticks(1e-3, 1e12, 1e12 + 0.5) == [1e12, 1e12 + 0.5]


def test_a_period_that_the_clock_cannot_show_ticks_every_turn(run):
    async def main():
        ch = ac.tick(5e-324)
        assert len([await ch.recv() for _ in range(5)]) == 5

    run(main)


def test_a_ticker_in_async_for_and_select_loop():
    async def main():
        got = []
        async for now in ac.tick(2):
            got.append(now)
            if now >= 6:
                break
        async for index, now in ac.select_loop(ac.recv(ac.tick(3)), ac.recv_ok(ac.after(4))):
            got.append((index, now))
            if len(got) == 6:
                break
        assert got == [2, 4, 6, (0, 9), (1, (10, True)), (0, 12)]
        gc.collect()
        assert live() == 0

    run_virtual(main)


# -- Timer


def test_a_timer_that_is_stopped_never_goes_off():
    async def main():
        timer = ac.Timer(1)
        assert timer.stop() is True
        assert live() == 0
        assert timer.stop() is False
        await advance(10)
        assert blocked(timer.ch)

    run_virtual(main)


def test_a_timer_that_was_received_cannot_be_stopped():
    async def main():
        timer = ac.Timer(1)
        await timer.ch.recv()
        assert timer.stop() is False
        assert timer.reset(1) is False
        assert await timer.ch.recv() == 2

    run_virtual(main)


def test_what_was_not_received_is_thrown_away():
    async def main():
        timer = ac.Timer(1)
        await advance(1)
        assert timer.stop() is True
        assert blocked(timer.ch)
        assert timer.reset(1) is False
        await advance(5)
        assert timer.reset(1) is True
        assert blocked(timer.ch)
        assert await timer.ch.recv() == 7

    run_virtual(main)


def test_a_timer_is_set_anew():
    async def main():
        timer = ac.Timer(1)
        assert timer.reset(5) is True
        assert live() == 1
        await advance(4)
        assert blocked(timer.ch)
        assert timer.reset(3) is True
        assert await timer.ch.recv() == 7
        assert timer.reset(inf) is False
        assert live() == 0
        assert timer.stop() is True

    run_virtual(main)


def test_who_sleeps_on_a_timer_is_woken_by_the_new_one():
    async def main():
        timer = ac.Timer(1)
        (receiver,) = await asleep(timer.ch.recv())
        timer.stop()
        await advance(10)
        assert not receiver.done()
        timer.reset(1)
        assert await receiver == 11

    run_virtual(main)


def test_the_end_is_always_the_same(run):
    async def main():
        for timer in (ac.Timer(30), ac.Ticker(30)):
            ch = timer.ch
            timer.reset(20)
            timer.stop()
            assert timer.ch is ch
            with pytest.raises(AttributeError):
                timer.ch = ch

    run(main)


# -- Ticker


def test_a_ticker_that_is_stopped_is_silent_until_it_is_set_anew():
    async def main():
        ticker = ac.Ticker(1)
        assert [await ticker.ch.recv(), await ticker.ch.recv()] == [1, 2]
        await advance(1)
        ticker.stop()
        assert live() == 0
        assert blocked(ticker.ch), "the tick that was not received is thrown away"
        await advance(10)
        assert blocked(ticker.ch)
        ticker.stop()
        ticker.reset(2)
        assert [await ticker.ch.recv(), await ticker.ch.recv()] == [15, 17]

    run_virtual(main)


def test_a_ticker_that_is_set_anew_begins_a_new_beat():
    async def main():
        ticker = ac.Ticker(1)
        await advance(1.5)
        ticker.reset(1)
        assert blocked(ticker.ch)
        assert [await ticker.ch.recv(), await ticker.ch.recv()] == [2.5, 3.5]
        assert live() == 1

    run_virtual(main)


# -- what was promised to a woken receiver is its own


def promised(loop, timer):
    """Let two receivers sleep, and the timer go off: the first is promised the value and has not run."""
    receivers = [Stepper(timer.ch.recv()) for _ in range(2)]
    for receiver in receivers:
        receiver.step()
    loop.advance_to(1)
    loop.step()
    assert timer.ch.stats().promised == 1
    return receivers


def test_a_receiver_that_was_woken_receives_though_the_timer_is_stopped():
    with StepLoop().running() as loop:
        timer = ac.Timer(1)
        first, second = promised(loop, timer)
        assert timer.stop() is False
        first.step()
        assert first.result == 1
        second.close()


def test_what_a_cancelled_receiver_was_promised_before_the_stop_goes_to_nobody():
    with StepLoop().running() as loop:
        timer = ac.Timer(1)
        first, second = promised(loop, timer)
        timer.stop()
        first.close()
        assert not second.woken
        assert blocked(timer.ch)
        second.close()


def test_what_a_cancelled_receiver_was_promised_before_the_reset_goes_to_nobody():
    with StepLoop().running() as loop:
        timer = ac.Timer(1)
        first, second = promised(loop, timer)
        assert timer.reset(1) is False
        first.close()
        assert not second.woken
        loop.advance_to(2)
        loop.step()
        second.step()
        assert second.result == 2
        assert blocked(timer.ch)


def test_without_a_stop_it_goes_to_the_next():
    with StepLoop().running() as loop:
        timer = ac.Timer(1)
        first, second = promised(loop, timer)
        first.close()
        assert second.woken
        second.step()
        assert second.result == 1


def test_a_timer_does_not_go_off_while_a_promise_from_before_the_reset_is_open():
    """Or whoever comes first would take the old value, and the woken receiver the new one."""
    with StepLoop().running() as loop:
        timer = ac.Timer(1)
        first, second = promised(loop, timer)
        second.close()
        timer.reset(1)
        loop.advance_to(2)
        for _ in range(3):
            loop.step()
            assert blocked(timer.ch)
        first.step()
        assert first.result == 1
        loop.step()
        assert timer.ch.recv_nowait() == 2
        assert not loop.ready
        assert not loop.timers


# -- a timer that nobody references any more leaves the loop


def drop_after():
    ac.after(30)


def drop_tick():
    ac.tick(30)


def drop_timer():
    timer = ac.Timer(30)
    timer.reset(40)


def drop_timer_before_its_end():
    ticker = ac.Ticker(30)
    ch = ticker.ch
    del ticker
    assert live() == 1
    del ch


def drop_case():
    ac.recv(ac.after(30))


def look():
    with pytest.raises(ac.WouldBlock):
        ac.select_nowait(ac.recv(ac.after(30)), ac.recv_ok(ac.tick(30)))


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("drop", [drop_after, drop_tick, drop_timer, drop_timer_before_its_end, drop_case, look])
def test_a_timer_that_is_dropped_leaves_the_loop_at_once(run, drop):
    async def main():
        drop()
        assert live() == 0

    run(main)


async def cancelled(waiting):
    (task,) = await asleep(waiting)
    gc.collect()
    assert live() == 1
    del waiting
    await dismiss(task)
    assert live() == 0, "the task is still there, and its error with a traceback"


async def cancelled_loop():
    cases = ac.recv(ac.tick(30)), ac.recv(ac.never())
    (task,) = await asleep(anext(ac.select_loop(*cases)))
    del cases
    gc.collect()
    assert live() == 1
    await dismiss(task)


async def other_case():
    ch = ac.Chan()
    (task,) = await asleep(ac.select(ac.recv(ac.after(30)), ac.recv(ch)))
    gc.collect()
    assert live() == 1
    ch.send_nowait("a")
    assert await task == (1, "a")


async def other_case_at_once():
    ch = ac.Chan(1)
    ch.send_nowait("a")
    assert await ac.select(ac.recv(ac.after(30)), ac.recv(ch)) == (1, "a")


async def one_of_two_receivers():
    ch = ac.after(30)
    first, second = await asleep(ch.recv(), ch.recv())
    del ch
    await dismiss(first)
    gc.collect()
    assert live() == 1
    await dismiss(second)


WAYS_TO_LEAVE = {
    "recv": lambda: cancelled(ac.after(30).recv()),
    "recv_ok": lambda: cancelled(ac.after(30).recv_ok()),
    "async for": lambda: cancelled(anext(ac.tick(30))),
    "select": lambda: cancelled(ac.select(ac.recv(ac.never()), ac.recv(ac.after(30)))),
    "select recv_ok": lambda: cancelled(ac.select(ac.recv_ok(ac.after(30)))),
    "select_loop": cancelled_loop,
    "other case": other_case,
    "other case at once": other_case_at_once,
    "one of two receivers": one_of_two_receivers,
}


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("way", WAYS_TO_LEAVE.values(), ids=WAYS_TO_LEAVE)
def test_a_timer_stays_as_long_as_somebody_waits_for_it(run, way):
    """And leaves with the last one, without the collector."""

    async def main():
        await way()
        assert live() == 0

    run(main)


def test_a_timer_in_a_cycle_leaves_when_it_is_collected(run):
    async def main():
        cycle = [ac.after(30)]
        cycle.append(cycle)
        del cycle
        gc.collect()
        assert live() == 0

    run(main)


def test_a_ticker_that_is_dropped_while_it_ticks_leaves_the_loop(monkeypatch):
    """The end dies in the middle of `fire`, as it may where the collector runs."""
    with StepLoop().running() as loop:
        ends = [ac.tick(1)]
        call_at = loop.call_at

        def collecting(*args, **kwargs):
            ends.clear()
            return call_at(*args, **kwargs)

        monkeypatch.setattr(loop, "call_at", collecting)
        loop.advance_to(1)
        loop.step()
        assert not ends
        assert not loop.timers
        assert not loop.ready


def test_an_end_that_dies_in_another_thread_leaves_the_loop(run):
    async def main():
        for _ in range(2):
            ends = [ac.after(30), ac.tick(30), ac.after(0)]
            thread = threading.Thread(target=ends.clear)
            thread.start()
            thread.join()
            assert not ends
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert live() == 0

    run(main)


@pytest.mark.parametrize("factory", ["asyncio", "uvloop"])
def test_an_end_that_outlives_its_loop_says_nothing(silence, factory):
    new_event_loop = pytest.importorskip(factory).new_event_loop
    loop = new_event_loop()

    async def main():
        return [ac.after(30), ac.tick(30), ac.Timer(0), ac.Ticker(inf)]

    ends = loop.run_until_complete(main())
    del ends[0]  # the loop is there, and does not run
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    ends.clear()
    gc.collect()
    silence.check()


AT_THE_END = {
    "closed loop": "ends = asyncio.run(make())",
    "open loop": "loop = asyncio.new_event_loop(); ends = loop.run_until_complete(make())",
    "cycle": "loop = asyncio.new_event_loop(); ends = loop.run_until_complete(make()); ends.append(ends)",
    "kept by a module": "loop = asyncio.new_event_loop(); sys.ends = loop.run_until_complete(make())",
    "kept by the library": "loop = asyncio.new_event_loop(); ac.timers.ends = loop.run_until_complete(make())",
    "a running task": "loop = asyncio.new_event_loop(); task = loop.create_task(wait());"
    " loop.run_until_complete(asyncio.sleep(0)); task._log_destroy_pending = False",
}


@pytest.mark.parametrize("how", AT_THE_END.values(), ids=AT_THE_END)
@pytest.mark.parametrize("install", ["", "import uvloop; uvloop.install()"], ids=["asyncio", "uvloop"])
def test_the_end_of_the_interpreter_is_silent(how, install):
    program = f"""
import asyncio, sys, warnings
warnings.simplefilter("ignore")  # of loops that nobody closed, which is the point
{install}
import aiochan as ac
async def make():
    return [ac.after(30), ac.tick(30), ac.Timer(30), ac.Ticker(30)]
async def wait():
    await ac.select(ac.recv(ac.after(30)), ac.recv(ac.tick(30)))
{how}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- a task that waits for a timer never vanishes


def only_the_timer_knows(wait):
    """Start a task that nobody keeps: asyncio itself holds tasks weakly."""
    return weakref.ref(asyncio.get_running_loop().create_task(wait()))


WAITS = {
    "recv": lambda ch: ch.recv(),
    "recv_ok": lambda ch: ch.recv_ok(),
    "async for": anext,
    "select": lambda ch: ac.select(ac.recv(ac.never()), ac.recv(ch)),
    "select_loop": lambda ch: anext(ac.select_loop(ac.recv(ch))),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("make", [ac.after, ac.tick, lambda d: ac.Timer(d).ch], ids=["after", "tick", "Timer"])
def test_a_task_that_only_its_timer_knows_wakes(run, make, wait):
    """The timer is due at once, but the collector comes first."""
    woken = []

    async def task():
        await wait(make(1e-9))
        woken.append(True)

    async def main():
        ref = only_the_timer_knows(task)
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
        for _ in range(1000):
            if woken:
                break
            gc.collect(0)
            await asyncio.sleep(0)
        assert woken == [True]
        gc.collect()
        assert ref() is None
        assert live() == 0

    run(main)


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_task_that_only_its_timer_knows_wakes_after_hours(wait):
    woken = []

    async def task():
        await wait(ac.after(3600))
        woken.append(asyncio.get_running_loop().time())

    async def main():
        ref = only_the_timer_knows(task)
        await advance(1)
        gc.collect()
        assert ref() is not None
        await advance(3600)
        assert woken == [3600]

    run_virtual(main)


# -- memory


async def hot_loop(n, look):
    """Select with a time-out, again and again; some selects have to wait, others need not."""
    ch = ac.Chan(1)

    async def feed():
        for i in range(n):
            await ch.send(i)
            if i % 2:
                await asyncio.sleep(0)

    feeder = asyncio.get_running_loop().create_task(feed())
    for i in range(n):
        assert await ac.select(ac.recv(ac.after(30)), ac.recv(ch)) == (1, i)
        look(i)
    await feeder


def test_a_hot_loop_leaves_no_timers_behind(run):
    """A cancelled timer of asyncio stays in its heap until most of it is cancelled; 100 is where it begins to look."""

    async def main():
        scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())
        most = 0

        def look(i):
            nonlocal most
            most = max(most, len(scheduled))
            if i % 1000 == 0:
                assert live() == 0

        await hot_loop(5000, look)
        assert most < 300
        assert live() == 0

    run(main)


def test_a_hot_loop_that_never_waits_leaves_no_timers_behind(run):
    async def main():
        scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())
        ch = ac.Chan(1)
        most = 0
        for i in range(5000):
            ch.send_nowait(i)
            assert await ac.select(ac.recv(ac.after(30)), ac.recv(ch)) == (1, i)
            most = max(most, len(scheduled))
        assert most < 2500, "it goes once round the loop every 1024 operations"
        assert live() == 0

    run(main)


@pytest.mark.stress
def test_a_million_rounds_of_a_hot_loop_keep_memory_flat(run):
    async def main():
        sizes = []

        def look(i):
            if i % 100_000 == 99_999:
                sizes.append(sys.getallocatedblocks())
                assert live() == 0

        await hot_loop(1_000_000, look)
        assert max(sizes[1:]) - sizes[0] < 1000, sizes

    run(main)


@pytest.mark.stress
def test_a_million_timers_at_once():
    """Made, received in the order of their times, and half of them dropped before: no more than a heap costs."""
    n = 1_000_000

    async def main():
        channels = {i: ac.after(1 + i * 7919 % n) for i in range(n)}
        for i in range(0, n, 2):
            del channels[i]
        for i, ch in channels.items():
            if i % 50_001 == 0:
                assert await ch.recv() >= 1 + i * 7919 % n
        await advance(n)
        assert sum(ch.stats().sent for ch in channels.values()) == n // 2

    run_virtual(main)


def test_a_timer_keeps_nothing_of_the_context_in_which_it_was_made(run):
    class Request:
        pass

    held = contextvars.ContextVar("held")

    async def main():
        def make():
            request = Request()
            held.set(request)
            return weakref.ref(request), ac.after(30), ac.tick(30), ac.after(0)

        ref, *_timers = contextvars.Context().run(make)
        gc.collect()
        assert ref() is None
        await settle()

    run(main)


# -- leaks


def test_an_abandoned_timer_is_no_leak(run):
    async def main():
        async with no_leaks():
            ch = ac.Chan(1)
            ch.send_nowait("a")
            await ac.select(ac.recv(ac.after(30)), ac.recv(ch))
            ac.tick(30)
            timer, ticker = ac.Timer(30), ac.Ticker(30)
            timer.stop()
            ticker.stop()

    run(main)


def test_a_timer_that_is_kept_is_a_leak(run):
    async def main():
        kept = []
        with pytest.raises(Leaked, match="timer"):
            async with no_leaks():
                kept.append(ac.Ticker(30))

    run(main)


# -- what is refused


CALLS = {
    "after": (ac.after, "d"),
    "at": (ac.at, "when"),
    "tick": (ac.tick, "period"),
    "Timer": (ac.Timer, "d"),
    "Timer.reset": (lambda v: ac.Timer(30).reset(v), "d"),
    "Ticker": (ac.Ticker, "period"),
    "Ticker.reset": (lambda v: ac.Ticker(30).reset(v), "period"),
}
PERIODIC = {name: call for name, call in CALLS.items() if call[1] == "period"}


@pytest.mark.parametrize("wrong", [None, "1", b"1", True, False, 1j, [1], (1,), ac.Chan], ids=repr)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_is_refused(run, name, wrong):
    call, what = CALLS[name]

    async def main():
        with pytest.raises(TypeError) as caught:
            call(wrong)
        assert str(caught.value) == f"{name}(): {what} must be a number of seconds, not {wrong!r}"

    run(main)


@pytest.mark.parametrize("name", CALLS)
def test_nan_is_refused(run, name):
    call, what = CALLS[name]

    async def main():
        with pytest.raises(ValueError, match=rf"{name}\(\): {what} must be a number of seconds, not nan"):
            call(nan)

    run(main)


@pytest.mark.parametrize("wrong", [0, 0.0, -0.0, -1, -inf, -(10**400)])
@pytest.mark.parametrize("name", PERIODIC)
def test_a_period_is_more_than_nothing(run, name, wrong):
    call, _ = PERIODIC[name]

    async def main():
        with pytest.raises(ValueError, match=rf"{name}\(\): period must be more than 0 seconds, not -?[0i]?"):
            call(wrong)

    run(main)


def test_a_refused_reset_changes_nothing():
    async def main():
        timer, ticker = ac.Timer(5), ac.Ticker(4)
        for wrong in ("x", nan):
            with pytest.raises((TypeError, ValueError)):
                timer.reset(wrong)
            with pytest.raises((TypeError, ValueError)):
                ticker.reset(wrong)
        assert await ticker.ch.recv() == 4
        assert await timer.ch.recv() == 5

    run_virtual(main)


@pytest.mark.parametrize("name", ["after", "at", "tick", "Timer", "Ticker"])
def test_without_a_running_loop_it_says_so(name):
    with pytest.raises(ac.MisuseError, match=rf"{name}\(\) needs a running event loop"):
        CALLS[name][0](1)


def test_another_loop_is_refused():
    async def make():
        return ac.Timer(30), ac.Ticker(30)

    loop = asyncio.new_event_loop()
    timer, ticker = loop.run_until_complete(make())
    calls = {
        "Timer.stop": timer.stop,
        "Timer.reset": lambda: timer.reset(1),
        "Ticker.stop": ticker.stop,
        "Ticker.reset": lambda: ticker.reset(1),
    }

    async def meddle():
        for name, call in calls.items():
            with pytest.raises(ac.WrongLoop, match=rf"{name}\(\)"):
                call()

    for name, call in calls.items():
        with pytest.raises(ac.MisuseError, match=rf"{name}\(\) needs a running event loop"):
            call()
    asyncio.run(meddle())

    async def stop():
        ticker.stop()
        return timer.stop()

    assert loop.run_until_complete(stop()) is True
    loop.close()


# -- what the end is like


def test_the_end_is_a_receive_end_and_no_more(run):
    async def main():
        for ch in (ac.after(30), ac.tick(30), ac.Timer(30).ch, ac.Ticker(30).ch):
            assert isinstance(ch, ac.RecvChan)
            assert not isinstance(ch, ac.Chan | ac.SendChan)
            for name in ("send", "send_nowait", "close", "clear", "reserve"):
                assert not hasattr(ch, name)
            assert ch == ch
            assert ch != ac.after(30)

    run(main)


def test_it_shows_no_room_as_in_go():
    async def main():
        timer = ac.Timer(1)
        assert (len(timer.ch), timer.ch.capacity) == (0, 0)
        await advance(2)
        assert (len(timer.ch), timer.ch.capacity) == (0, 0)
        assert timer.ch.stats().length == 1
        assert timer.ch.recv_nowait() == 1

    run_virtual(main)


def test_repr_says_when():
    async def main():
        timer, ticker = ac.Timer(1.5), ac.Ticker(2)
        assert repr(timer) == "<Timer due at 1.5>"
        assert repr(timer.ch) == "<RecvChan of Timer due at 1.5>"
        assert repr(ticker) == "<Ticker due at 2.0 every 2.0 s>"
        assert repr(ac.after(3)) == "<RecvChan of after due at 3.0>"
        assert repr(ac.at(inf)) == "<RecvChan of at due at inf>"
        await advance(2)
        assert repr(timer) == "<Timer over>"
        assert repr(ticker) == "<Ticker due at 4.0 every 2.0 s>"
        ticker.stop()
        assert repr(ticker) == "<Ticker over>"

    run_virtual(main)


def test_a_number_of_ones_own_is_taken_for_what_it_is_worth():
    class Seconds(float):
        pass

    async def main():
        assert await ac.after(Seconds(2)).recv() == 2
        assert await ac.after(1).recv() == 3

    run_virtual(main)
