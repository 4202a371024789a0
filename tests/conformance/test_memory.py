"""What is kept alive, by whom and for how long. That nothing needs the garbage collector is in test_cycles.py."""

import asyncio
import contextvars
import gc
import weakref

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import (
    KINDS,
    RECEIVES,
    SENDS,
    Ends,
    Kind,
    asleep,
    dismiss,
    each,
    ended,
    go,
    line,
    settle,
)


class Thing:
    """Something that can be seen to die."""


@pytest.fixture
def without_collector():
    """Whatever dies does so at once."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*refs):
    return [ref() for ref in refs if ref() is not None]


# -- values


@pytest.mark.usefixtures("without_collector")
class TestAValueIsLetGoOfAtOnce:
    def test_when_it_was_received(self, run, make):
        async def scenario(ch, receive):
            (receiver,) = await asleep(receive(ch))
            thing = Thing()
            ref = weakref.ref(thing)
            ch.put(thing)
            del thing
            assert alive(ref)
            await settle()
            assert alive(ref)
            del receiver
            assert not alive(ref)

        each(run, make, RECEIVES, scenario)

    def test_when_it_was_received_at_once(self, run, make_roomy):
        async def main():
            ch = make_roomy()
            for receive in (ch.rx.recv, lambda: ac.select(ac.recv(ch.rx))):
                thing = Thing()
                ref = weakref.ref(thing)
                ch.put(thing)
                del thing
                assert alive(ref)
                await ended(receive())
                assert not alive(ref)

        run(main)

    def test_when_it_was_dropped(self, run):
        async def main():
            for kind in KINDS:
                if kind.overflow != "wait":
                    ch, refs = Ends(kind), []
                    for _ in range(5):
                        thing = Thing()
                        refs.append(weakref.ref(thing))
                        ch.put(thing)
                        del thing
                    assert len(alive(*refs)) == len(ch.rx) == kind.capacity

        run(main)

    def test_when_its_sender_was_cancelled(self, run, make_waiting):
        async def scenario(ch, send):
            ch.fill()
            thing = Thing()
            ref = weakref.ref(thing)
            tasks = await asleep(send(ch, thing), ch.tx.send("behind"))
            del thing
            tasks[0].cancel()
            await settle()
            del tasks[0]
            assert not alive(ref)
            tasks[0].cancel()
            await settle()

        each(run, make_waiting, SENDS, scenario)

    def test_when_its_sender_took_it_back(self, run, make_bounded):
        async def scenario(ch, send):
            ch.fill()
            thing = Thing()
            ref = weakref.ref(thing)
            (task,) = await asleep(send(ch, thing))
            del thing
            ch.take()
            await dismiss(task)
            del task
            assert not alive(ref)

        each(run, make_bounded, SENDS, scenario)

    def test_when_its_case_lost(self, run, make_waiting):
        async def main():
            ch, other = make_waiting(), ac.Chan()
            ch.fill()
            thing = Thing()
            ref = weakref.ref(thing)
            (task,) = await asleep(ac.select(ac.send(ch.tx, thing), ac.recv(other)))
            del thing
            other.send_nowait("a")
            await settle()
            assert task.done()
            assert not alive(ref)

        run(main)

    def test_when_its_channel_goes(self, run, make):
        async def main():
            ch = make()
            thing = Thing()
            ref = weakref.ref(thing)
            await ch.overfill(thing)
            del thing
            assert alive(ref)
            del ch
            assert not alive(ref)

        run(main)


# -- tasks


def test_a_sleeping_task_is_kept_alive_by_its_channel(run, make):
    async def scenario(ch, receive):
        received = []

        async def wait():
            received.append(await receive(ch))

        await asleep(wait())
        gc.collect()
        ch.put("a")
        await settle()
        assert len(received) == 1

    each(run, make, RECEIVES, scenario)


def test_a_task_that_has_sent_is_not_kept_alive_by_its_value(run, make_bounded):
    async def scenario(ch, send):
        ch.fill()
        (task,) = await asleep(send(ch, "s"))
        ch.take()
        await settle()
        assert task.done()
        assert ch.held[-1] == "s"
        ref = weakref.ref(task)
        del task
        assert not alive(ref)

    each(run, make_bounded, SENDS, scenario)


UNREACHABLE = {
    **{f"{name} on {kind}": (operation, kind) for name, operation in RECEIVES.items() for kind in KINDS[:3]},
    "send": (lambda ch: ch.tx.send(1), Kind(0)),
    "send to a full one": (lambda ch: filled(ch).tx.send(1), Kind(2)),
    "select to send": (lambda ch: ac.select(ac.send(ch.tx, 1), ac.recv(ac.never())), Kind(0)),
    "reserve": (lambda ch: filled(ch).tx.reserve().__aenter__(), Kind(1)),
    "select_loop": (lambda ch: anext(ac.select_loop(ac.recv(ch.rx))), Kind(1)),
    "signal": (lambda ch: ac.Signal().wait(), Kind(1)),
    "never": (lambda ch: ac.never().recv(), Kind(1)),
    "select of nothing": (lambda ch: ac.select(), Kind(1)),
    "park": (lambda ch: core.WaitQueue().park(), Kind(1)),
}


def filled(ch):
    if len(ch.rx) < ch.rx.capacity:
        ch.fill()
    return ch


@pytest.mark.parametrize(("operation", "kind"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_task_on_a_channel_that_nobody_can_reach_is_collected(run, operation, kind):
    """asyncio says so, as of any pending task that is collected; we say nothing, and nothing fails."""
    heard = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["message"]))
        refs = []
        for _ in range(3):
            ch = Ends(kind)
            refs += [weakref.ref(task) for task in [go(operation(ch)), go(operation(ch))]]
            await settle()
        refs.append(weakref.ref(ch.chan))
        del ch
        gc.collect()
        assert not alive(*refs)

    run(main)
    assert heard == ["Task was destroyed but it is pending!"] * 6


def test_channels_and_tasks_that_only_know_each_other_are_collected(run, make):
    heard = []

    async def pass_on(source, target):
        async for value in source.rx:
            await target.tx.send(value)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["message"]))
        chans = [make() for _ in range(3)]
        await asleep(*(pass_on(chans[i], chans[(i + 1) % 3]) for i in range(3)))
        refs = [weakref.ref(ch.chan) for ch in chans]
        chans.clear()
        gc.collect()
        assert not alive(*refs)

    run(main)
    assert heard == ["Task was destroyed but it is pending!"] * 3


# -- a receive end of a class of one's own: what it stands for ends with it


class OwnEnd(ac.RecvChan):
    pass


class OwnSignal(ac.Signal):
    pass


def own_end():
    ch = ac.Chan()
    return OwnEnd(ch), lambda: ch.send_nowait("a"), lambda: ch._snapshot().recvq


def own_signal():
    ref = weakref.ref(signal := OwnSignal())
    return signal, lambda: ref().close(), lambda: ref()._snapshot().recvq


SELECTS = {
    "recv": lambda end: ac.select(ac.recv(end)),
    "recv_ok": lambda end: ac.select(ac.recv_ok(end)),
    "several": lambda end: ac.select(ac.recv(ac.never()), ac.recv(end), ac.send(ac.Chan(), 1), ac.recv(None)),
    "twice": lambda end: ac.select(ac.recv(end), ac.recv_ok(end)),
    "loop": lambda end: anext(ac.select_loop(ac.recv(ac.never()), ac.recv(end))),
}


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("make_end", [own_end, own_signal])
class TestAnEndLivesAsLongAsASelectWaits:
    """Not only the channel behind it. Once the select is over, nobody keeps it."""

    def test_that_is_cancelled(self, run, make_end):
        async def scenario(made, select):
            end, _, sleeping = made
            ref = weakref.ref(end)
            coro = select(end)
            del made, end
            assert alive(ref)
            (task,) = await asleep(coro)
            assert alive(ref)
            assert [place.value for place in sleeping()] == [None]
            await dismiss(task)
            if select is not SELECTS["loop"]:  # which has its cases to itself, and would go on with them
                assert not alive(ref), "the task keeps its error, with a traceback"
            del task, coro
            assert not alive(ref)

        each(run, make_end, SELECTS, scenario)

    def test_that_is_served(self, run, make_end):
        async def scenario(made, select):
            end, tell, _ = made
            ref = weakref.ref(end)
            (task,) = await asleep(select(end))
            del made, end
            tell()
            assert alive(ref), "a permit that was not used yet may have to be given back"
            await settle()
            assert task.done()
            del task
            assert not alive(ref)

        each(run, make_end, SELECTS, scenario)

    def test_that_is_served_by_another(self, run, make_end):
        async def main():
            (end, _, sleeping), other = make_end(), ac.Chan()
            ref = weakref.ref(end)
            (task,) = await asleep(ac.select(ac.recv(other), ac.recv(end)))
            other.send_nowait("a")
            assert sleeping() == ()
            del end
            await settle()
            assert task.result() == (0, "a")
            assert not alive(ref)

        run(main)

    def test_that_need_not_wait(self, run, make_end):
        async def main():
            (end, tell, _), full = make_end(), ac.Chan(2)
            ref = weakref.ref(end)
            full.send_nowait("a")
            full.send_nowait("b")
            assert await ac.select(ac.recv(end), ac.recv(full)) == (1, "a")
            assert ac.select_nowait(ac.recv(end), ac.recv(full)) == (1, "b")
            del end, tell
            assert not alive(ref)

        run(main)


# -- those who left


@pytest.mark.parametrize("kind", [Kind(0), Kind(2)], ids=str)
def test_ten_thousand_who_were_cancelled_leave_nothing_behind(run, loop_kind, kind):
    """The channel is idle, so nobody ever sweeps its lines. (In debug mode, where tasks cost much, one thousand.)"""

    async def main():
        ch = Ends(kind)
        ch.fill()
        refs = []

        async def send(thing):
            await ch.tx.send(thing)

        async def select(thing):
            await ac.select(ac.recv(ac.never()), ac.send(ch.tx, thing))

        for _ in range(1 if loop_kind == "debug" else 10):
            tasks = []
            for i in range(1000):
                thing = Thing()
                tasks.append(go((send, select)[i % 2](thing)))
                refs += [weakref.ref(thing), weakref.ref(tasks[-1])]
            del thing
            await settle()
            for task in tasks:
                task.cancel()
            await settle()
            del task, tasks
            assert ch.parked == (0, 0)
        gc.collect()
        assert not alive(*refs)
        assert len(line(ch.chan, "sendq")) <= 32

    run(main)


def test_who_left_leaves_nothing_of_its_context_behind(run):
    """A context variable may hold a request, a connection, a whole application."""
    held = contextvars.ContextVar("held")

    async def main():
        ch, refs = ac.Chan(), []

        async def wait(coro):
            thing = Thing()
            refs.append(weakref.ref(thing))
            held.set(thing)
            del thing
            await coro

        await dismiss(*await asleep(wait(ch.recv()), wait(ac.select(ac.recv(ch), ac.recv(ac.never())))))
        gc.collect()
        assert not alive(*refs)

    run(main)


def test_a_value_leaves_nothing_of_its_senders_context_behind(run):
    held = contextvars.ContextVar("held")

    async def main():
        ch, refs = ac.Chan(1), []
        ch.send_nowait("full")

        async def send(value):
            thing = Thing()
            refs.append(weakref.ref(thing))
            held.set(thing)
            del thing
            await ch.send(value)

        await asleep(send("s"))
        ch.recv_nowait()
        await settle()
        gc.collect()
        assert not alive(*refs)
        assert ch.recv_nowait() == "s"

    run(main)


def test_who_was_closed_in_its_sleep_leaves_nothing_behind(run):
    class Waker:
        def wake(self, _):
            pass

    async def main():
        for operation in (lambda ch: ch.recv(), lambda ch: ac.select(ac.recv(ch)), lambda ch: ch.send(1)):
            ch, waker = ac.Chan(), Waker()
            ref = weakref.ref(waker)
            coro = operation(ch)
            coro.send(None).add_done_callback(waker.wake)
            del waker
            coro.close()
            del coro
            gc.collect()
            assert not alive(ref)
            ch._check()

    run(main)
