"""The one observer hears who sleeps, who is woken, who leaves and what is closed: each once, nothing else."""

import asyncio
import weakref

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import asleep, begin, dismiss, settle


class Listener(core.hooks.Observer):
    """Writes down what it hears: what happened, who, and what that one waits for."""

    def __init__(self):
        self.heard = []

    def parked(self, waiter):
        self._note("parked", waiter)

    def woken(self, waiter):
        self._note("woken", waiter)

    def left(self, waiter):
        self._note("left", waiter)

    def closed(self, channel):
        self.heard.append(("closed", channel))

    def _note(self, what, waiter):
        self.heard.append((what, names[waiter.owner]))

    def take(self):
        heard, self.heard = self.heard, []
        return heard


@pytest.fixture
def listener():
    listener = Listener()
    core.hooks.install(listener)
    return listener


names = weakref.WeakKeyDictionary()


async def named(name, coro):
    """Do an operation in a task of that name."""
    names[asyncio.current_task()] = name
    return await coro


OPERATIONS = {
    "recv": lambda ch: ch.recv(),
    "recv_ok": lambda ch: ch.recv_ok(),
    "async for": anext,
    "select": lambda ch: ac.select(ac.recv(ac.never()), ac.recv(ch), ac.recv_ok(ch)),
}


@pytest.fixture(params=OPERATIONS.values(), ids=OPERATIONS)
def receive(request):
    return request.param


def test_sleeping_and_waking(run, listener, receive):
    async def main():
        ch = ac.Chan()
        await asleep(named("r", receive(ch)))
        assert listener.take() == [("parked", "r")]
        ch.send_nowait("a")
        assert listener.take() == [("woken", "r")]
        await settle()
        assert listener.take() == []

    run(main)


def test_sleeping_and_hearing_the_end(run, listener):
    async def main():
        ch, signal = ac.Chan(), ac.Signal()
        await asleep(named("a", ch.recv_ok()), named("b", ac.select(ac.recv(ac.never()), ac.recv_ok(ch))))
        await asleep(named("c", signal.wait()))
        assert listener.take() == [("parked", "a"), ("parked", "b"), ("parked", "c")]
        ch.close()
        assert listener.take() == [("woken", "a"), ("woken", "b"), ("closed", ch)]
        signal.close()
        signal.close()
        assert [what for what, _ in listener.take()] == ["woken", "closed"]
        await settle()
        assert listener.take() == []

    run(main)


def test_sleeping_and_being_cancelled(run, listener, receive):
    async def main():
        ch = ac.Chan()
        (task,) = await asleep(named("r", receive(ch)))
        listener.take()
        task.cancel()
        assert listener.take() == [("left", "r")]
        await settle()
        assert listener.take() == []

    run(main)


def test_cancelled_after_it_was_woken_it_was_woken(run, listener, receive):
    """The promise goes on, and whoever gets it is woken."""

    async def main():
        ch = ac.Chan()
        task, behind = await asleep(named("r", receive(ch)), named("behind", ch.recv()))
        listener.take()
        ch.send_nowait("a")
        assert listener.take() == [("woken", "r")]
        await dismiss(task)
        assert listener.take() == [("woken", "behind")]
        assert behind.result() == "a"

    run(main)


def test_senders_reservations_and_queues(run, listener):
    async def main():
        ch, queue = ac.Chan(1), core.WaitQueue()
        ch.send_nowait("full")
        sender, reserving, parked = await asleep(
            named("s", ch.send(1)), named("p", ch.reserve().__aenter__()), named("q", queue.park())
        )
        assert listener.take() == [("parked", "s"), ("parked", "p"), ("parked", "q")]
        ch.recv_nowait()
        ch.recv_nowait()
        queue.wake()
        assert listener.take() == [("woken", "s"), ("woken", "p"), ("woken", "q")]
        await settle()
        assert listener.take() == []
        assert (sender.done(), reserving.done(), parked.done()) == (True, True, True)

    run(main)


def test_what_never_waits_is_not_told(run, listener):
    async def main():
        ch = ac.Chan(1)
        await ch.send(1)
        await ch.recv()
        await ac.select(ac.send(ch, 1))
        ac.select_nowait(ac.recv(ch))
        async with ch.reserve():
            pass
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()
        assert listener.take() == []
        ch.close()
        assert listener.take() == [("closed", ch)]
        with pytest.raises(ac.ChannelClosed):
            ch.close()
        assert listener.take() == []

    run(main)


def test_a_refused_operation_is_not_told(run, listener):
    async def main():
        ch = ac.Chan()
        ch.close()
        listener.take()
        for coro in (ch.recv(), ch.send(1), ac.select(ac.recv(ch)), ac.select(1)):
            with pytest.raises((ac.ChannelClosed, TypeError)):
                coro.send(None)
        assert listener.take() == []

    run(main)


def test_what_a_woken_waiter_slept_on_can_be_seen(run):
    seen = []

    class Looker(core.hooks.Observer):
        def parked(self, waiter):
            seen.append((waiter.waits_for(), waiter._snapshot()))

        def woken(self, waiter):
            seen.append(waiter._snapshot())

    async def main():
        ch, other = ac.Chan(), ac.Chan()
        core.hooks.install(Looker())
        await asleep(ac.select(ac.recv(ch), ac.send(other, 1)))
        ch.send_nowait(1)
        core.hooks.install(None)
        assert seen[0][0] == [(ch, "recv", 0), (other, "send", 1)]
        assert seen[0][1][0] == "parked"
        assert seen[1] == ("granted", "recv", 0)
        await settle()

    run(main)


def test_an_operation_that_is_decided_before_it_sleeps_is_told_in_order(run):
    """A finaliser may run between lining up and sleeping; here it is the test that does so."""
    heard = []

    class Anyone(core.hooks.Observer):
        def parked(self, waiter):
            heard.append("parked")

        def woken(self, waiter):
            heard.append("woken")

        def left(self, waiter):
            heard.append("left")

    async def main():
        core.hooks.install(Anyone())
        for decide, told in ((lambda ch: ch.send_nowait(1), "woken"), (lambda ch: ch.close(), "woken")):
            ch = ac.Chan()
            coro = ch.recv_ok()
            waiter = coro.send(None)
            decide(ch)
            waiter.add_done_callback(lambda _: None)
            assert heard == ["parked", told]
            heard.clear()
            coro.close()
            ch._check()
        begin(ac.Chan().recv()).close()
        assert heard == []  # nobody asked to be woken, so nobody slept

    run(main)


def test_installing_gives_back_the_one_before():
    first, second = core.hooks.Observer(), core.hooks.Observer()
    assert core.hooks.install(first) is None
    assert core.hooks.install(second) is first
    assert core.hooks.install(None) is second
    assert core.hooks.observer is None


def test_an_observer_that_overrides_nothing_hears_everything_in_peace(run):
    async def main():
        core.hooks.install(core.hooks.Observer())
        ch = ac.Chan()
        tasks = await asleep(ch.recv(), ch.recv(), ch.recv_ok())
        ch.send_nowait(1)
        tasks[1].cancel()
        ch.close()
        await settle()
        assert tasks[2].result() == (None, False)

    run(main)
