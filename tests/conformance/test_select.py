"""Select: which cases are ready, which one happens, and what it answers. Who waits is in test_select_asleep.py."""

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import KINDS, Ends, Kind, asleep, dismiss, ended, outcome, settle

NEVER = [ac.recv(None), ac.send(None, 1), ac.recv_ok(None)]


async def select_now(*cases, biased=False):
    return ac.select_nowait(*cases, biased=biased)


@pytest.fixture(params=[ac.select, select_now], ids=["select", "select_nowait"])
def select(request):
    """Both forms do the same with what is ready."""
    return request.param


def throw(*faces):
    """Dice that show these faces, one after the other; they remember what they were asked."""
    asked, faces = [], list(faces)

    def dice(n):
        asked.append(n)
        return faces.pop(0)

    core.set_dice(dice)
    return asked


# -- what it answers


def test_a_receive_answers_the_value(run, make, select):
    async def main():
        ch = make()
        await ch.overfill("a")
        assert outcome(select(*NEVER, ac.recv(ch.rx))) == (3, "a")
        await ch.overfill("b")
        assert outcome(select(ac.recv_ok(ch.rx), *NEVER)) == (0, ("b", True))
        assert ch.held == []

    run(main)


def test_a_send_answers_none(run, make, select):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        assert outcome(select(ac.recv(None), ac.send(ch.tx, "a"))) == (1, None)
        await settle()
        assert receiver.result() == "a"

    run(main)


def test_a_send_into_room_and_a_receive_from_a_sender(run, make_bounded, select):
    async def main():
        ch = make_bounded()
        assert outcome(select(ac.send(ch.tx, "a"))) == (0, None)
        assert ch.take() == "a"
        filled = ch.fill()
        await asleep(ch.tx.send("s"))
        received = [outcome(select(ac.recv(ch.rx))) for _ in range(len(filled) + 1)]
        assert received == [(0, value) for value in [*filled, "s"]]
        await settle()

    run(main)


def test_a_signal_answers_none_once_it_is_closed(run, select):
    async def main():
        signal = ac.Signal()
        expected = "waits" if select is ac.select else ac.WouldBlock
        assert outcome(select(ac.recv(signal))) == expected
        signal.close()
        assert outcome(select(ac.recv(signal))) == (0, None)
        assert outcome(select(ac.recv_ok(signal))) == (0, (None, False))

    run(main)


# -- which cases are ready


def test_none_ready(run, make):
    async def main():
        ch = make()
        cases = [ac.recv(ch.rx), ac.recv_ok(ch.rx), *NEVER]
        with pytest.raises(ac.WouldBlock, match="5 cases"):
            ac.select_nowait(*cases)
        assert outcome(ac.select(*cases)) == "waits"
        assert ch.parked == (0, 0)

    run(main)


def test_who_left_makes_nothing_ready(run, select):
    """Lines that hold nobody but those who were cancelled."""

    async def main():
        expected = "waits" if select is ac.select else ac.WouldBlock
        for operation in (lambda ch: ch.rx.recv(), lambda ch: ch.tx.send("s"), lambda ch: ac.select(ac.recv(ch.rx))):
            ch = Ends(Kind(0))
            await dismiss(*await asleep(operation(ch), operation(ch)))
            for case in (ac.recv(ch.rx), ac.recv_ok(ch.rx), ac.send(ch.tx, "a")):
                assert outcome(select(case)) == expected
                assert ch.held == []

    run(main)


def test_a_full_channel_is_not_ready_to_be_sent_to(run, make_waiting, select):
    async def main():
        ch = make_waiting()
        ch.fill()
        expected = "waits" if select is ac.select else ac.WouldBlock
        assert outcome(select(ac.send(ch.tx, "more"))) == expected
        assert "more" not in ch.held

    run(main)


def test_a_dropping_channel_is_always_ready_to_be_sent_to(run, select):
    async def main():
        for kind in KINDS:
            if kind.overflow != "wait":
                ch = Ends(kind)
                ch.fill()
                assert outcome(select(ac.send(ch.tx, "more"))) == (0, None)
                assert ch.chan.stats().dropped == 1

    run(main)


def test_a_select_of_nothing_waits_for_ever(run):
    async def main():
        for cases in ([], NEVER, [ac.recv(ac.never())]):
            (task,) = await asleep(ac.select(*cases))
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(*cases)
            await dismiss(task)

    run(main)


# -- exactly one case happens


def test_only_the_chosen_case_has_an_effect(run, make, select):
    async def main():
        for chosen in range(4):
            throw(chosen)
            read, other = make(), make()
            await read.overfill("r0", "r1")
            await other.overfill("o0")
            (receiver,) = await asleep(ac.Chan().recv())
            sent = make()
            (waiting,) = await asleep(sent.rx.recv())
            cases = [ac.recv(read.rx), ac.send(sent.tx, "s"), ac.recv(other.rx), ac.recv_ok(read.rx)]
            length = len(read.rx)
            index, _ = outcome(select(*cases))
            assert index == chosen
            assert length - len(read.rx) == (chosen in (0, 3))
            assert sent.chan.stats().promised == (chosen == 1)
            assert len(other.rx) == (chosen != 2)
            await settle()
            waiting.cancel()
            await dismiss(receiver)

    run(main)


def test_the_dice_are_thrown_once_over_the_ready_cases_only(run, make_roomy, select):
    async def main():
        chans = [make_roomy() for _ in range(3)]
        for i, ch in enumerate(chans):
            ch.put(i)
        one, two, three = (ac.recv(ch.rx) for ch in chans)
        cases = [ac.recv(make_roomy().rx), one, *NEVER, two, three]
        asked = throw(2, 0)
        assert outcome(select(*cases)) == (6, 2)
        assert asked == [3]
        assert outcome(select(*cases)) == (1, 0)
        assert asked == [3, 2]

    run(main)


def test_the_dice_are_not_thrown_when_there_is_no_choice(run, make_roomy, select):
    async def main():
        asked = throw()
        ch, idle = make_roomy(), make_roomy()
        ch.put("a")
        assert outcome(select(ac.recv(idle.rx), ac.recv(ch.rx), *NEVER)) == (1, "a")
        ch.put("b")
        assert outcome(select(ac.recv(ch.rx), ac.recv(ch.rx), biased=True)) == (0, "b")
        assert asked == []

    run(main)


def test_biased_takes_the_first_that_is_ready(run, make_roomy, select):
    async def main():
        idle, first, second = make_roomy(), make_roomy(), make_roomy()
        first.put("first")
        second.put("second")
        cases = [ac.recv(idle.rx), *NEVER, ac.recv(first.rx), ac.recv(second.rx)]
        assert outcome(select(*cases, biased=True)) == (4, "first")
        assert outcome(select(*cases, biased=True)) == (5, "second")

    run(main)


# -- closed channels


def test_closed_cases_join_the_draw(run, make, select):
    async def main():
        open_, drained, closed = make(), make(), make()
        drained.close()
        closed.close()
        for face, expected in enumerate([(0, None), ac.ChannelClosed, (2, (None, False)), ac.ChannelClosed]):
            asked = throw(face)
            (receiver,) = await asleep(open_.rx.recv())
            cases = [ac.send(open_.tx, 1), ac.recv(drained.rx), ac.recv_ok(drained.rx), ac.send(closed.tx, 1)]
            assert outcome(select(*cases)) == expected
            assert asked == [4]
            await settle()
            receiver.cancel()
            await settle()

    run(main)


def test_a_closed_channel_is_read_to_its_end(run, make_roomy, select):
    async def main():
        ch = make_roomy()
        filled = ch.fill()
        ch.close()
        assert [outcome(select(ac.recv(ch.rx))) for _ in filled] == [(0, value) for value in filled]
        assert outcome(select(ac.recv(ch.rx))) is ac.ChannelClosed
        assert outcome(select(ac.recv_ok(ch.rx))) == (0, (None, False))

    run(main)


CLOSED = {"recv": lambda ch: ac.recv(ch.rx), "send": lambda ch: ac.send(ch.tx, "v")}


@pytest.mark.parametrize("case", CLOSED.values(), ids=CLOSED)
def test_the_error_tells_which_case_it_was(run, make, select, case):
    async def main():
        ch, cause = make(), KeyError("why")
        ch.close(cause)
        for before in range(3):
            with pytest.raises(ac.ChannelClosed) as caught:
                await select(*NEVER[:before], case(ch), *NEVER)
            error = caught.value
            assert (error.index, error.channel, error.__cause__) == (before, ch.chan, cause)
            assert f"(case {before} of the select)" in str(error)

    run(main)


@pytest.mark.parametrize("case", CLOSED.values(), ids=CLOSED)
def test_the_error_tells_which_case_it_was_when_it_slept(run, make_waiting, case):
    async def main():
        for before in range(3):
            ch, cause = make_waiting(), KeyError("why")
            if case is CLOSED["send"]:
                ch.fill()
            (task,) = await asleep(ac.select(*NEVER[:before], case(ch), *NEVER, ac.recv(ac.never())))
            ch.close(cause)
            await settle()
            error = task.exception()
            assert type(error) is ac.ChannelClosed
            assert (error.index, error.channel, error.__cause__) == (before, ch.chan, cause)

    run(main)


def test_recv_ok_hears_the_end_asleep_or_not(run, make, select):
    async def main():
        ch = make()
        (task,) = await asleep(ac.select(*NEVER, ac.recv_ok(ch.rx)))
        ch.close(KeyError())
        await settle()
        assert task.result() == (3, (None, False))
        assert outcome(select(*NEVER, ac.recv_ok(ch.rx))) == (3, (None, False))

    run(main)


# -- many cases


def test_ten_thousand_ready_cases(run, make_roomy, select):
    async def main():
        chans = [make_roomy() for _ in range(20)]
        for i, ch in enumerate(chans):
            ch.put(i)
        cases = [ac.recv(chans[i % 20].rx) for i in range(10_000)]
        asked = throw(7_777)
        assert await select(*cases) == (7_777, 7_777 % 20)
        assert asked == [10_000]
        assert await select(*cases, biased=True) == (0, 0)

    run(main)


def test_ten_thousand_cases_asleep_leave_nobody_behind(run, make):
    async def main():
        chans = [make() for _ in range(100)]
        cases = [ac.recv(chans[i % 100].rx) for i in range(10_000)]
        (task,) = await asleep(ac.select(*cases))
        assert all(ch.parked == (0, 1) for ch in chans)  # one place for a channel and side
        chans[42].put("a")
        assert all(ch.parked == (0, 0) for ch in chans)
        await settle()
        index, value = task.result()
        assert (index % 100, value) == (42, "a")
        (task,) = await asleep(ac.select(*cases))
        await dismiss(task)
        assert all(ch.parked == (0, 0) for ch in chans)
        assert all(not any(ch.chan._snapshot()[-3:]) for ch in chans)

    run(main)


def test_ten_thousand_channels_asleep_leave_nobody_behind(run):
    async def main():
        chans = [ac.Chan() for _ in range(10_000)]
        for end in ("send", "cancel", "close"):
            (task,) = await asleep(ac.select(*(ac.recv_ok(ch) for ch in chans)))
            assert all(len(ch._snapshot().recvq) == 1 for ch in chans)
            if end == "send":
                chans[5_000].send_nowait("a")
            elif end == "close":
                chans[9_999].close()
            else:
                task.cancel()
            assert not any(ch._snapshot().recvq for ch in chans)
            await settle()
            answers = {"send": (5_000, ("a", True)), "close": (9_999, (None, False))}
            assert task.cancelled() if end == "cancel" else task.result() == answers[end]

    run(main)


# -- a select among other tasks


def test_a_select_that_does_not_wait_takes_nothing_from_those_who_do(run, make):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a")
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(ch.rx), ac.recv_ok(ch.rx))
        await settle()
        assert receiver.result() == "a"

    run(main)


def test_selects_that_offer_what_the_other_wants_meet(run):
    """Each would send and would receive: the value goes one way, once; the dice of the second say which."""

    async def main():
        for face, first_answer, second_answer in ((0, (1, "two"), (0, None)), (1, (0, None), (1, "one"))):
            ch = Ends(Kind(0))
            throw(face)
            (first,) = await asleep(ac.select(ac.send(ch.tx, "one"), ac.recv(ch.rx)))
            second = await ended(ac.select(ac.send(ch.tx, "two"), ac.recv(ch.rx)))
            assert (first.result(), second) == (first_answer, second_answer)
            assert ch.parked == (0, 0)
            assert ch.held == []

    run(main)


def test_a_select_that_was_cancelled_can_be_tried_again_with_the_same_cases(run, make):
    async def main():
        ch = make()
        cases = [ac.recv(ch.rx), *NEVER]
        await dismiss(*await asleep(ac.select(*cases)))
        await ch.overfill("a")
        assert await ended(ac.select(*cases)) == (0, "a")

    run(main)
