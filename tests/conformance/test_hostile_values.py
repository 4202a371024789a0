"""Values whose own methods fail, and values whose end touches the channel that lets go of them."""

import asyncio
import contextlib
import contextvars
import gc
from itertools import product

import pytest

import aiochan as ac
from tests.conformance.kit import (
    KINDS,
    RECEIVES,
    SENDS,
    Ends,
    Kind,
    asleep,
    check,
    dismiss,
    each,
    ended,
    settle,
)

# -- nobody may look into a value


class Untouchable:
    """A value that answers nothing."""

    def _refuse(self, *_):
        raise AssertionError("somebody looked into a value")

    __eq__ = __ne__ = __lt__ = __bool__ = __hash__ = __repr__ = __str__ = __len__ = __iter__ = _refuse
    __getattr__ = __call__ = __index__ = __contains__ = __await__ = __reduce__ = __sizeof__ = _refuse


def test_nobody_looks_into_what_is_received(run, make):
    async def scenario(ch, receive):
        value = Untouchable()
        (receiver,) = await asleep(receive(ch))
        ch.put(value)
        await settle()
        answer = receiver.result()
        while isinstance(answer, tuple):  # what a select answers, or recv_ok
            answer = next(part for part in answer if not isinstance(part, (int, bool)))
        assert answer is value
        await ch.overfill(value, Untouchable())
        assert repr(ch.chan).startswith("<Chan")
        ch.close()
        ch.drain()

    each(run, make, RECEIVES, scenario)


def test_nobody_looks_into_what_is_sent_taken_back_or_refused(run, make_waiting):
    async def scenario(ch, send):
        filled = ch.fill()
        tasks = await asleep(*(send(ch, Untouchable()) for _ in range(6)))
        await dismiss(tasks[0])
        if filled:
            ch.take()
            await dismiss(tasks[1])
        assert repr(ch.chan).startswith("<Chan")
        with pytest.raises(ac.WouldBlock):
            ch.put(Untouchable())
        ch.close()
        await settle()
        told = [task for task in tasks if not task.cancelled() and task.exception()]
        assert len(told) == (3 if filled else 5)  # two left, and for the second one another was let in
        with pytest.raises(ac.ChannelClosed):
            ch.put(Untouchable())

    each(run, make_waiting, SENDS, scenario)


def test_nobody_looks_into_what_is_dropped(run):
    async def main():
        for overflow in ("drop_oldest", "drop_newest"):
            ch = Ends(Kind(1, overflow))
            for _ in range(3):
                ch.put(Untouchable())
                await ended(ac.select(ac.send(ch.tx, Untouchable())))
            assert ch.chan.stats().dropped == 5

    run(main)


def test_nobody_looks_into_the_values_of_cases(run, make_waiting):
    async def main():
        ch = make_waiting()
        ch.fill()
        cases = [ac.send(ch.tx, Untouchable()), ac.send(ch.tx, Untouchable()), ac.recv(ac.never())]
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(*cases)
        (task,) = await asleep(ac.select(*cases))
        await dismiss(task)

    run(main)


# -- values whose end touches the channel


class Finaliser:
    """A value that checks its channel and does something to it when it dies."""

    died = 0

    def __init__(self, chan, action):
        self.chan, self.action = chan, action

    def __del__(self):
        Finaliser.died += 1
        self.chan._check()
        assert repr(self.chan)
        assert len(self.chan) == self.chan.stats().length
        with contextlib.suppress(ac.WouldBlock, ac.ChannelClosed):
            self.action(self.chan)
        self.chan._check()


ACTIONS = {
    "looks": lambda chan: chan._snapshot(),
    "sends": lambda chan: chan.send_nowait("from the finaliser"),
    "receives": lambda chan: chan.recv_nowait(),
    "selects": lambda chan: ac.select_nowait(ac.recv(chan), ac.send(chan, "from the finaliser")),
    "closes": lambda chan: chan.close(),
    "sends, receives and closes": lambda chan: (chan.send_nowait(1), chan.recv_nowait(), chan.close()),
}


async def quiet(operation):
    with contextlib.suppress(ac.ChannelClosed):
        await operation


@pytest.fixture
def without_collector():
    """Whatever dies does so at once, or the test fails."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def each_action(run, make, scenario, ways=None):
    """Run a scenario for every way to do an operation and every action of the finaliser; see that as many died."""
    pairs = {f"{way}, {action}": (way, action) for way, action in product(ways or [None], ACTIONS)}

    async def one(ch, pair):
        way, action = pair
        Finaliser.died = 0

        def value():
            return Finaliser(ch.chan, ACTIONS[action])

        expected = await (scenario(ch, value, ways[way]) if ways else scenario(ch, value))
        assert Finaliser.died == (expected or 1)
        check()
        if not ch.tx.closed:
            ch.close()
        await settle()

    each(run, make, pairs, one)


@pytest.mark.usefixtures("without_collector")
class TestAValueMayTouchTheChannelThatLetsGoOfIt:
    def test_received(self, run, make):
        async def scenario(ch, value, receive):
            (receiver,) = await asleep(receive(ch))
            ch.put(value())
            await settle()
            assert not Finaliser.died
            assert receiver.done()

        each_action(run, make, scenario, RECEIVES)

    def test_received_at_once(self, run, make_roomy):
        async def scenario(ch, value):
            ch.put(value())
            assert not Finaliser.died
            await ended(ch.rx.recv())

        each_action(run, make_roomy, scenario)

    def test_dropped_by_a_later_value(self, run):
        async def scenario(ch, value):
            ch.put(value())
            for i in range(int(ch.kind.capacity)):
                assert not Finaliser.died
                ch.tx.send_nowait(i)

        for capacity in (1, 2):
            each_action(run, lambda capacity=capacity: Ends(Kind(capacity, "drop_oldest")), scenario)

    def test_dropped_by_a_select(self, run):
        async def scenario(ch, value):
            ch.put(value())
            await ended(ac.select(ac.send(ch.tx, "later")))

        each_action(run, lambda: Ends(Kind(1, "drop_oldest")), scenario)

    def test_dropped_on_arrival(self, run):
        async def scenario(ch, value):
            ch.put("a")
            ch.tx.send_nowait(value())

        each_action(run, lambda: Ends(Kind(1, "drop_newest")), scenario)

    def test_dropped_when_a_cancelled_receiver_leaves_one_too_many(self, run):
        async def scenario(ch, value):
            receivers = await asleep(ch.rx.recv())
            ch.put(value(), "b")
            await dismiss(*receivers)

        each_action(run, lambda: Ends(Kind(1, "drop_oldest")), scenario)

    def test_of_a_sender_that_was_cancelled(self, run, make_waiting):
        async def scenario(ch, value, send):
            ch.fill()
            await dismiss(*await asleep(send(ch, value())))

        each_action(run, make_waiting, scenario, SENDS)

    def test_of_a_sender_that_took_it_back(self, run, make_bounded):
        async def scenario(ch, value, send):
            ch.fill()
            (sender,) = await asleep(send(ch, value()))
            ch.take()
            await dismiss(sender)

        each_action(run, make_bounded, scenario, SENDS)

    def test_of_senders_that_are_told_of_the_close(self, run, make_waiting):
        async def scenario(ch, value, send):
            ch.fill()
            await asleep(*(quiet(send(ch, value())) for _ in range(5)))
            ch.close()
            assert not Finaliser.died
            await settle()
            return 5

        each_action(run, make_waiting, scenario, SENDS)

    def test_of_a_case_that_lost(self, run, make_waiting):
        async def scenario(ch, value):
            other = ac.Chan()
            ch.fill()
            (task,) = await asleep(ac.select(ac.send(ch.tx, value()), ac.recv(other), ac.recv(other)))
            other.send_nowait("a")
            await settle()
            assert task.result()[1] == "a"

        each_action(run, make_waiting, scenario)

    def test_of_a_case_that_was_never_tried(self, run, make_waiting):
        async def scenario(ch, value):
            ch.fill()
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(ac.send(ch.tx, value()))

        each_action(run, make_waiting, scenario)

    def test_of_a_send_that_was_refused(self, run, make):
        async def scenario(ch, value):
            ch.close()
            with pytest.raises(ac.ChannelClosed):
                ch.tx.send_nowait(value())

        each_action(run, make, scenario)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_values_left_in_a_channel_may_touch_it_when_it_is_collected(run, action):
    async def main():
        for kind in KINDS:
            Finaliser.died = 0
            ch = Ends(kind)
            await ch.overfill(Finaliser(ch.chan, action))
            del ch
            gc.collect()
            assert Finaliser.died == 1

    run(main)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_values_of_a_sleeping_task_may_touch_the_channel_that_is_collected_with_it(run, action):
    heard = []

    async def main():
        Finaliser.died = 0
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["message"]))
        await unreachable()
        gc.collect()
        assert Finaliser.died == 2

    async def unreachable():
        ch = Ends(Kind(1))
        ch.put(Finaliser(ch.chan, action))
        await asleep(ch.tx.send(Finaliser(ch.chan, action)))

    run(main)
    assert heard == ["Task was destroyed but it is pending!"]


# -- whatever else dies while a line is swept

held = contextvars.ContextVar("held")


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_what_a_cancelled_task_had_in_its_context_may_touch_the_channel(run, action):
    """If a line keeps the contexts of those who left, they die in the middle of a later operation."""

    async def wait(chan, coro):
        held.set(Finaliser(chan, action))
        await coro

    def receive_and_receive(ch):
        return [wait(ch.chan, ch.rx.recv()), wait(ch.chan, ac.select(ac.recv(ch.rx))), quiet(ch.rx.recv())]

    def send_and_send(ch):
        return [wait(ch.chan, ch.tx.send("s")), wait(ch.chan, ac.select(ac.send(ch.tx, "s"))), quiet(ch.tx.send("t"))]

    async def main():
        for sleepers, serve in (
            (receive_and_receive, lambda ch: ch.put("a")),
            (receive_and_receive, lambda ch: ch.close()),
            (receive_and_receive, lambda ch: ac.select_nowait(ac.send(ch.tx, "a"))),
            (send_and_send, lambda ch: ch.take()),
            (send_and_send, lambda ch: ch.close()),
            (send_and_send, lambda ch: ac.select_nowait(ac.recv(ch.rx))),
        ):
            Finaliser.died = 0
            ch = Ends(Kind(0))
            tasks = await asleep(*sleepers(ch))
            await dismiss(*tasks[:2])
            del tasks[:2]
            with contextlib.suppress(ac.WouldBlock, ac.ChannelClosed):  # the finaliser may have been there before us
                serve(ch)
            check()
            assert Finaliser.died == 2
            tasks[0].cancel()
            await settle()
            assert tasks[0].done()

    run(main)
