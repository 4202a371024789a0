"""Close: who is told, when, and what can be received afterwards."""

import asyncio

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, dismiss, ended, go, outcome, settle


class Cause(Exception):
    pass


def closed_by(cause):
    """A ChannelClosed whose cause is this."""

    def check(error):
        assert type(error) is ac.ChannelClosed
        return error.__cause__ is cause and error.index is None

    return check


# -- twice, and after


def test_closing_twice_raises(run, make):
    async def main():
        ch = make()
        ch.close()
        with pytest.raises(ac.ChannelClosed) as caught:
            ch.close()
        assert caught.value.channel is ch.chan
        assert caught.value.index is None
        assert str(caught.value) == f"close of a closed channel: {ch.chan!r}"

    run(main)


def test_the_first_cause_stays(run, make):
    async def main():
        ch, cause = make(), Cause()
        ch.close(cause)
        with pytest.raises(ac.ChannelClosed) as caught:
            ch.close(Cause("another"))
        assert caught.value.__cause__ is cause
        assert closed_by(cause)(await told(ch.rx.recv()))

    run(main)


async def told(coro):
    """What an operation raises."""
    task = go(coro)
    await settle()
    return task.exception()


async def now(operation, *args):
    operation(*args)


OPERATIONS = {
    "send": lambda ch: ch.tx.send(1),
    "send_nowait": lambda ch: now(ch.tx.send_nowait, 1),
    "recv": lambda ch: ch.rx.recv(),
    "recv_nowait": lambda ch: now(ch.rx.recv_nowait),
    "async for": lambda ch: anext(ch.rx),
    "close": lambda ch: now(ch.tx.close),
}


def test_the_cause_is_what_every_later_error_comes_from(run, make):
    async def main():
        ch, cause = make(), Cause("why")
        ch.close(cause)
        for name, operation in OPERATIONS.items():
            error = await told(operation(ch))
            assert closed_by(cause)(error), name
            assert error.channel is ch.chan, name

    run(main)


def test_without_a_cause_the_errors_have_none(run, make):
    async def main():
        ch = make()
        ch.close()
        for name, operation in OPERATIONS.items():
            if name != "async for":
                error = await told(operation(ch))
                assert closed_by(None)(error), name
                assert error.__context__ is None, name

    run(main)


def test_reserving_on_a_closed_channel_raises_from_the_cause(run, make_reserving):
    async def main():
        ch, cause = make_reserving(), Cause()
        ch.close(cause)
        assert closed_by(cause)(await told(ch.tx.reserve().__aenter__()))

    run(main)


# -- who is told, and when


def test_sleeping_receivers_are_told_at_once_in_line(run, make):
    async def main():
        ch, cause, log = make(), Cause(), []

        async def receive(name):
            try:
                await ch.rx.recv()
            except ac.ChannelClosed as error:
                log.append((name, error.__cause__))

        await asleep(*(receive(i) for i in range(4)))
        ch.close(cause)
        assert ch.parked == (0, 0)
        await settle()
        assert log == [(i, cause) for i in range(4)]

    run(main)


def test_each_way_to_receive_hears_the_end_in_its_own_way(run, make):
    async def main():
        ch = make()
        plain, comma_ok, loop = await asleep(ch.rx.recv(), ch.rx.recv_ok(), anext(ch.rx))
        ch.close()
        await settle()
        assert closed_by(None)(plain.exception())
        assert comma_ok.result() == (None, False)
        # A task cannot hand on StopAsyncIteration other than by raising it.
        assert type(loop.exception()) is StopAsyncIteration

    run(main)


def test_sleeping_senders_are_told_at_once_in_line_and_their_values_are_not_sent(run, make_waiting):
    async def main():
        ch, cause, log = make_waiting(), Cause(), []

        async def send(name):
            try:
                await ch.tx.send(name)
            except ac.ChannelClosed as error:
                log.append((name, error.__cause__))

        filled = ch.fill()
        await asleep(*(send(i) for i in range(4)))
        ch.close(cause)
        assert ch.parked == (0, 0)
        assert ch.held == filled
        await settle()
        assert log == [(i, cause) for i in range(4)]
        assert ch.drain() == filled
        assert ch.chan.stats().sent == len(filled)

    run(main)


def test_sleeping_reservations_are_told_at_once(run, make_bounded):
    async def main():
        ch, cause = make_bounded(), Cause()
        filled = ch.fill()
        waiting = await asleep(ch.tx.reserve().__aenter__(), ch.tx.reserve().__aenter__())
        ch.close(cause)
        assert ch.parked == (0, 0)
        await settle()
        assert all(closed_by(cause)(task.exception()) for task in waiting)
        assert ch.drain() == filled

    run(main)


def test_receivers_are_told_before_senders(run, make_waiting):
    """Only a select can sleep on both sides of a channel; it hears the end, not that it cannot send."""

    async def main():
        ch = make_waiting()
        for _ in range(int(ch.kind.capacity)):
            await ended(ch.tx.reserve().__aenter__())
        (both,) = await asleep(ac.select(ac.send(ch.tx, 1), ac.recv_ok(ch.rx)))
        ch.close()
        await settle()
        assert both.result() == (1, (None, False))

    run(main)


def test_receivers_behind_promised_values_are_told_after_the_last_was_taken(run, make):
    async def main():
        ch = make()
        first, second, third = await asleep(ch.rx.recv(), ch.rx.recv(), ch.rx.recv_ok())
        ch.put("a")
        ch.close()
        assert ch.parked == (0, 2)  # nobody knows yet whether a value will be left for them
        await settle()
        assert first.result() == "a"
        assert closed_by(None)(second.exception())
        assert third.result() == (None, False)

    run(main)


def test_a_receiver_behind_gets_the_value_if_the_promised_one_is_cancelled(run, make):
    async def main():
        ch = make()
        first, second, third = await asleep(ch.rx.recv(), ch.rx.recv(), ch.rx.recv())
        ch.put("a")
        ch.close()
        await dismiss(first)
        assert second.result() == "a"
        assert closed_by(None)(third.exception())

    run(main)


def test_a_value_whose_receiver_was_cancelled_stays_in_the_closed_channel(run, make):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a")
        ch.close()
        await dismiss(receiver)
        assert len(ch.rx) == 1
        assert outcome(ch.rx.recv()) == "a"
        assert outcome(ch.rx.recv()) is ac.ChannelClosed

    run(main)


def test_one_who_arrives_while_all_is_promised_waits_and_hears_the_end(run, make):
    async def main():
        ch = make()
        (promised,) = await asleep(ch.rx.recv())
        ch.put("a")
        ch.close()
        newcomer = ch.rx.recv_ok()
        assert newcomer.send(None)._snapshot()[0] == "parked"
        newcomer.close()
        late = go(ch.rx.recv_ok())
        await settle()
        assert promised.result() == "a"
        assert late.result() == (None, False)

    run(main)


def test_a_sender_that_was_let_in_before_the_close_has_sent(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        (sender,) = await asleep(ch.tx.send("s"))
        ch.take()
        ch.close()
        await settle()
        assert sender.result() is None
        assert ch.drain()[-1] == "s"

    run(main)


def test_a_sender_that_was_let_in_and_cancelled_takes_its_value_back_though_closed(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        (sender,) = await asleep(ch.tx.send("s"))
        ch.take()
        ch.close()
        await dismiss(sender)
        assert "s" not in ch.drain()
        assert outcome(ch.rx.recv()) is ac.ChannelClosed

    run(main)


# -- async for


def test_a_loop_receives_what_is_left_and_ends(run, make_roomy):
    async def main():
        ch = make_roomy()
        filled = ch.fill()
        ch.close()
        assert [value async for value in ch.rx] == filled

    run(main)


def test_a_loop_ends_with_an_error_if_there_is_a_cause_after_the_last_value(run, make_roomy):
    async def main():
        ch, cause, received = make_roomy(), Cause(), []
        filled = ch.fill()
        ch.close(cause)

        async def receive():
            async for value in ch.rx:
                received.append(value)  # noqa: PERF401 - it is the loop that is tested

        error = await told(receive())
        assert received == filled
        assert closed_by(cause)(error)

    run(main)


def test_recv_ok_hears_the_end_even_if_there_is_a_cause(run, make):
    async def main():
        ch = make()
        ch.close(Cause())
        assert await ch.rx.recv_ok() == (None, False)

    run(main)


# -- with, async with


def test_a_block_closes_on_exit(run, make):
    async def main():
        ch = make()
        with ch.tx as entered:
            assert entered is ch.tx
            assert not ch.tx.closed
        assert ch.rx.closed
        assert closed_by(None)(await told(ch.rx.recv()))
        other = make()
        async with other.tx as entered:
            assert entered is other.tx
        assert other.tx.closed

    run(main)


def test_the_exception_that_leaves_a_block_is_the_cause_and_goes_on(run, make):
    async def main():
        for error in (Cause(), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()):
            ch, other = make(), make()
            with pytest.raises(type(error)) as caught, ch.tx:
                raise error
            assert caught.value is error
            assert closed_by(error)(await told(ch.rx.recv()))
            with pytest.raises(type(error)) as caught:
                async with other.tx:
                    raise error
            assert caught.value is error
            assert closed_by(error)(await told(other.rx.recv()))

    run(main)


def test_a_block_whose_channel_is_closed_already_changes_nothing(run, make):
    async def main():
        ch, cause = make(), Cause()
        with ch.tx:
            ch.close(cause)
        with pytest.raises(KeyError):
            async with ch.tx:
                raise KeyError
        assert closed_by(cause)(await told(ch.rx.recv()))

    run(main)


def test_a_block_that_is_cancelled_closes_from_the_cancellation(run, make):
    async def main():
        ch = make()

        async def produce():
            async with ch.tx:
                await ac.never().recv()

        (task,) = await asleep(produce())
        await dismiss(task)
        error = await told(ch.rx.recv())
        assert type(error.__cause__) is asyncio.CancelledError

    run(main)
