"""`Semaphore`: weights, line, resize, misuse (SM01, SM03, P25, P26, LK01, LK11, H29)."""

import asyncio
import gc
import math
import weakref

import pytest

import aiochan as ac


async def turns(n=3):
    for _ in range(n):
        await asyncio.sleep(0)


def user(semaphore, k, log, name=None):
    """Start a task that takes `k`, says so and keeps it."""

    async def take():
        await semaphore.acquire(k)
        log.append(k if name is None else name)

    return asyncio.create_task(take())


def counts(semaphore):
    return semaphore.size, semaphore.free, semaphore.held, semaphore.waiters


# -- without waiting


def test_what_is_taken_and_given_back_is_counted(run):
    async def main():
        semaphore = ac.Semaphore(3)
        assert counts(semaphore) == (3, 3, 0, 0)
        await semaphore.acquire()
        await semaphore.acquire(2)
        assert counts(semaphore) == (3, 0, 3, 0)
        semaphore.release(3)
        async with semaphore, semaphore.hold(2):
            assert semaphore.held == 3
        assert counts(semaphore) == (3, 3, 0, 0)

    run(main)


def test_try_acquire_takes_all_or_nothing():
    semaphore = ac.Semaphore(3)
    assert semaphore.try_acquire(2)
    assert not semaphore.try_acquire(2)
    assert semaphore.try_acquire()
    assert counts(semaphore) == (3, 0, 3, 0)


def test_a_block_that_fails_gives_back(run):
    async def main():
        semaphore = ac.Semaphore(2)
        for block in (semaphore, semaphore.hold(2)):
            with pytest.raises(ZeroDivisionError):
                async with block:
                    raise ZeroDivisionError
            assert semaphore.free == 2

    run(main)


def test_one_hold_may_be_entered_again_and_by_several(run):
    async def main():
        semaphore = ac.Semaphore(4)
        two = semaphore.hold(2)
        async with two, two:
            assert semaphore.free == 0
        assert semaphore.free == 4

    run(main)


# -- the line


def test_sm01_first_come_first_served_and_the_head_blocks(run):
    """A large wish is not starved by small ones (H29)."""

    async def main():
        semaphore, log = ac.Semaphore(3), []
        await semaphore.acquire(2)
        tasks = [user(semaphore, k, log, name) for name, k in (("large", 3), ("small", 1), ("middle", 2))]
        await turns()
        assert counts(semaphore) == (3, 1, 2, 3)
        assert not semaphore.try_acquire()  # there is one, but not for who comes last
        semaphore.release(2)
        await turns()
        assert log == ["large"]
        semaphore.release(3)
        await asyncio.gather(*tasks)
        assert log == ["large", "small", "middle"]

    run(main)


def test_what_was_handed_over_is_not_taken_by_a_newcomer(run):
    async def main():
        semaphore, log = ac.Semaphore(1), []
        await semaphore.acquire()
        waiting = user(semaphore, 1, log, "waited")
        await turns()
        semaphore.release()
        assert counts(semaphore) == (1, 0, 1, 0)  # the woken one has not run
        assert not semaphore.try_acquire()
        again = user(semaphore, 1, log, "newcomer")
        await waiting
        semaphore.release()
        await again
        assert log == ["waited", "newcomer"]

    run(main)


def test_one_release_lets_in_as_many_as_fit(run):
    async def main():
        semaphore, log = ac.Semaphore(4), []
        await semaphore.acquire(4)
        tasks = [user(semaphore, k, log) for k in (1, 2, 2, 1)]
        await turns()
        semaphore.release(4)
        await turns()
        assert log == [1, 2]
        semaphore.release(1)
        await asyncio.gather(*tasks[2:3])
        semaphore.release(1)
        await asyncio.gather(*tasks)
        assert log == [1, 2, 2, 1]

    run(main)


# -- cancellation


def test_p26_a_cancelled_head_lets_in_who_stands_behind(run):
    """Go's issue 37852."""

    async def main():
        semaphore, log = ac.Semaphore(2), []
        await semaphore.acquire()
        large, small = user(semaphore, 2, log), user(semaphore, 1, log)
        await turns()
        large.cancel()
        await turns()
        assert large.cancelled()
        assert small.done()
        assert counts(semaphore) == (2, 0, 2, 0)

    run(main)


@pytest.mark.parametrize("when", ["asleep", "let in"])
def test_a_cancelled_waiter_takes_nothing(run, when):
    async def main():
        semaphore, log = ac.Semaphore(2), []
        await semaphore.acquire(2)
        first, second = user(semaphore, 2, log, "first"), user(semaphore, 1, log, "second")
        await turns()
        if when == "let in":
            semaphore.release(2)
        first.cancel()
        if when == "asleep":
            semaphore.release(2)
        await second
        assert first.cancelled()
        assert log == ["second"]
        assert counts(semaphore) == (2, 1, 1, 0)

    run(main)


def test_acquire_with_a_timeout(run):
    async def main():
        semaphore = ac.Semaphore(1)
        async with semaphore:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await semaphore.acquire()
            assert counts(semaphore) == (1, 0, 1, 0)
        assert semaphore.free == 1

    run(main)


def test_what_was_released_too_often_is_not_given_out_twice(run):
    """The second release takes what was handed to the waiter, who is cancelled and gives it back again."""

    async def main():
        semaphore, log = ac.Semaphore(1), []
        await semaphore.acquire()
        waiting = user(semaphore, 1, log)
        await turns()
        semaphore.release()
        waiting.cancel()
        semaphore.release()
        await turns()
        assert waiting.cancelled()
        assert counts(semaphore) == (1, 1, 0, 0)

    run(main)


# -- resize


def test_sm03_larger_lets_in(run):
    async def main():
        semaphore, log = ac.Semaphore(1), []
        await semaphore.acquire()
        tasks = [user(semaphore, 1, log, n) for n in range(3)]
        await turns()
        semaphore.resize(3)
        assert counts(semaphore) == (3, 0, 3, 1)
        await turns()
        assert log == [0, 1]
        semaphore.release()
        await asyncio.gather(*tasks)

    run(main)


def test_sm03_smaller_drains(run):
    async def main():
        semaphore, log = ac.Semaphore(3), []
        await semaphore.acquire(3)
        waiting = user(semaphore, 1, log)
        await turns()
        semaphore.resize(1)
        assert counts(semaphore) == (1, 0, 3, 1)
        semaphore.release(2)
        await turns()
        assert counts(semaphore) == (1, 0, 1, 1)
        assert not log
        semaphore.release()
        await waiting
        assert counts(semaphore) == (1, 0, 1, 0)

    run(main)


def test_once_resized_too_much_waits_until_there_is_as_much(run):
    async def main():
        semaphore, log = ac.Semaphore(2), []
        semaphore.resize(2)
        large, small = user(semaphore, 5, log), user(semaphore, 1, log)
        await turns()
        assert not semaphore.try_acquire(5)
        assert semaphore.waiters == 2  # the head blocks
        semaphore.resize(6)
        await asyncio.gather(large, small)
        assert log == [5, 1]

    run(main)


def test_one_that_waits_when_it_becomes_too_small_goes_on_waiting(run):
    async def main():
        semaphore, log = ac.Semaphore(2), []
        await semaphore.acquire()
        waiting = user(semaphore, 2, log)
        await turns()
        semaphore.resize(1)
        semaphore.release()
        await turns()
        assert not log
        semaphore.resize(2)
        await waiting

    run(main)


def test_none_at_all_until_it_is_resized(run):
    async def main():
        semaphore, log = ac.Semaphore(0), []
        with pytest.raises(ValueError, match="never has 1"):
            await semaphore.acquire()
        semaphore.resize(0)
        waiting = user(semaphore, 1, log)
        await turns()
        assert counts(semaphore) == (0, 0, 0, 1)
        semaphore.resize(1)
        await waiting

    run(main)


# -- misuse


@pytest.mark.parametrize("n", [1.0, "2", None, True, math.inf])
def test_a_size_is_a_whole_number(n):
    with pytest.raises(TypeError, match="the size of a Semaphore must be a whole number, not"):
        ac.Semaphore(n)
    semaphore = ac.Semaphore(2)
    with pytest.raises(TypeError, match="the size of a Semaphore must be a whole number, not"):
        semaphore.resize(n)
    assert counts(semaphore) == (2, 2, 0, 0)


def test_a_size_is_not_negative():
    with pytest.raises(ValueError, match="the size of a Semaphore must be 0 or more, not -1"):
        ac.Semaphore(-1)
    semaphore = ac.Semaphore(2)
    with pytest.raises(ValueError, match="the size of a Semaphore must be 0 or more, not -1"):
        semaphore.resize(-1)
    with pytest.raises(ValueError, match="never has 3"):
        semaphore.try_acquire(3)  # not resized by that


@pytest.mark.parametrize(("k", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_p25_amounts_are_whole_and_positive(run, k, error):
    """A negative one would get lost for ever, or be made out of nothing."""

    async def main():
        semaphore = ac.Semaphore(2)
        await semaphore.acquire()
        for use in (semaphore.try_acquire, semaphore.release, semaphore.hold):
            with pytest.raises(error, match=f"must be (1 or more|a whole number), not {k}"):
                use(k)
        with pytest.raises(error, match="what is taken must be"):
            await semaphore.acquire(k)
        assert counts(semaphore) == (2, 1, 1, 0)

    run(main)


def test_p25_more_than_there_is_at_all_is_refused_at_once(run):
    async def main():
        semaphore = ac.Semaphore(2, name="places")
        await semaphore.acquire(2)
        for take in (semaphore.acquire, semaphore.try_acquire):
            with pytest.raises(ValueError, match=r"<Semaphore 'places' 0 of 2 free, 0 waiting> never has 3: take 2"):
                await take(3)
        with pytest.raises(ValueError, match="never has 3"):
            async with semaphore.hold(3):
                pass
        assert counts(semaphore) == (2, 0, 2, 0)

    run(main)


@pytest.mark.parametrize("k", [2, 10**30])
def test_p25_more_than_is_held_is_not_taken_back(k):
    semaphore = ac.Semaphore(2, "places")
    assert semaphore.try_acquire()
    with pytest.raises(ac.NotHeld, match=r"released more than held: <Semaphore 'places' 1 of 2 free.* cannot take"):
        semaphore.release(k)
    assert counts(semaphore) == (2, 1, 1, 0)
    semaphore.release()
    with pytest.raises(ac.NotHeld):
        semaphore.release()
    assert counts(semaphore) == (2, 2, 0, 0)


def test_another_loop_is_refused_and_changes_nothing(run):
    async def elsewhere(semaphore):
        with pytest.raises(ac.WrongLoop):
            await semaphore.acquire()
        for change in (semaphore.release, lambda: semaphore.resize(5)):
            with pytest.raises(ac.WrongLoop):
                change()

    async def main():
        semaphore, log = ac.Semaphore(1), []
        await semaphore.acquire()
        waiting = user(semaphore, 1, log)
        await turns()
        await asyncio.to_thread(asyncio.run, elsewhere(semaphore))
        assert counts(semaphore) == (1, 0, 1, 1)
        with pytest.raises(ValueError, match="never has"):
            semaphore.try_acquire(5)
        semaphore.release()
        await waiting

    run(main)


# -- to be looked at


def test_it_shows_its_state():
    semaphore = ac.Semaphore(3, name="places")
    assert semaphore.try_acquire(2)
    assert repr(semaphore) == "<Semaphore 'places' 1 of 3 free, 0 waiting>"
    assert semaphore.name == "places"


def test_it_dies_without_the_collector(run):
    async def main():
        semaphore = ac.Semaphore(1)
        async with semaphore:
            waiting = user(semaphore, 1, [])
            await turns()
            waiting.cancel()
            await turns()
        del waiting
        known = weakref.ref(semaphore)
        del semaphore
        assert known() is None

    gc.disable()
    try:
        run(main)
    finally:
        gc.enable()
