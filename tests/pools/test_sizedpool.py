"""`SizedPool`: classes of sizes, and sizes that follow what is used (PL03, PL04; B25)."""

import random

import pytest

import aiochan as ac
from aiochan.pools import SizedPool


def buffers(smallest=512, largest=4096, **options):
    return SizedPool(bytearray, len, smallest=smallest, largest=largest, name="buffers", **options)


@pytest.mark.parametrize(
    ("smallest", "largest", "sizes"),
    [
        (512, 4096, [512, 1024, 2048, 4096]),
        (512, 5000, [512, 1024, 2048, 4096, 5000]),
        (100, 100, [100]),
        (1, 9, [1, 2, 4, 8, 9]),
    ],
)
def test_the_classes_are_powers_of_two_between_the_smallest_and_the_largest(smallest, largest, sizes):
    assert buffers(smallest, largest).sizes == sizes


@pytest.mark.parametrize(
    ("asked", "made"),
    [(None, 512), (0, 512), (1, 512), (512, 512), (513, 1024), (1024, 1024), (2049, 4096), (4096, 4096), (4097, 4097)],
)
def test_who_asks_gets_the_least_class_that_is_enough(asked, made):
    """PL03: between smallest and largest it is a class, above that it is made as it was asked for."""
    assert len(buffers().get(asked)) == made


def test_small_needs_do_not_take_large_objects():
    """The waste that size classes are there against."""
    pool = buffers()
    large = pool.get(4096)
    pool.put(large)
    assert len(pool.get(100)) == 512
    assert pool.get(3000) is large


@pytest.mark.parametrize("size", [0, 511, 4097, 100_000])
def test_what_is_too_small_or_too_large_is_dropped(size):
    pool = buffers()
    pool.put(bytearray(size))
    assert pool.idle == 0


@pytest.mark.parametrize(("size", "serves"), [(512, 512), (1023, 512), (1024, 1024), (4095, 2048), (4096, 4096)])
def test_what_comes_back_serves_in_the_greatest_class_that_it_is_large_enough_for(size, serves):
    pool = buffers()
    obj = bytearray(size)
    pool.put(obj)
    pool._check()
    assert pool.get(serves) is obj


def test_it_is_reset_bounded_and_swept_like_any_pool():
    pool = SizedPool(lambda n: [None] * n, len, smallest=1, largest=4, reset=wipe, max_idle=1, name="cells")
    first, second = pool.get(4), pool.get(4)
    first[0] = "a secret"
    pool.put(first)
    pool.put(second)
    pool.put(None)
    assert first == [None] * 4 and pool.idle == 1
    assert repr(pool) == "<SizedPool 'cells' 1 to 4, usually 1, 1 idle>"
    with pytest.raises(ac.MisuseError, match="already"):
        pool.put(first)
    assert (pool.sweep(), pool.sweep(), pool.idle) == (0, 1, 0)


def wipe(cells):
    cells[:] = [None] * len(cells)


def test_a_block_borrows_and_puts_back(run):
    async def main():
        pool = buffers()
        with pool.borrow(1000) as buffer:
            assert len(buffer) == 1024
        async with pool.borrow(600) as again:
            assert again is buffer
        with pool.borrow() as usual:
            assert len(usual) == 512
        assert pool.idle == 2

    run(main)


def test_it_learns_which_size_is_usual_and_which_is_not():
    """PL04: the size that most had is the one that is made; what 95 of 100 stay below is the largest that is kept."""
    pool = buffers(64, 65536, calibrate=100)
    pool.put(bytearray(65536))
    for size in [1000] * 60 + [100] * 30 + [2000] * 6 + [60000] * 3:
        assert (pool.usual, pool.kept) == (64, 65536)
        pool.put(bytearray(size))
    assert (pool.usual, pool.kept) == (1024, 2048)
    assert 1024 <= len(pool.get()) <= 2048
    assert not pool._pools[-1].idle  # what was large is gone
    before = pool.idle
    pool.put(bytearray(4096))
    assert pool.idle == before
    pool._check()


def test_it_learns_again_when_needs_grow():
    pool = buffers(64, 65536, calibrate=10)
    for size in (100, 30_000):
        for _ in range(10):
            pool.put(bytearray(size))
    assert (pool.usual, pool.kept) == (32768, 32768)
    for _ in range(10):
        pool.put(bytearray(1_000_000))  # beyond all: the largest is the best that it can do
    assert (pool.usual, pool.kept) == (65536, 65536)


def test_what_is_usual_is_kept_although_it_is_rare():
    pool = SizedPool(range, len, smallest=1, largest=1 << 20, calibrate=400)
    for size in [1 << n for n in range(20)] * 19 + [1 << 20] * 20:
        pool.put(range(size))
    assert (pool.usual, pool.kept) == (1 << 20, 1 << 20)  # not half of it, below which are 95 of 100
    pool._check()


def test_whatever_happens_nobody_gets_less_than_he_asked_for():
    dice = random.Random(6)
    pool, lent = buffers(8, 1000, calibrate=50, max_idle=3), []
    for _ in range(3000):
        if lent and dice.random() < 0.5:
            obj = lent.pop(dice.randrange(len(lent)))
            obj.extend(bytes(dice.choice([0, 0, 1, 300])))
            pool.put(obj)
        else:
            size = int(2 ** dice.uniform(0, 10.5))
            obj = pool.get(size)
            assert len(obj) >= size
            assert not any(obj is other for other in lent)
            lent.append(obj)
        if dice.random() < 0.01:
            pool.sweep()
        pool._check()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((7, len), {}, TypeError, "a function is needed, not 7"),
        ((bytearray, 7), {}, TypeError, "a function is needed, not 7"),
        ((bytearray, len), {"smallest": 0}, ValueError, "smallest must be 1 or more, not 0"),
        ((bytearray, len), {"largest": 7}, ValueError, "largest must be 8 or more, not 7"),
        ((bytearray, len), {"max_idle": -1}, ValueError, "max_idle must be 0 or more, not -1"),
        ((bytearray, len), {"calibrate": 0}, ValueError, "calibrate must be 1 or more, not 0"),
    ],
)
def test_wrong_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        SizedPool(*arguments, **{"smallest": 8, "largest": 64, **options})


@pytest.mark.parametrize(("size", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_wrong_size(size, error):
    with pytest.raises(error, match="size must be"):
        buffers().get(size)
