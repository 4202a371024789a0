"""`Lease`: for one time, used only while it is held, and closed by what cut its block off (PL06)."""

import asyncio

import pytest

import aiochan as ac
from aiochan.pools import Lease
from tests.pools.kit import Works, turns


def test_it_has_a_value_as_long_as_it_is_held(run):
    async def main():
        pool = Works().pool()
        lease = pool.lease()
        assert isinstance(lease, Lease) and not lease.held
        with pytest.raises(ac.NotHeld, match="has no resource; use it inside of its async with block"):
            _ = lease.value
        async with lease as entered:
            assert entered is lease and lease.held and lease.value.open
            assert repr(lease) == "<Lease of plug 1 from <ResourcePool 'plugs' 1/1 open, 1 lent, 0 waiting>>"
        for use in (lambda: lease.value, lease.mark_unusable):
            with pytest.raises(ac.NotHeld, match="<Lease of nothing from <ResourcePool 'plugs' 1/1 open, 0 lent"):
                use()
        await pool.close()

    run(main)


def test_it_serves_once(run):
    async def main():
        pool = Works().pool()
        async with pool.lease() as lease:
            with pytest.raises(ac.MisuseError, match="serves once; ask the pool for another one"):
                await lease.__aenter__()
        with pytest.raises(ac.MisuseError, match="serves once"):
            async with lease:
                pass
        assert pool.stats().open == pool.idle == 1
        await pool.close()

    run(main)


def test_what_is_marked_is_closed_when_it_comes_back(run):
    """PL06: MarkUnusable closes."""

    async def main():
        works = Works()
        pool = works.pool()
        async with pool.lease() as lease:
            lease.mark_unusable()
            assert repr(lease).endswith(", unusable>")
            assert works.now_open() == [1]
        assert works.now_open() == []
        assert pool.stats().closed["unusable"] == 1
        async with pool.lease() as lease:
            assert lease.value.number == 2
        await pool.close()

    run(main)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (LookupError("x"), True),
        (ExceptionGroup("several", [ValueError()]), True),
        (TimeoutError(), False),
        (ac.Canceled(), False),
        (ac.DeadlineExceeded(), False),
        (asyncio.CancelledError(), False),
        (BaseExceptionGroup("several", [asyncio.CancelledError()]), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_who_was_cut_off_leaves_nothing_to_the_next_one(run, error, kept):
    """H01: the answer to a request that was cancelled must not reach the next borrower."""

    async def main():
        works = Works()
        pool = works.pool()
        with pytest.raises(type(error)) as caught:
            async with pool.lease():
                raise error
        assert caught.value is error
        await turns()
        assert works.now_open() == ([1] if kept else [])
        async with pool.lease() as lease:
            assert lease.value.number == (1 if kept else 2)
        await pool.close()

    run(main)


def test_nobody_waits_for_the_closing_on_the_way_out_of_a_cancellation(run):
    async def main():
        works = Works()
        pool = works.pool()

        async def borrow():
            async with pool.lease():
                await asyncio.Event().wait()

        task = asyncio.create_task(borrow())
        await turns()
        works.gate.clear()
        task.cancel()
        await turns()
        assert task.cancelled() and works.now_open() == [1]
        closing = asyncio.create_task(pool.close())  # but somebody does
        await turns()
        assert not closing.done()
        works.gate.set()
        await closing
        assert works.now_open() == []

    run(main)
