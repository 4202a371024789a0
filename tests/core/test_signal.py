"""A signal is said once and heard by everybody; on never() nothing is ever heard."""

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, dismiss, ended, outcome, settle, watched

WAYS = {
    "wait": (lambda signal: signal.wait(), None),
    "recv": (lambda signal: signal.recv(), None),
    "recv_ok": (lambda signal: signal.recv_ok(), (None, False)),
    "select recv": (lambda signal: ac.select(ac.recv(signal)), (0, None)),
    "select recv_ok": (lambda signal: ac.select(ac.recv(ac.never()), ac.recv_ok(signal)), (1, (None, False))),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request):
    return request.param


def test_who_waits_hears_it_and_who_comes_later_hears_it_at_once(run, way):
    wait, answer = way

    async def main():
        signal = ac.Signal()
        tasks = await asleep(wait(signal), wait(signal), wait(signal))
        assert signal.stats().parked_receivers == 3
        signal.close()
        assert signal.stats().parked_receivers == 0
        await settle()
        assert [task.result() for task in tasks] == [answer] * 3
        assert await ended(wait(signal)) == answer
        assert outcome(wait(signal)) == answer
        signal._check()

    run(main)


def test_who_was_cancelled_hears_nothing_and_changes_nothing(run, way):
    wait, answer = way

    async def main():
        signal = ac.Signal()
        first, second, third = await asleep(wait(signal), wait(signal), wait(signal))
        await dismiss(first)
        signal._check()
        signal.close()
        await dismiss(third)
        assert second.result() == answer

    run(main)


def test_it_may_be_said_twice(run):
    async def main():
        signal = ac.Signal()
        assert signal.closed is False
        for _ in range(3):
            assert signal.close() is None
            assert signal.closed is True
            assert await signal.wait() is None

    run(main)


def test_everybody_is_told_in_line(run):
    async def main():
        signal, log = ac.Signal(), []

        async def wait(name):
            await signal.wait()
            log.append(name)

        await asleep(*(wait(i) for i in range(5)))
        signal.close()
        await settle()
        assert log == [0, 1, 2, 3, 4]

    run(main)


def test_without_waiting(run):
    async def main():
        signal = ac.Signal("over")
        with pytest.raises(ac.WouldBlock, match="<Signal 'over' open, 0 waiting>"):
            signal.recv_nowait()
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(signal))
        signal.close()
        assert signal.recv_nowait() is None
        assert ac.select_nowait(ac.recv(signal)) == (0, None)
        assert ac.select_nowait(ac.recv_ok(signal)) == (0, (None, False))

    run(main)


def test_a_loop_over_it_ends_with_it(run):
    async def main():
        signal = ac.Signal()

        async def count():
            return [value async for value in signal]

        (task,) = await asleep(count())
        signal.close()
        await settle()
        assert task.result() == []

    run(main)


def test_it_is_a_receive_end_and_carries_nothing():
    signal = ac.Signal()
    assert isinstance(signal, ac.RecvChan)
    assert not isinstance(signal, (ac.SendChan, ac.Chan))
    assert (len(signal), signal.capacity, bool(signal)) == (0, 0, True)
    for name in ("send", "send_nowait", "sender", "receiver", "reserve"):
        assert not hasattr(signal, name)


def test_each_signal_is_equal_to_itself_only():
    one, other = ac.Signal("a"), ac.Signal("a")
    assert one == one
    assert one != other
    assert len({one, one, other}) == 2


def test_it_says_what_it_is(run):
    async def main():
        signal = ac.Signal("over")
        assert signal.name == "over"
        assert repr(signal) == "<Signal 'over' open, 0 waiting>"
        await asleep(signal.wait(), signal.wait())
        assert repr(signal) == "<Signal 'over' open, 2 waiting>"
        signal.close()
        assert repr(signal) == "<Signal 'over' closed, 0 waiting>"
        nameless = ac.Signal()
        assert nameless.name is None
        assert repr(nameless) == f"<Signal at {id(nameless):#x} open, 0 waiting>"
        await settle()

    run(main)


def test_a_name_is_a_string():
    with pytest.raises(TypeError, match="name"):
        ac.Signal(3)


# -- never


def test_never_is_a_receive_end_that_nobody_can_close():
    never = ac.never()
    assert isinstance(never, ac.RecvChan)
    assert (len(never), never.closed) == (0, False)
    for name in ("close", "send", "sender"):
        assert not hasattr(never, name)
    assert "never" in repr(never)


def test_each_never_is_a_new_one(run):
    """So it may be used in every loop, and those who wait do not share a line."""

    async def main():
        one, other = ac.never(), ac.never()
        assert one != other
        tasks = await asleep(one.recv(), other.recv_ok(), ac.select(ac.recv(one)))
        assert (one.stats().parked_receivers, other.stats().parked_receivers) == (2, 1)
        await dismiss(*tasks)

    run(main)


def test_a_signal_passes_the_checks_of_a_channel(run):
    async def main():
        signal = ac.Signal()
        (task,) = await asleep(signal.wait())
        signal._check()
        assert [place.owner for place in signal._snapshot().recvq] == [task]
        signal.close()
        signal._check()
        await settle()
        assert not watched

    run(main)
