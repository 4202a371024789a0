"""`CyclicBarrier`: rounds, action, broken and reset (CB01, P28, X15)."""

import asyncio
import contextlib
import gc
import weakref

import pytest

import aiochan as ac


async def turns(n=4):
    for _ in range(n):
        await asyncio.sleep(0)


def parties(barrier, n):
    return [asyncio.create_task(barrier.wait()) for _ in range(n)]


async def outcomes(tasks):
    """Tell what became of each: its index, or the type of what it raised."""
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(each) if isinstance(each, BaseException) else each for each in ended]


# -- rounds


def test_cb01_all_leave_when_the_last_has_come(run):
    async def main():
        barrier = ac.CyclicBarrier(3)
        tasks = parties(barrier, 2)
        await turns()
        assert (barrier.parties, barrier.waiting, barrier.broken) == (3, 2, False)
        assert not any(task.done() for task in tasks)
        assert await barrier.wait() == 2
        assert barrier.waiting == 0
        assert await outcomes(tasks) == [0, 1]

    run(main)


def test_a_barrier_for_one_waits_for_nobody(run):
    async def main():
        rounds = []
        barrier = ac.CyclicBarrier(1, lambda: rounds.append(barrier.waiting))
        assert [await barrier.wait(), await barrier.wait()] == [0, 0]
        assert rounds == [1, 1]

    run(main)


def test_round_after_round(run):
    """Nobody begins a step before all have done the one before, though some are faster."""

    async def main():
        barrier, log = ac.CyclicBarrier(3), []

        async def worker(speed):
            for step in range(5):
                await turns(speed)
                log.append(step)
                await barrier.wait()

        await asyncio.gather(*(worker(speed) for speed in (0, 1, 5)))
        assert log == sorted(log)

    run(main)


def test_more_tasks_than_parties_make_several_rounds(run):
    async def main():
        barrier = ac.CyclicBarrier(3)
        assert sorted(await outcomes(parties(barrier, 9))) == [0, 0, 0, 1, 1, 1, 2, 2, 2]

    run(main)


# -- the action


def test_cb01_the_action_runs_once_in_the_last_before_anybody_leaves(run):
    async def main():
        log = []

        def act():
            log.append((asyncio.current_task(), barrier.waiting))

        barrier = ac.CyclicBarrier(3, act)
        tasks = parties(barrier, 3)
        for task in tasks:
            task.add_done_callback(lambda task: log.append(task.result()))
        await outcomes(tasks)
        await turns()
        assert log[0] == (tasks[2], 3)
        assert sorted(log[1:]) == [0, 1, 2]

    run(main)


def test_an_action_may_wait(run):
    async def main():
        gate, log = asyncio.Event(), []

        async def act():
            log.append("begins")
            await gate.wait()
            log.append("ends")

        barrier = ac.CyclicBarrier(2, act)
        tasks = parties(barrier, 2)
        await turns()
        assert log == ["begins"]
        assert barrier.waiting == 2
        assert not any(task.done() for task in tasks)
        gate.set()
        assert await outcomes(tasks) == [0, 1]
        assert log == ["begins", "ends"]

    run(main)


def test_who_comes_while_the_action_runs_belongs_to_the_next_round(run):
    """Also if that gets full: the actions run one after the other."""

    async def main():
        gates, log = [asyncio.Event() for _ in range(3)], []

        async def act():
            number = len(log)
            log.append("begins")
            await gates[number].wait()
            log[number] = "ends"

        barrier = ac.CyclicBarrier(2, act)
        tasks = parties(barrier, 7)
        await turns()
        assert log == ["begins"]
        assert barrier.waiting == 7
        for number in range(3):
            gates[number].set()
            await turns(8)
            assert [task.done() for task in tasks] == [place < 2 * number + 2 for place in range(7)]
            barrier._check()
        assert log == ["ends"] * 3
        tasks[6].cancel()
        assert await outcomes(tasks) == [0, 1, 0, 1, 0, 1, asyncio.CancelledError]

    run(main)


def test_an_action_that_fails_breaks_the_round(run):
    async def main():
        def act():
            raise ZeroDivisionError("in the action")

        barrier = ac.CyclicBarrier(3, act, name="steps")
        tasks = parties(barrier, 3)
        assert await outcomes(tasks) == [ac.BrokenBarrier, ac.BrokenBarrier, ZeroDivisionError]
        error = tasks[0].exception()
        assert error.__cause__ is tasks[2].exception()
        assert str(error) == (
            "CyclicBarrier 'steps' is broken: its action ended with ZeroDivisionError; reset() begins anew"
        )
        assert barrier.broken
        with pytest.raises(ac.BrokenBarrier) as later:
            await barrier.wait()
        assert later.value.__cause__ is None  # or the barrier would keep the error, and all its frames, for ever

    run(main)


def test_a_cancelled_action_breaks_the_round(run):
    async def main():
        async def act():
            await asyncio.get_running_loop().create_future()

        barrier = ac.CyclicBarrier(2, act)
        tasks = parties(barrier, 2)
        await turns()
        tasks[1].cancel()
        assert await outcomes(tasks) == [ac.BrokenBarrier, asyncio.CancelledError]
        assert "its action ended with CancelledError" in str(tasks[0].exception())

    run(main)


def test_an_action_that_fails_breaks_the_rounds_behind_it_too(run):
    async def main():
        gate = asyncio.Event()

        async def act():
            await gate.wait()
            raise ZeroDivisionError

        barrier = ac.CyclicBarrier(2, act)
        tasks = parties(barrier, 5)
        await turns()
        gate.set()
        broken = ac.BrokenBarrier
        assert await outcomes(tasks) == [broken, ZeroDivisionError, broken, broken, broken]
        assert all(task.exception().__cause__ is tasks[1].exception() for task in tasks[2:])

    run(main)


def test_an_action_that_waits_for_its_own_barrier_is_told(run):
    async def main():
        async def act():
            await barrier.wait()

        barrier = ac.CyclicBarrier(2, act)
        tasks = parties(barrier, 2)
        assert await outcomes(tasks) == [ac.BrokenBarrier, ac.MisuseError]
        assert "it would wait for itself" in str(tasks[1].exception())

    run(main)


# -- broken


def test_p28_a_cancelled_party_breaks_the_round_and_all_later_ones_until_reset(run):
    """X15: the one who was cancelled gets its cancellation, the others BrokenBarrier."""

    async def main():
        barrier = ac.CyclicBarrier(3, name="steps")
        tasks = parties(barrier, 2)
        await turns()
        tasks[0].cancel()
        assert barrier.broken  # at once
        assert await outcomes(tasks) == [asyncio.CancelledError, ac.BrokenBarrier]
        assert repr(barrier) == "<CyclicBarrier 'steps' broken: a party was cancelled while it waited>"
        for _ in range(3):
            with pytest.raises(ac.BrokenBarrier, match="a party was cancelled while it waited; reset"):
                await barrier.wait()
        barrier.reset()
        assert not barrier.broken
        assert await outcomes(parties(barrier, 3)) == [0, 1, 2]

    run(main)


def test_who_comes_between_a_cancellation_and_its_end_finds_it_broken(run):
    async def main():
        barrier = ac.CyclicBarrier(2)
        (waiting,) = parties(barrier, 1)
        await turns()
        waiting.cancel()
        with pytest.raises(ac.BrokenBarrier):
            await barrier.wait()
        assert await outcomes([waiting]) == [asyncio.CancelledError]

    run(main)


def test_a_party_that_is_cancelled_after_the_round_breaks_nothing(run):
    async def main():
        barrier = ac.CyclicBarrier(3)
        tasks = parties(barrier, 2)
        await turns()
        assert await barrier.wait() == 2
        tasks[0].cancel()  # released, and has not run
        assert not barrier.broken
        assert await outcomes(tasks) == [asyncio.CancelledError, 1]
        assert await outcomes(parties(barrier, 3)) == [0, 1, 2]

    run(main)


@pytest.mark.parametrize("at_once", [True, False], ids=["the action ends in the same turn", "the action goes on"])
def test_a_party_that_is_cancelled_while_the_action_runs_breaks_the_round(run, at_once):
    async def main():
        gate = asyncio.Event()
        barrier = ac.CyclicBarrier(3, gate.wait)
        tasks = parties(barrier, 3)
        await turns()
        if at_once:
            gate.set()
        tasks[0].cancel()
        assert barrier.broken
        await turns()
        assert tasks[1].done()
        gate.set()
        assert await outcomes(tasks) == [asyncio.CancelledError, ac.BrokenBarrier, ac.BrokenBarrier]

    run(main)


def test_a_timeout_breaks_the_round(run):
    async def main():
        barrier = ac.CyclicBarrier(2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await barrier.wait()
        assert barrier.broken

    run(main)


def test_abort_tells_all(run):
    async def main():
        barrier = ac.CyclicBarrier(3)
        tasks = parties(barrier, 2)
        await turns()
        barrier.abort()
        barrier.abort()
        assert barrier.broken
        assert barrier.waiting == 0
        assert await outcomes(tasks) == [ac.BrokenBarrier] * 2
        assert "abort() was called" in str(tasks[0].exception())
        with pytest.raises(ac.BrokenBarrier, match="abort"):
            await barrier.wait()
        barrier.reset()
        assert await outcomes(parties(barrier, 3)) == [0, 1, 2]

    run(main)


# -- reset


def test_reset_of_a_new_one_changes_nothing(run):
    async def main():
        barrier = ac.CyclicBarrier(2)
        barrier.reset()
        assert not barrier.broken
        assert await outcomes(parties(barrier, 2)) == [0, 1]

    run(main)


def test_cb01_reset_tells_who_waits_and_begins_a_new_round_at_once(run):
    """The original takes its lock twice here, and hangs."""

    async def main():
        barrier = ac.CyclicBarrier(2)
        (old,) = parties(barrier, 1)
        await turns()
        barrier.reset()
        assert (barrier.waiting, barrier.broken) == (0, False)
        new = parties(barrier, 2)
        assert await outcomes([old, *new]) == [ac.BrokenBarrier, 0, 1]
        assert "reset() was called" in str(old.exception())

    run(main)


def test_what_is_left_of_the_old_round_does_not_disturb_the_new_one(run):
    async def main():
        barrier = ac.CyclicBarrier(2)
        (old,) = parties(barrier, 1)
        await turns()
        old.cancel()
        barrier.reset()
        (new,) = parties(barrier, 1)
        assert await outcomes([old]) == [asyncio.CancelledError]
        assert (barrier.waiting, barrier.broken) == (1, False)
        assert await barrier.wait() == 1
        assert await outcomes([new]) == [0]

    run(main)


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
def test_the_action_may_reset_which_breaks_its_own_round(run, plain):
    async def main():
        async def act():
            barrier.reset()
            await turns(1)

        barrier = ac.CyclicBarrier(3)
        barrier._action = barrier.reset if plain else act
        assert await outcomes(parties(barrier, 3)) == [ac.BrokenBarrier] * 3
        assert not barrier.broken
        barrier._action = None
        assert await outcomes(parties(barrier, 3)) == [0, 1, 2]

    run(main)


def test_who_is_cancelled_in_the_next_round_does_not_break_the_one_at_its_action(run):
    """That one is complete. The barrier breaks when it has left, for who stands beside the one that was cancelled."""

    async def main():
        log = []

        async def action():
            log.append("begins")
            await turns(12)
            log.append("ends")

        barrier = ac.CyclicBarrier(3, action)
        complete = parties(barrier, 3)
        await turns(2)
        beside, leaves = parties(barrier, 2)
        await turns(2)
        leaves.cancel()
        await turns(2)
        assert (log, barrier.broken) == (["begins"], True)
        with pytest.raises(ac.BrokenBarrier, match="a party was cancelled while it waited"):
            await barrier.wait()
        assert await outcomes(complete) == [0, 1, 2]
        assert await outcomes([beside, leaves]) == [ac.BrokenBarrier, asyncio.CancelledError]
        assert log == ["begins", "ends"]
        barrier.reset()
        assert await outcomes(parties(barrier, 3)) == [0, 1, 2]

    run(main)


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_no_action_begins_for_a_round_that_was_broken_while_its_turn_came(run, end):
    """Else two actions could run beside each other after a reset."""

    async def main():
        begun = []

        async def slowly():
            begun.append(barrier.waiting)
            await turns(3)

        barrier = ac.CyclicBarrier(1, slowly)

        async def first():
            await barrier.wait()  # its end hands the turn to the second
            getattr(barrier, end)()

        tasks = [asyncio.create_task(first()), *parties(barrier, 1)]
        assert await outcomes(tasks) == [None, ac.BrokenBarrier]
        assert len(begun) == 1

    run(main)


def test_a_new_round_after_reset_does_not_wait_for_the_old_action(run):
    async def main():
        gates = [asyncio.Event(), asyncio.Event()]
        coming = iter(gates)
        barrier = ac.CyclicBarrier(2, lambda: next(coming).wait())
        old = parties(barrier, 2)
        await turns()
        barrier.reset()
        new = parties(barrier, 2)
        await turns()
        gates[1].set()
        assert await outcomes(new) == [0, 1]
        gates[0].set()
        assert await outcomes(old) == [ac.BrokenBarrier, ac.BrokenBarrier]
        assert not barrier.broken

    run(main)


# -- misuse


@pytest.mark.parametrize("n", [1.0, "2", None, True])
def test_parties_are_a_whole_number(n):
    with pytest.raises(TypeError, match="the parties of a CyclicBarrier must be a whole number, not"):
        ac.CyclicBarrier(n)


@pytest.mark.parametrize("n", [0, -1])
def test_there_is_one_party_at_least(n):
    with pytest.raises(ValueError, match=f"the parties of a CyclicBarrier must be 1 or more, not {n}"):
        ac.CyclicBarrier(n)


def test_an_action_is_a_function():
    with pytest.raises(TypeError, match="the action of a CyclicBarrier must be a function without arguments, not 7"):
        ac.CyclicBarrier(2, 7)


def test_another_loop_is_refused_and_changes_nothing(run):
    async def elsewhere(barrier):
        for use in (barrier.wait, barrier.reset, barrier.abort):
            with pytest.raises(ac.WrongLoop):
                await use()

    async def main():
        barrier = ac.CyclicBarrier(3)
        tasks = parties(barrier, 1)
        await turns()
        await asyncio.to_thread(asyncio.run, elsewhere(barrier))
        assert (barrier.waiting, barrier.broken) == (1, False)
        tasks += parties(barrier, 1)
        await turns()
        await asyncio.to_thread(asyncio.run, elsewhere(barrier))  # also as the last of a round
        assert (barrier.waiting, barrier.broken) == (2, False)
        assert await barrier.wait() == 2
        assert await outcomes(tasks) == [0, 1]

    run(main)


# -- to be looked at


def test_it_shows_its_state(run):
    async def main():
        barrier = ac.CyclicBarrier(2, name="steps")
        tasks = parties(barrier, 1)
        await turns()
        assert repr(barrier) == "<CyclicBarrier 'steps' 1 of 2 waiting>"
        await barrier.wait()
        await outcomes(tasks)
        assert repr(barrier) == "<CyclicBarrier 'steps' 0 of 2 waiting>"

    run(main)


def test_it_dies_without_the_collector_also_after_an_error(run):
    async def main():
        async def act():
            raise ZeroDivisionError

        async def party(barrier):
            with contextlib.suppress(ac.BrokenBarrier, ZeroDivisionError):
                await barrier.wait()

        barrier = ac.CyclicBarrier(2, act)
        await asyncio.gather(party(barrier), party(barrier))
        known = weakref.ref(barrier)
        del barrier, act
        await turns()
        assert known() is None

    gc.disable()
    try:
        run(main)
    finally:
        gc.enable()
