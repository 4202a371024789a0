"""A select that sleeps: one task in many lines, at most one place in each, and out of all of them at once."""

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import Ends, Kind, asleep, begin, check, dismiss, ended, finish, outcome, settle


def places(ch):
    """Who stands in the lines of a channel: what each wants, and for which case."""
    snapshot = ch.chan._snapshot()
    return [(place.kind, place.index) for place in (*snapshot.recvq, *snapshot.sendq)]


# -- woken


def test_a_send_wakes_it_for_the_case_that_receives(run, make):
    async def main():
        idle, ch = make(), make()
        (task,) = await asleep(ac.select(ac.recv(idle.rx), ac.recv(ch.rx)))
        assert places(ch) == [("recv", 1)]
        ch.put("a")
        await settle()
        assert task.result() == (1, "a")

    run(main)


def test_a_receiver_wakes_it_for_the_case_that_sends(run, make_waiting):
    async def main():
        ch = make_waiting()
        filled = ch.fill()
        (task,) = await asleep(ac.select(ac.recv(ac.never()), ac.send(ch.tx, "s")))
        assert places(ch) == [("send", 1)]
        assert [ch.take() for _ in range(len(filled) + 1)] == [*filled, "s"]
        await settle()
        assert task.result() == (1, None)

    run(main)


def test_a_close_wakes_it(run, make):
    async def main():
        ch, signal = make(), ac.Signal()
        by_signal, by_channel = await asleep(
            ac.select(ac.recv(ch.rx), ac.recv(signal)), ac.select(ac.recv(ac.never()), ac.recv_ok(ch.rx))
        )
        signal.close()
        ch.close()
        await settle()
        assert by_signal.result() == (1, None)
        assert by_channel.result() == (1, (None, False))

    run(main)


def test_the_first_to_wake_it_decides_and_the_others_find_nobody(run, make):
    async def main():
        left, right = make(), make()
        for first, second, index in ((left, right, 0), (right, left, 1)):
            (task,) = await asleep(ac.select(ac.recv(left.rx), ac.recv(right.rx)))
            first.put("a")
            assert places(left) == places(right) == []
            assert first.chan.stats().promised == 1
            if second.kind.capacity == 0:
                with pytest.raises(ac.WouldBlock):
                    second.put("b")
            else:
                second.put("b")
                assert second.take() == "b"
            await settle()
            assert task.result() == (index, "a")

    run(main)


def test_a_close_that_comes_second_changes_nothing(run, make):
    async def main():
        left, right = make(), make()
        (task,) = await asleep(ac.select(ac.recv(left.rx), ac.recv(right.rx)))
        left.put("a")
        right.close()
        left.close()
        await settle()
        assert task.result() == (0, "a")

    run(main)


def test_the_values_of_the_cases_that_lost_are_not_sent(run, make_waiting):
    async def main():
        left, right = make_waiting(), make_waiting()
        filled = left.fill()
        right.fill()
        (task,) = await asleep(ac.select(ac.send(left.tx, "l"), ac.send(right.tx, "r")))
        left.take()
        assert right.drain() == filled
        await settle()
        assert task.result() == (0, None)
        assert left.drain() == [*filled, "l"][1:]

    run(main)


# -- one place for a channel and side


def test_cases_that_share_a_channel_and_side_share_a_place(run, make):
    async def main():
        ch, other = make(), make()
        receives = [ac.recv(ch.rx), ac.recv(other.rx), ac.recv_ok(ch.rx), ac.recv(ch.rx), ac.recv(other.rx)]
        (task,) = await asleep(ac.select(*receives))
        assert len(places(ch)) == len(places(other)) == 1
        assert places(ch)[0][1] in (0, 2, 3)
        assert places(other)[0][1] in (1, 4)
        index = places(ch)[0][1]
        ch.put("a")
        await settle()
        assert task.result() == (index, ("a", True) if index == 2 else "a")

    run(main)


def test_the_case_that_a_shared_place_speaks_for_is_drawn_when_it_parks(run, make):
    """The k-th that comes to a place takes it over if the dice, asked for one of k, show 0."""

    async def main():
        for faces, index in (((1, 1, 1), 0), ((0, 1, 1), 1), ((0, 0, 2), 2), ((1, 2, 0), 3)):
            ch, asked, left = make(), [], list(faces)

            def dice(n, asked=asked, left=left):
                asked.append(n)
                return left.pop(0)

            core.set_dice(dice)
            (task,) = await asleep(ac.select(*[ac.recv(ch.rx)] * 4))
            assert (places(ch), asked) == ([("recv", index)], [2, 3, 4])
            ch.put("a")
            await settle()
            assert task.result() == (index, "a")

    run(main)


def test_biased_speaks_for_the_first_case(run, make):
    async def main():
        ch = make()
        core.set_dice(lambda n: pytest.fail("nothing is left to chance"))
        cases = [ac.recv(None), ac.recv_ok(ch.rx), ac.recv(ch.rx), ac.recv(ch.rx)]
        (task,) = await asleep(ac.select(*cases, biased=True))
        ch.put("a")
        await settle()
        assert task.result() == (1, ("a", True))

    run(main)


def test_the_value_sent_is_that_of_the_case_drawn(run, make_waiting):
    async def main():
        for face, index in ((1, 0), (0, 1)):
            ch = make_waiting()
            filled = ch.fill()
            core.set_dice(lambda n, face=face: face)
            (task,) = await asleep(ac.select(ac.send(ch.tx, "s0"), ac.send(ch.tx, "s1")))
            assert [place.value for place in ch.chan._snapshot().sendq] == [f"s{index}"]
            assert ch.drain() == [*filled, f"s{index}"]
            await settle()
            assert task.result() == (index, None)

    run(main)


# -- on both sides of one channel


def both_sides(ch, value="mine"):
    return ac.select(ac.send(ch.tx, value), ac.recv(ch.rx))


def test_it_is_never_its_own_partner(run):
    async def main():
        ch = Ends(Kind(0))
        (task,) = await asleep(both_sides(ch))
        assert places(ch) == [("recv", 1), ("send", 0)]
        assert ch.parked == (1, 1)
        await dismiss(task)
        assert places(ch) == []

    run(main)


def test_on_both_sides_whoever_comes_meets_it(run):
    async def main():
        ch = Ends(Kind(0))
        (task,) = await asleep(both_sides(ch))
        assert ch.take() == "mine"
        assert places(ch) == []
        await settle()
        assert task.result() == (0, None)
        (task,) = await asleep(both_sides(ch))
        ch.put("yours")
        assert places(ch) == []
        await settle()
        assert task.result() == (1, "yours")

    run(main)


def test_two_of_them_with_two_cases_on_each_side(run):
    async def main():
        ch, core_faces = Ends(Kind(0)), [1, 0, 3]
        core.set_dice(lambda n: core_faces.pop(0))
        cases = [ac.recv(ch.rx), ac.send(ch.tx, "a"), ac.recv_ok(ch.rx), ac.send(ch.tx, "b")]
        (first,) = await asleep(ac.select(*cases))
        assert places(ch) == [("recv", 0), ("send", 3)]
        assert await ended(ac.select(*cases)) == (3, None)
        assert first.result() == (0, "b")

    run(main)


# -- cancelled


def test_cancelled_in_its_sleep_it_leaves_every_line_at_once(run, make):
    async def main():
        left, right = make(), make()
        (task,) = await asleep(ac.select(ac.recv(left.rx), ac.recv(right.rx), ac.recv(left.rx)))
        task.cancel()
        assert places(left) == places(right) == []
        await settle()
        assert task.cancelled()
        await left.overfill("a")
        assert left.take() == "a"

    run(main)


def test_cancelled_after_the_grant_it_passes_the_promise_on(run, make):
    async def main():
        left, right = make(), make()
        selecting, behind, beside = await asleep(
            ac.select(ac.recv(left.rx), ac.recv(right.rx)), left.rx.recv(), right.rx.recv()
        )
        left.put("a")
        await dismiss(selecting)
        assert behind.result() == "a"
        assert not beside.done()
        await dismiss(beside)

    run(main)


def test_cancelled_after_it_was_let_in_it_takes_its_value_back(run, make_bounded):
    async def main():
        ch = make_bounded()
        filled = ch.fill()
        selecting, behind = await asleep(ac.select(ac.recv(ac.never()), ac.send(ch.tx, "s")), ch.tx.send("t"))
        ch.take()
        assert ch.held == [*filled[1:], "s"]
        await dismiss(selecting)
        assert ch.held == [*filled[1:], "t"]
        assert behind.done()

    run(main)


def test_cancelled_after_its_value_was_taken_it_cannot_know(run, make_waiting):
    async def main():
        ch = make_waiting()
        filled = ch.fill()
        (selecting,) = await asleep(ac.select(ac.recv(ac.never()), ac.send(ch.tx, "s")))
        assert ch.drain() == [*filled, "s"]
        await dismiss(selecting)
        assert ch.held == []

    run(main)


def test_cancelled_after_a_close_it_is_cancelled(run, make):
    async def main():
        ch = make()
        (selecting,) = await asleep(ac.select(ac.recv(ch.rx), ac.recv_ok(ch.rx)))
        ch.close(KeyError())
        await dismiss(selecting)

    run(main)


def test_ended_early_in_any_other_way_it_leaves_every_line(run, make):
    async def main():
        left, right = make(), make()
        coro = begin(ac.select(ac.recv(left.rx), ac.recv(right.rx)))
        coro.close()
        check()
        assert places(left) == places(right) == []
        coro, behind = begin(ac.select(ac.recv(left.rx), ac.recv(right.rx))), begin(right.rx.recv())
        right.put("a")
        with pytest.raises(KeyboardInterrupt):
            coro.throw(KeyboardInterrupt())
        check()
        assert finish(behind) == "a"

    run(main)


def test_whoever_stands_behind_a_select_that_won_elsewhere_is_served(run, make):
    async def main():
        left, right = make(), make()
        selecting, behind = await asleep(ac.select(ac.recv(left.rx), ac.recv(right.rx)), right.rx.recv())
        left.put("a")
        right.put("b")
        await settle()
        assert (selecting.result(), behind.result()) == ((0, "a"), "b")

    run(main)


def test_it_may_be_woken_in_a_closed_channel_by_the_last_promise(run, make):
    async def main():
        ch = make()
        promised, selecting = await asleep(ch.rx.recv(), ac.select(ac.recv(ac.never()), ac.recv(ch.rx)))
        ch.put("a")
        ch.close()
        assert places(ch) == [("recv", 1)]
        await dismiss(promised)
        assert selecting.result() == (1, "a")
        assert outcome(ch.rx.recv()) is ac.ChannelClosed

    run(main)
