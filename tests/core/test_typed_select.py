"""select_loop: select again and again, until no case is left. The types are tested in tests/typing."""

import pytest

import aiochan as ac
from tests.conformance.kit import KINDS, Ends, Kind, asleep, dismiss, ended, go, outcome, settle


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return request.param


def collecting(*cases, **options):
    """A list that fills with what the loop gives, and the task that runs it."""
    rounds = []

    async def collect():
        async for index, value in ac.select_loop(*cases, **options):
            rounds.append((index, value))

    return rounds, collect()


# -- rounds


def test_each_round_is_a_select(run, kind):
    async def main():
        left, right = Ends(kind), Ends(kind)
        rounds, coro = collecting(ac.recv(left.rx), ac.recv_ok(right.rx))
        (task,) = await asleep(coro)
        for i in range(4):
            (left, right)[i % 2].put(i)
            await settle()
        assert rounds == [(0, 0), (1, (1, True)), (0, 2), (1, (3, True))]
        await dismiss(task)
        assert left.parked == right.parked == (0, 0)

    run(main)


def test_every_value_comes_once_and_in_order(run, kind):
    async def main():
        left, right = Ends(kind), Ends(kind)
        rounds, coro = collecting(ac.recv(left.rx), ac.recv(right.rx), ac.recv(left.rx))
        task = go(coro)
        for i in range(20):
            await left.tx.send(i)
            await right.tx.send(i)
            await settle()
        assert [value for index, value in rounds if index in (0, 2)] == list(range(20))
        assert [value for index, value in rounds if index == 1] == list(range(20))
        await dismiss(task)

    run(main)


def test_a_send_case_sends_its_value_each_time(run, kind):
    async def main():
        ch, stop = Ends(Kind(0)), ac.Signal()
        rounds, coro = collecting(ac.send(ch.tx, "again"), ac.recv(stop))
        task = go(coro)
        await settle()
        assert [ch.take() for _ in range(1)] == ["again"]
        await settle()
        assert ch.take() == "again"
        await settle()
        assert rounds == [(0, None)] * 2
        await dismiss(task)

    run(main)


def test_biased_prefers_the_first_in_every_round(run):
    async def main():
        first, second = ac.Chan(5), ac.Chan(5)
        for i in range(5):
            first.send_nowait(i)
            second.send_nowait(i)
        first.close()
        second.close()
        rounds, coro = collecting(ac.recv(first), ac.recv(second), biased=True)
        await ended(coro)
        assert rounds == [(0, i) for i in range(5)] + [(1, i) for i in range(5)]

    run(main)


# -- the end


def test_it_ends_when_no_case_is_left(run, kind):
    async def main():
        left, right = Ends(kind), Ends(kind)
        await left.overfill("a")
        left.close()
        right.close()
        rounds, coro = collecting(ac.recv(left.rx), ac.recv(right.rx))
        await ended(coro)
        assert rounds == [(0, "a")]

    run(main)


def test_without_cases_it_ends_at_once(run):
    async def main():
        for cases in ([], [ac.recv(None)], [ac.send(None, 1), ac.recv_ok(None)]):
            rounds, coro = collecting(*cases)
            await ended(coro)
            assert rounds == []

    run(main)


def test_never_keeps_it_waiting(run):
    async def main():
        assert outcome(anext(ac.select_loop(ac.recv(ac.never())))) == "waits"

    run(main)


def test_a_case_leaves_when_its_channel_ends_and_the_numbers_stay(run, kind):
    async def main():
        chans = [Ends(kind) for _ in range(4)]
        rounds, coro = collecting(ac.recv(None), *(ac.recv(ch.rx) for ch in chans))
        (task,) = await asleep(coro)
        for i in (1, 0, 3, 2):
            for number in range(4):
                if not chans[number].rx.closed:
                    chans[number].put(number)
                    await settle()
            chans[i].close()
            await settle()
        assert task.done()
        assert rounds == [(number + 1, number) for number in (0, 1, 2, 3, 0, 2, 3, 2, 3, 2)]

    run(main)


def test_each_kind_of_case_hears_the_end_in_its_own_way_once(run):
    async def main():
        plain, comma_ok, signal = ac.Chan(), ac.Chan(), ac.Signal()
        rounds, coro = collecting(ac.recv(plain), ac.recv_ok(comma_ok), ac.recv(signal), ac.recv_ok(signal))
        task = go(coro)
        await settle()
        plain.close()
        await settle()
        assert rounds == []
        comma_ok.close()
        await settle()
        assert rounds == [(1, (None, False))]
        signal.close()
        await settle()
        assert sorted(rounds, key=str) == sorted([(1, (None, False)), (2, None), (3, (None, False))], key=str)
        assert task.done()

    run(main)


def test_all_cases_of_one_channel_leave_with_it(run):
    async def main():
        ch, other = ac.Chan(), ac.Chan(1)
        rounds, coro = collecting(ac.recv(ch), ac.recv_ok(ch), ac.recv(other), ac.recv(ch))
        task = go(coro)
        await settle()
        ch.close()
        await settle()
        assert rounds == [(1, (None, False))]
        other.send_nowait("a")
        await settle()
        assert rounds[1:] == [(2, "a")]
        other.close()
        await settle()
        assert task.done()

    run(main)


def test_after_its_end_it_stays_ended(run):
    async def main():
        ch = ac.Chan()
        ch.close()
        loop = ac.select_loop(ac.recv(ch))
        assert aiter(loop) is loop
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(loop)

    run(main)


# -- errors


def test_a_close_with_a_cause_ends_it_with_an_error(run, kind):
    """Asleep or not, and the number of the case is the one it always had."""

    async def main():
        for awake in (True, False):
            gone, ch, cause = Ends(kind), Ends(kind), KeyError("why")
            gone.close()
            if awake:
                ch.close(cause)
            rounds, coro = collecting(ac.recv(gone.rx), ac.recv(None), ac.recv(ch.rx))
            task = go(coro)
            await settle()
            if not awake:
                ch.close(cause)
                await settle()
            error = task.exception()
            assert type(error) is ac.ChannelClosed
            assert (error.index, error.channel, error.__cause__) == (2, ch.chan, cause)
            assert rounds == []

    run(main)


def test_values_come_before_the_error(run):
    async def main():
        ch = ac.Chan(2)
        ch.send_nowait("a")
        ch.send_nowait("b")
        ch.close(KeyError())
        rounds, coro = collecting(ac.recv(ch))
        with pytest.raises(ac.ChannelClosed):
            await coro
        assert rounds == [(0, "a"), (0, "b")]

    run(main)


def test_recv_ok_hears_no_cause(run):
    async def main():
        ch = ac.Chan()
        ch.close(KeyError())
        rounds, coro = collecting(ac.recv_ok(ch))
        await coro
        assert rounds == [(0, (None, False))]

    run(main)


def test_a_send_to_a_closed_channel_ends_it_with_an_error(run):
    async def main():
        for cause in (None, KeyError()):
            gone, ch = ac.Chan(), ac.Chan()
            gone.close()
            task = go(collecting(ac.recv(gone), ac.send(ch, 1))[1])
            await settle()
            ch.close(cause)
            await settle()
            error = task.exception()
            assert (type(error), error.index, error.channel) == (ac.ChannelClosed, 1, ch)
            assert error.__cause__ is cause

    run(main)


def test_wrong_arguments_are_refused_before_the_first_round():
    for wrong in (ac.Chan(), 1, "abc", (1, 2), None, [ac.recv(None)] * 3):
        with pytest.raises(TypeError, match="case 1 of the select"):
            ac.select_loop(ac.recv(None), wrong)


# -- leaving it


def test_leaving_it_in_the_middle_leaves_nothing(run, kind):
    async def main():
        left, right = Ends(kind), Ends(kind)
        await left.overfill("a")
        async for _ in ac.select_loop(ac.recv(left.rx), ac.recv(right.rx)):
            assert left.parked == right.parked == (0, 0)
            break
        assert left.parked == right.parked == (0, 0)

    run(main)


def test_between_rounds_nothing_is_held(run, kind):
    """While the body runs others can take what arrives."""

    async def main():
        ch = Ends(kind)
        await ch.overfill("a")
        loop = ac.select_loop(ac.recv(ch.rx))
        assert await anext(loop) == (0, "a")
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("b")
        await settle()
        assert receiver.result() == "b"
        assert outcome(anext(loop)) == "waits"

    run(main)


def test_cancelled_in_a_round_it_has_received_nothing(run, kind):
    async def main():
        ch = Ends(kind)
        _, coro = collecting(ac.recv(ch.rx), ac.recv_ok(ch.rx))
        (task, behind) = await asleep(coro, ch.rx.recv())
        ch.put("a")
        await dismiss(task)
        assert behind.result() == "a"
        assert ch.parked == (0, 0)

    run(main)


def test_a_round_can_be_repeated_after_a_cancellation(run, kind):
    async def main():
        ch = Ends(kind)
        loop = ac.select_loop(ac.recv(ch.rx))
        await dismiss(*await asleep(anext(loop)))
        await ch.overfill("a")
        assert await anext(loop) == (0, "a")

    run(main)


# -- shared


def test_several_consumers_may_share_one_loop(run, kind):
    """Each round goes to one of them; a case that one of them saw the end of is gone for all."""

    async def main():
        left, right, rounds = Ends(kind), Ends(kind), []
        loop = ac.select_loop(ac.recv(left.rx), ac.recv_ok(right.rx))

        async def consume(name):
            async for index, value in loop:
                rounds.append((name, index, value))

        tasks = await asleep(consume("a"), consume("b"))
        left.put(1)
        right.put(2)
        await settle()
        assert rounds == [("a", 0, 1), ("b", 1, (2, True))]
        left.close()
        await settle()
        right.put(3)
        await settle()
        assert rounds[2][1:] == (1, (3, True))
        right.close()
        await settle()
        assert [index for _, index, _ in rounds[3:]] == [1] * len(rounds[3:])
        assert {value for _, _, value in rounds[3:]} == {(None, False)}
        assert all(task.done() and task.exception() is None for task in tasks)

    run(main)


def test_an_error_that_was_raised_keeps_its_number(run):
    """The loop tells its own number in an error of its own."""

    async def main():
        gone, ch, cause = ac.Chan(), ac.Chan(), KeyError()
        gone.close()
        ch.close(cause)
        loop = ac.select_loop(ac.recv(None), ac.recv(gone), ac.recv(ch))
        errors = []
        for _ in range(3):
            with pytest.raises(ac.ChannelClosed) as caught:
                await anext(loop)
            errors.append(caught.value)
        assert [error.index for error in errors] == [2, 2, 2]
        assert all(error.__cause__ is cause for error in errors)
        assert all("(case 2 of the select)" in str(error) for error in errors)

    run(main)
