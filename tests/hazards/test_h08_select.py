"""H8: losing cases that stay in line, a winner that is cancelled, two winners."""

import asyncio

import pytest

import aiochan as ac
from tests.hazards.awaits import WAITS, full
from tests.hazards.stage import assert_idle, drain, see_off, settle, start

every_select = pytest.mark.parametrize("make", [make for name, make in WAITS.items() if "select" in name])


@every_select
def test_h08_the_winner_leaves_all_its_lines_at_once(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        wait.answer()
        assert wait.asleep() == 0  # before the task has run
        await task
        assert_idle(*wait.things)

    run(main)


@every_select
def test_h08_so_does_one_that_is_cancelled(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        task.cancel()
        assert wait.asleep() == 0
        await settle(task)
        assert_idle(*wait.things)

    run(main)


@every_select
def test_h08_so_does_a_winner_that_is_cancelled(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        wait.answer()
        task.cancel()
        await settle(task)
        assert_idle(*wait.things)

    run(main)


def test_h08_one_select_takes_one_value(run):
    async def main():
        left, right = ac.Chan(), ac.Chan()
        [task] = await start(ac.select(ac.recv(left), ac.recv(right)), on=[left, right])
        right.send_nowait("won")
        with pytest.raises(ac.WouldBlock):
            left.send_nowait("lost")
        assert await task == (1, "won")

    run(main)


@pytest.mark.parametrize("closer", [0, 1])
def test_h08_an_end_wins_too(run, closer):
    async def main():
        channels = [ac.Chan(), ac.Chan()]
        [task] = await start(ac.select(*map(ac.recv_ok, channels)), on=channels)
        channels[closer].close()
        with pytest.raises(ac.WouldBlock):
            channels[1 - closer].send_nowait("lost")
        assert await task == (closer, (None, False))

    run(main)


def test_h08_a_cancelled_winner_passes_on_what_it_won_and_nothing_else(run):
    async def main():
        left, right, got = ac.Chan(), ac.Chan(), []

        async def receive(ch):
            got.append(await ch.recv())

        [winner] = await start(ac.select(ac.recv(left), ac.recv(right)), on=[left, right])
        behind = await start(receive(left), receive(right), on=[left, right])
        right.send_nowait("value")
        winner.cancel()
        await settle(winner, behind[1])
        assert got == ["value"]
        assert left.stats().parked_receivers == 1
        await see_off(*behind)
        assert_idle(left, right)

    run(main)


def test_h08_a_select_that_lost_its_value_did_not_send(run):
    """Admitted to the ring, then cancelled: the value is taken back, and the next sender moves up."""

    async def main():
        ch, silent = full(), ac.Chan()
        [victim] = await start(ac.select(ac.send(ch, "mine"), ac.recv(silent)), on=[ch, silent])
        [behind] = await start(ch.send("next"), on=[ch])
        assert ch.recv_nowait() == "old 0"
        victim.cancel()
        await settle(victim, behind)
        assert drain(ch) == ["next"]
        assert_idle(ch, silent)

    run(main)


def test_h08_two_selects_meet_on_one_channel(run):
    """Each wants both directions: they are partners of each other, and never of themselves."""

    async def main():
        ch, log = ac.Chan(), []

        async def swap(name):
            index, value = await ac.select(ac.send(ch, name), ac.recv(ch))
            log.append((name, index, value))

        [first] = await start(swap("first"), on=[ch])
        second = asyncio.create_task(swap("second"))
        await settle(first, second)
        assert {index for _, index, _ in log} == {0, 1}
        [received] = [(name, value) for name, index, value in log if index == 1]
        assert received in (("first", "second"), ("second", "first"))
        assert_idle(ch)

    run(main)


def test_h08_a_bad_case_leaves_nobody_in_line(run):
    async def main():
        ch = ac.Chan()
        with pytest.raises(TypeError, match="case 1"):
            await ac.select(ac.recv(ch), "no case")
        assert_idle(ch)

    run(main)
