"""`Chan.clear`: what was sent before it is received by nobody but those who had been promised it."""

import asyncio
import gc
import threading
import weakref

import pytest

import aiochan as ac
from tests.conformance.kit import RECEIVES, SENDS, Ends, Kind, asleep, begin, check, dismiss, each, settle


def clear(ch):
    """Clear now, as `Ends.take` takes: with the invariants looked at."""
    try:
        return ch.chan.clear()
    finally:
        check()


def test_values_are_thrown_away_and_counted(run, make):
    async def main():
        ch = make()
        filled = ch.fill()
        assert clear(ch) == len(filled)
        assert clear(ch) == 0
        assert ch.held == []
        stats = ch.chan.stats()
        assert (stats.sent, stats.dropped, stats.received) == (len(filled), len(filled), 0)
        ch.put(*filled)
        assert ch.drain() == filled

    run(main)


def test_senders_asleep_are_let_in_with_what_they_send(run, make_bounded):
    async def scenario(ch, send):
        filled = ch.fill()
        senders = await asleep(*(send(ch, f"s{i}") for i in range(len(filled) + 1)))
        assert clear(ch) == len(filled)
        assert ch.parked == (1, 0)
        await settle()
        assert [sender.done() for sender in senders] == [True] * len(filled) + [False]
        assert ch.drain() == [f"s{i}" for i in range(len(filled) + 1)]
        await settle()

    each(run, make_bounded, SENDS, scenario)


def test_a_value_that_a_sender_may_still_take_back_is_thrown_away(run, make_bounded):
    """Its sender has sent it; cancelled now, it finds nothing, above all nobody else's value."""

    async def scenario(ch, send):
        filled = ch.fill()
        (sender,) = await asleep(send(ch, "s"))
        ch.take()
        assert clear(ch) == len(filled)
        again = ch.fill()
        await dismiss(sender)
        assert ch.drain() == again

    each(run, make_bounded, SENDS, scenario)


def test_what_was_promised_is_received(run, make):
    async def scenario(ch, receive):
        (receiver,) = await asleep(receive(ch))
        ch.put("a")
        assert clear(ch) == 0
        await settle()
        assert "'a'" in str((receiver.result(),))
        assert ch.held == []

    each(run, make, RECEIVES, scenario)


def test_what_was_promised_and_is_given_back_goes_to_nobody(run, make):
    async def scenario(ch, receive):
        first, second = await asleep(receive(ch), receive(ch))
        ch.put("a")
        clear(ch)
        await dismiss(first)
        assert ch.held == []
        assert not second.done()
        assert ch.parked == (0, 1)
        ch.put("b")
        await settle()
        assert "'b'" in str((second.result(),))

    each(run, make, RECEIVES, scenario)


def test_what_was_promised_and_is_given_back_stays_for_nobody(run, make):
    async def scenario(ch, receive):
        (receiver,) = await asleep(receive(ch))
        ch.put("a")
        clear(ch)
        await dismiss(receiver)
        assert ch.held == []
        assert len(ch.rx) == 0
        assert ch.drain() == []

    each(run, make, RECEIVES, scenario)


def test_what_is_promised_afterwards_goes_on_as_ever(run, make_roomy):
    async def scenario(ch, receive):
        first, second = await asleep(receive(ch), receive(ch))
        ch.put("a")
        clear(ch)
        ch.put("b")
        await dismiss(first, second)
        assert ch.held == ["b"]
        assert ch.drain() == ["b"]

    each(run, make_roomy, RECEIVES, scenario)


def test_as_many_are_thrown_away_as_were_promised_and_given_back(run, make):
    async def main():
        for given_back in ([0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]):
            ch = make()
            receivers = await asleep(*(ch.rx.recv() for _ in range(3)))
            ch.put("a", "b", "c")
            clear(ch)
            await dismiss(*(receivers[i] for i in given_back))
            await settle()
            assert sum(not receiver.cancelled() for receiver in receivers) == 3 - len(given_back)
            assert ch.held == []
            assert ch.chan.stats().dropped == len(given_back)

    run(main)


def test_a_newcomer_that_takes_what_was_promised_leaves_the_new_value_to_its_receiver(run):
    async def main():
        ch = Ends(Kind(2))
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("old")
        clear(ch)
        ch.put("new", "newer")
        assert ch.take() == "old"
        await dismiss(receiver)
        assert ch.drain() == ["new", "newer"]

    run(main)


def test_a_sender_that_takes_its_value_back_takes_the_mark_along(run):
    """The promise then stands for a newer value, which is kept if it is given back."""

    async def main():
        ch = Ends(Kind(1))
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a", "b")
        sender = begin(ch.tx.send("s"))
        assert ch.take() == "a"
        assert clear(ch) == 1
        assert ch.held == ["s"]
        ch.put("t")
        sender.close()
        assert ch.held == ["t"]
        await dismiss(receiver)
        assert ch.drain() == ["t"]

    run(main)


def test_a_closed_channel_ends_with_it(run, make):
    async def main():
        ch = make()
        ch.fill()
        ch.close()
        clear(ch)
        assert await ch.rx.recv_ok() == (None, False)

    run(main)


def test_the_last_promise_of_a_closed_channel_that_is_given_back_tells_the_end(run, make):
    async def main():
        ch = make()
        first, second = await asleep(ch.rx.recv_ok(), ch.rx.recv_ok())
        ch.put("a")
        clear(ch)
        ch.close()
        assert not second.done()
        await dismiss(first)
        await settle()
        assert second.result() == (None, False)

    run(main)


def test_what_is_thrown_away_may_use_the_channel_as_it_dies(run, make_roomy):
    class Loud:
        def __init__(self, ch):
            self.ch = ch

        def __del__(self):
            check()
            said.append(clear(self.ch))
            self.ch.put("said")

    said = []

    async def main():
        ch = make_roomy()
        ch.put(Loud(ch))
        clear(ch)
        assert said == [0]
        assert ch.drain() == ["said"]

    run(main)


def test_what_is_thrown_away_is_let_go_of(run, make_roomy):
    class Thing:
        pass

    async def main():
        ch, thing = make_roomy(), Thing()
        ref = weakref.ref(thing)
        (receiver,) = await asleep(ch.rx.recv())
        ch.put(thing)
        del thing
        clear(ch)
        await dismiss(receiver)
        del receiver
        gc.collect()
        assert ref() is None

    run(main)


def test_places_that_were_reserved_stay_reserved(run, make_reserving):
    async def main():
        ch = make_reserving()
        async with ch.tx.reserve() as place:
            clear(ch)
            place.send("r")
        assert ch.drain() == ["r"]

    run(main)


def test_another_thread_is_refused(run, make_roomy):
    async def main():
        ch, errors = make_roomy(), []
        await dismiss(*await asleep(ch.rx.recv()))  # now it belongs to this loop
        held = ch.fill()

        def meddle():
            with pytest.raises(ac.WrongLoop) as caught:
                ch.chan.clear()
            errors.append(caught.value)

        thread = threading.Thread(target=meddle)
        thread.start()
        await asyncio.to_thread(thread.join)
        assert len(errors) == 1
        assert ch.held == held

    run(main)
