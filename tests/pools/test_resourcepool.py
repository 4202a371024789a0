"""`ResourcePool`: what it lends, keeps, refuses and closes, and who waits for that (PL06, PL07)."""

import asyncio
import copy
import gc
import weakref

import anyio
import pytest

import aiochan as ac
from aiochan.pools import ResourcePool
from aiochan.testing import virtual
from tests.pools.kit import Plug, Works, turns

# -- lending


def test_the_one_that_was_used_last_is_lent_next(run):
    """PL07: LIFO reuse."""

    async def main():
        pool = Works().pool(3)
        leases = [await pool.acquire() for _ in range(3)]
        assert [lease.value.number for lease in leases] == [1, 2, 3]
        for at in (1, 0, 2):
            await pool.release(leases[at])
        assert (pool.idle, pool.lent) == (3, 0)
        async with pool.lease() as first, pool.lease() as second:
            assert (first.value.number, second.value.number) == (3, 1)
        await pool.close()

    run(main)


def test_who_finds_all_lent_waits_in_line(run):
    """PL07: max open waits, first come, first served; a newcomer does not overtake."""

    async def main():
        works, order = Works(), []
        pool = works.pool(2)

        async def borrow(name):
            async with pool.lease() as lease:
                order.append(name)
                await turns(2)
                assert lease.value.open

        first, second = await pool.acquire(), await pool.acquire()
        tasks = [asyncio.create_task(borrow(name)) for name in "abc"]
        await turns()
        assert (pool.waiters, pool.stats().waits) == (3, 3)
        assert repr(pool) == "<ResourcePool 'plugs' 2/2 open, 2 lent, 3 waiting>"
        await pool.release(first)
        await pool.release(second)
        await borrow("late")
        await asyncio.gather(*tasks)
        assert order == ["a", "b", "c", "late"]
        assert works.most == 2 and len(works.plugs) == 2
        await pool.close()

    run(main)


def test_a_promise_is_kept_against_newcomers_and_goes_on_when_cancelled(run):
    async def main():
        pool = Works().pool(1)
        lease = await pool.acquire()
        first, second = (asyncio.create_task(pool.acquire()) for _ in "ab")
        await turns()
        await pool.release(lease)  # promised to the first
        first.cancel()
        pool._check()
        got = await second
        assert first.cancelled() and got.value.number == 1
        await pool.release(got)
        await pool.close()

    run(main)


def test_a_lease_is_given_back_once_and_where_it_was_borrowed(run):
    async def main():
        pool, other = Works().pool(), Works().pool()
        lease = await pool.acquire()
        with pytest.raises(ac.NotHeld, match="is no lease of <ResourcePool 'plugs' 0/1 open"):
            await other.release(lease)
        await pool.release(lease)
        with pytest.raises(ac.NotHeld, match="was given back already, or never lent; give it back once"):
            await pool.release(lease)
        assert pool.idle == 1
        pool._check()
        await pool.close()

    run(main)


# -- opening


def test_an_error_is_for_the_one_who_asked_and_the_place_for_the_next(run):
    async def main():
        works = Works()
        works.fails = [ConnectionError("no"), ConnectionError("still no")]
        works.gate.clear()
        pool = works.pool(1)
        tasks = [asyncio.create_task(pool.acquire()) for _ in range(3)]
        await turns()
        works.gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(answer) for answer in answers[:2]] == ["no", "still no"]
        assert answers[2].value.number == 1
        await pool.release(answers[2])
        await pool.close()

    run(main)


def test_what_was_opened_for_one_who_left_is_for_the_next_one(run):
    """A library that is cancelled while it connects may leave half a connection behind: here it is never cancelled."""

    async def main():
        works = Works()
        works.gate.clear()
        pool = works.pool(1)
        first, second = (asyncio.create_task(pool.acquire()) for _ in "ab")
        await turns()
        first.cancel()
        await turns()
        assert first.cancelled() and not second.done() and works.busy == 1
        works.gate.set()
        lease = await second
        assert lease.value.number == 1 == len(works.plugs)
        await pool.release(lease)
        await pool.close()

    run(main)


def test_what_was_opened_for_nobody_is_idle(run):
    async def main():
        works = Works()
        works.gate.clear()
        pool = works.pool(1)
        task = asyncio.create_task(pool.acquire())
        await turns()
        task.cancel()
        await turns()
        works.gate.set()
        await turns()
        assert pool.idle == 1 == pool.stats().opened
        await pool.close()
        assert works.now_open() == []

    run(main)


def test_an_error_that_nobody_waits_for_any_more_is_told_to_the_loop(run):
    async def main():
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        works = Works()
        works.fails = [ConnectionError("no")]
        works.gate.clear()
        pool = works.pool(1)
        task = asyncio.create_task(pool.acquire())
        await turns()
        task.cancel()
        await turns()
        works.gate.set()
        await turns()
        assert [str(context["exception"]) for context in told] == ["no"]
        assert "<ResourcePool 'plugs'" in told[0]["message"]
        assert pool.stats().open == 0
        pool._check()

    run(main)


def test_an_opening_that_somebody_else_cancels_is_no_cancellation_of_the_borrower(run):
    async def main():
        works = Works()
        works.gate.clear()
        pool = works.pool(1)
        task = asyncio.create_task(pool.acquire())
        await turns()
        (opening,) = (task for task in asyncio.all_tasks() if task.get_name() == "plugs/open")
        opening.cancel()
        with pytest.raises(ac.Canceled, match="the task 'plugs/open', which opens a resource of <ResourcePool"):
            await task
        assert pool.stats().open == 0
        pool._check()

    run(main)


def test_what_opens_must_return_something_to_await(run):
    async def main():
        pool = ResourcePool(lambda: 7, Works().close, max_open=1)
        with pytest.raises(TypeError, match="must return an awaitable, not 7"):
            await pool.acquire()
        assert pool.stats().open == 0

    run(main)


# -- closing


def test_more_than_max_idle_are_not_kept(run):
    async def main():
        works = Works()
        pool = works.pool(3, max_idle=1)
        leases = [await pool.acquire() for _ in range(3)]
        for lease in leases:
            await pool.release(lease)
        assert works.now_open() == [1]
        assert pool.stats().closed["max_idle"] == 2
        await pool.close()

    run(main)


def test_the_next_in_line_gets_it_even_if_none_is_kept(run):
    async def main():
        works = Works()
        pool = works.pool(1, max_idle=0)
        lease = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await turns()
        await pool.release(lease)
        assert (await waiting).value.number == 1
        await pool.release(await waiting)
        assert works.now_open() == []

    run(main)


def test_what_is_promised_does_not_count_as_idle(run):
    async def main():
        works = Works()
        pool = works.pool(2, max_idle=1)
        lent = [await pool.acquire(), await pool.acquire()]
        waiting = asyncio.create_task(pool.acquire())
        await turns()
        for lease in lent:
            await pool.release(lease)  # the first is promised, the second is the one that may be kept
        lease = await waiting
        assert pool.idle == 1 and works.now_open() == [1, 2]
        await pool.release(lease)
        assert works.now_open() == [1]
        await pool.close()

    run(main)


def test_what_was_promised_to_one_who_left_is_one_too_many_then(run):
    async def main():
        works = Works()
        pool = works.pool(1, max_idle=0)
        lease = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await turns()
        await pool.release(lease)
        waiting.cancel()
        pool._check()
        await turns()
        pool._check()
        assert works.now_open() == []
        assert pool.stats().closed["max_idle"] == 1

    run(main)


def test_a_place_is_taken_until_what_was_in_it_is_closed(run):
    async def main():
        works = Works()
        pool = works.pool(1)
        lease = await pool.acquire()
        lease.mark_unusable()
        works.gate.clear()
        giving_back = asyncio.create_task(pool.release(lease))
        waiting = asyncio.create_task(pool.acquire())
        await turns()
        assert not giving_back.done() and not waiting.done() and works.busy == 0
        giving_back.cancel()  # the closing is the pool's
        await turns()
        assert giving_back.cancelled() and not waiting.done()
        works.gate.set()
        assert (await waiting).value.number == 2
        assert works.most == 1
        await pool.release(await waiting)
        await pool.close()

    run(main)


def test_an_error_of_closing_is_told_to_the_loop_and_costs_no_place(run):
    async def main():
        told, works = [], Works()

        async def close(plug):
            raise OSError(f"{plug} is stuck")

        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        pool = ResourcePool(works.open, close, max_open=1, max_idle=0)
        for _ in range(2):
            async with pool.lease():
                pass
        await turns()
        assert [str(error) for error in told] == ["plug 1 is stuck", "plug 2 is stuck"]
        assert pool.stats().open == 0

    run(main)


# -- checking


def test_one_that_is_not_well_is_closed_and_the_next_one_tried(run):
    async def main():
        works, sick = Works(), {2, 3}

        async def check(plug):
            if plug.number == 3:
                raise ConnectionError("reset by peer")
            return plug.number not in sick

        pool = works.pool(3, check=check)
        leases = [await pool.acquire() for _ in range(3)]
        for lease in leases:
            await pool.release(lease)
        async with pool.lease() as lease:
            assert lease.value.number == 1
        assert works.now_open() == [1]
        assert pool.stats().closed["failed_check"] == 2
        sick.add(1)
        async with pool.lease() as lease:
            assert lease.value.number == 4  # what is new is not checked
        assert works.most == 3
        await pool.close()

    run(main)


def test_a_check_may_be_a_plain_function(run):
    async def main():
        asked = []
        pool = Works().pool(1, check=lambda plug: asked.append(plug.number) or True)
        for _ in range(3):
            async with pool.lease() as lease:
                assert lease.value.number == 1
        assert asked == [1, 1]
        await pool.close()

    run(main)


def test_a_check_that_waits_for_what_others_cancel_is_no_cancellation_of_the_borrower(run):
    async def main():
        works, helper = Works(), asyncio.get_running_loop().create_future()
        helper.cancel()

        async def check(plug):
            await helper

        pool = works.pool(1, check=check)
        for number in 1, 2:
            async with pool.lease() as lease:
                assert lease.value.number == number
        assert pool.stats().closed["failed_check"] == 1
        await pool.close()

    run(main)


def test_one_whose_check_was_cut_off_is_closed(run):
    async def main():
        works, never = Works(), asyncio.Event()

        async def check(plug):
            await never.wait()

        pool = works.pool(1, check=check)
        await pool.release(await pool.acquire())
        task = asyncio.create_task(pool.acquire())
        await turns()
        task.cancel()
        await turns()
        assert task.cancelled() and works.now_open() == []
        assert pool.stats().closed["unusable"] == 1
        pool._check()

    run(main)


def test_who_is_cancelled_while_a_sick_one_is_closed_costs_no_place(run):
    async def main():
        works = Works()

        async def check(plug):
            return False

        pool = works.pool(1, check=check)
        await pool.release(await pool.acquire())
        works.gate.clear()
        task = asyncio.create_task(pool.acquire())
        await turns()
        task.cancel()
        await turns()
        assert task.cancelled() and pool.stats().open == 1
        works.gate.set()
        await turns()
        assert pool.stats().open == 0
        await pool.release(await pool.acquire())
        await pool.close()

    run(main)


def test_who_finds_the_pool_closed_after_a_sick_one_is_refused(run):
    async def main():
        works = Works()

        async def check(plug):
            return False

        pool = works.pool(1, check=check)
        await pool.release(await pool.acquire())
        works.gate.clear()
        task = asyncio.create_task(pool.acquire())
        await turns()
        closing = asyncio.create_task(pool.close())
        await turns()
        works.gate.set()
        with pytest.raises(ac.MisuseError, match="lends nothing any more"):
            await task
        await closing
        assert len(works.plugs) == 1

    run(main)


# -- in scopes of anyio, which cancel in every turn until they are left


def test_a_cancelled_scope_leaves_nothing_behind(run):
    """H15."""

    async def main():
        works = Works()
        pool = works.pool(1)
        with anyio.CancelScope() as scope:
            async with pool.lease():
                scope.cancel()
                await turns()
        await turns()
        assert scope.cancelled_caught and works.now_open() == []
        works.gate.clear()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.acquire()  # it leaves, and the opening goes on
        assert scope.cancelled_caught and works.busy == 1
        works.gate.set()
        await turns()
        assert pool.idle == 1
        works.gate.clear()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.close()
        assert scope.cancelled_caught and pool.closed and works.now_open() == [2]
        works.gate.set()
        await pool.close()
        assert works.now_open() == []

    run(main)


# -- time


def test_idle_ones_are_closed_in_time_the_oldest_first():
    async def main():
        works = Works()
        pool = works.pool(3, max_idle_time=60)
        leases = [await pool.acquire() for _ in range(3)]
        for lease in leases:
            await pool.release(lease)
            await asyncio.sleep(10)
        for _ in range(6):  # the newest is used all the time
            await asyncio.sleep(10)
            async with pool.lease() as lease:
                assert lease.value.number == 3
        assert works.now_open() == [3]
        await asyncio.sleep(61)
        assert works.now_open() == []
        assert pool.stats().closed["max_idle_time"] == 3

    virtual.run(main)


def test_a_lifetime_ends_while_it_is_idle_or_when_it_comes_back():
    async def main():
        works = Works()
        pool = works.pool(2, max_lifetime=100)
        lease, other = await pool.acquire(), await pool.acquire()
        await pool.release(other)
        await asyncio.sleep(101)
        assert works.now_open() == [1] and lease.value.open  # as long as somebody has it
        await pool.release(lease)
        assert works.now_open() == []
        assert pool.stats().closed["max_lifetime"] == 2

    virtual.run(main)


def test_one_that_is_too_old_is_not_lent_although_the_timer_is_late():
    async def main():
        works = Works()
        pool = works.pool(1, max_lifetime=100)
        await pool.release(await pool.acquire())
        pool._shelf.stack[0].until = pool._shelf.stack[0].expires = 0.0  # as if the loop had been busy
        async with pool.lease() as lease:
            assert lease.value.number == 2
        assert works.most == 1
        await pool.close()

    virtual.run(main)


def test_how_long_they_have_waited():
    async def main():
        pool = Works().pool(1)
        lease = await pool.acquire()
        tasks = [asyncio.create_task(pool.acquire()) for _ in range(2)]
        await asyncio.sleep(3)
        tasks[1].cancel()
        await asyncio.sleep(1)
        await pool.release(lease)
        await pool.release(await tasks[0])
        stats = pool.stats()
        assert (stats.waits, stats.waited) == (2, 7.0)
        await pool.close()

    virtual.run(main)


# -- the end


def test_close_waits_for_what_is_lent_and_refuses_the_rest(run):
    """PL06: pool.Close closes all."""

    async def main():
        works = Works()
        pool = works.pool(2)
        lent, idle = await pool.acquire(), await pool.acquire()
        opening = asyncio.create_task(pool.acquire())
        await turns()
        await pool.release(idle)
        opened = await opening
        in_line = asyncio.create_task(pool.acquire())
        await turns()
        closing = [asyncio.create_task(pool.close()) for _ in range(2)]
        await turns()
        assert pool.closed and repr(pool) == "<ResourcePool 'plugs' 2/2 open, 2 lent, 0 waiting, closed>"
        with pytest.raises(ac.MisuseError, match="lends nothing any more; borrow before it is closed"):
            await in_line
        with pytest.raises(ac.MisuseError, match="lends nothing any more"):
            await pool.acquire()
        for lease in (lent, opened):
            assert not any(task.done() for task in closing)
            await pool.release(lease)
        await asyncio.gather(*closing)
        assert works.now_open() == []
        assert pool.stats().closed["end"] == 2
        await pool.close()

    run(main)


def test_who_was_promised_a_place_is_refused_too(run):
    async def main():
        works = Works()
        pool = works.pool(1)
        lease = await pool.acquire()
        first, second = (asyncio.create_task(pool.acquire()) for _ in "ab")
        await turns()
        await pool.release(lease)  # promised to the first, which has not run yet when the pool is closed
        second.cancel()
        await pool.close()
        with pytest.raises(ac.MisuseError, match="lends nothing any more"):
            await first
        assert second.cancelled() and len(works.plugs) == 1 and works.now_open() == []

    run(main)


def test_who_was_promised_a_place_and_is_cancelled_when_the_pool_is_closed_costs_nothing(run):
    async def main():
        works = Works()
        pool = works.pool(1)
        lease = await pool.acquire()
        first = asyncio.create_task(pool.acquire())
        await turns()
        await pool.release(lease)
        first.cancel()
        await pool.close()
        pool._check()
        await turns()
        assert first.cancelled() and works.now_open() == []

    run(main)


def test_what_is_being_opened_is_lent_although_the_pool_is_closed_meanwhile(run):
    async def main():
        works = Works()
        works.gate.clear()
        pool = works.pool(1)
        opening = asyncio.create_task(pool.acquire())
        await turns()
        closing = asyncio.create_task(pool.close())
        await turns()
        works.gate.set()
        lease = await opening
        assert not closing.done()
        await pool.release(lease)
        await closing
        assert works.now_open() == []

    run(main)


def test_a_cancelled_close_stays_closed_and_closes_what_comes_back(run):
    async def main():
        works = Works()
        pool = works.pool(1)
        lease = await pool.acquire()
        closing = asyncio.create_task(pool.close())
        await turns()
        closing.cancel()
        await turns()
        assert closing.cancelled() and pool.closed
        await pool.release(lease)
        assert works.now_open() == []
        await pool.close()

    run(main)


def test_leaving_the_block_closes_the_pool(run):
    async def main():
        works = Works()
        with pytest.raises(LookupError):
            async with works.pool(2) as pool, pool.lease():
                raise LookupError
        assert pool.closed and works.now_open() == []
        assert pool.stats().closed == {
            "unusable": 0,
            "failed_check": 0,
            "max_idle": 0,
            "max_idle_time": 0,
            "max_lifetime": 0,
            "end": 1,
        }

    run(main)


# -- wrong arguments, wrong loops, memory


async def fn(*_):
    pass


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((7, fn), {"max_open": 1}, TypeError, "a function is needed, not 7"),
        ((fn, None), {"max_open": 1}, TypeError, "a function is needed, not None"),
        ((fn, fn), {"max_open": 1, "check": 7}, TypeError, "a function is needed, not 7"),
        ((fn, fn), {"max_open": 0}, ValueError, "max_open must be 1 or more, not 0"),
        ((fn, fn), {"max_open": 1.5}, TypeError, "max_open must be a whole number, not 1.5"),
        ((fn, fn), {"max_open": 1, "max_idle": -1}, ValueError, "max_idle must be 0 or more, not -1"),
        ((fn, fn), {"max_open": 1, "max_lifetime": 0}, ValueError, "max_lifetime must be more than 0 seconds, not 0"),
        ((fn, fn), {"max_open": 1, "max_idle_time": "1"}, TypeError, "max_idle_time must be a number of seconds"),
        ((fn, fn), {"max_open": 1, "name": 7}, TypeError, "the name of a ResourcePool must be a string, not 7"),
    ],
)
def test_wrong_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        ResourcePool(*arguments, **options)


def test_it_cannot_be_copied():
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        copy.copy(Works().pool())


def test_it_belongs_to_the_loop_that_borrowed_first(run):
    works = Works()
    pool = works.pool()

    async def borrow():
        async with pool.lease():
            pass

    async def close():
        await pool.close()

    run(borrow)
    for use in (borrow, close):
        with pytest.raises(ac.WrongLoop, match="belong to the event loop that borrowed first; make a pool for each"):
            run(use)
    assert pool.idle == 1


def test_what_is_given_back_in_another_thread_is_refused_and_costs_nothing(run):
    async def main():
        pool = Works().pool(1)
        lease = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await turns()

        async def elsewhere():
            with pytest.raises(ac.WrongLoop, match="belong to the event loop that borrowed first"):
                await pool.release(lease)

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert lease.held
        await pool.release(lease)
        await pool.release(await waiting)
        await pool.close()

    run(main)


def test_only_a_lease_is_taken_back(run):
    async def main():
        pool = Works().pool(1)
        async with pool.lease() as lease:
            with pytest.raises(TypeError, match=r"takes back the lease that acquire\(\) returned, not plug 1"):
                await pool.release(lease.value)
        await pool.close()

    run(main)


def test_a_borrower_that_is_thrown_away_after_its_loop_costs_no_place(run):
    works = Works()
    pool = works.pool()

    async def borrow():
        async with pool.lease():
            await asyncio.Event().wait()

    coro = borrow()

    async def main():
        waits_for = coro.send(None)
        while getattr(waits_for, "_asyncio_future_blocking", None) is not None and not pool.lent:
            waits_for._asyncio_future_blocking = False
            await turns()
            waits_for = coro.send(None)
        assert pool.lent == 1

    run(main)
    coro.close()  # the loop is closed: nobody can close the resource any more
    assert (pool.lent, pool.stats().open) == (0, 0)
    pool._check()


def test_it_dies_without_the_collector(run, loop_kind):
    async def main():
        works = Works()
        pool = works.pool(2, max_idle_time=100, max_idle=1)
        for _ in range(2):
            async with pool.lease(), pool.lease():
                pass
        if loop_kind != "eager":  # asyncio's own frames keep what an eager task failed with
            works.fails = [LookupError()]
            with pytest.raises(LookupError):
                async with pool.lease(), pool.lease():
                    pass
        await turns()
        known = weakref.ref(pool)
        gc.disable()
        try:
            del pool
            await turns(2)
            assert known() is None
        finally:
            gc.enable()

    run(main)


def test_what_is_lent_is_what_was_opened(run):
    async def main():
        async with Works().pool(2) as pool, pool.lease() as lease:
            assert isinstance(lease.value, Plug)
            stats = pool.stats()
            assert (stats.max_open, stats.open, stats.lent, stats.idle, stats.waiting) == (2, 1, 1, 0, 0)

    run(main)
