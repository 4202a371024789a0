"""examples/readers_writers: what readers see while writers write, and how many read at once (E06)."""

import asyncio
import random
import subprocess
import sys

import pytest

from aiochan.testing import explore, virtual
from examples.readers_writers.__main__ import LOCKS, main
from examples.readers_writers.bank import Bank, none
from examples.readers_writers.crowd import read_and_write
from tests.architecture.house import ROOT

PATIENCE_S = 60  # for what happens at once unless something is broken

real_locks = pytest.mark.parametrize("locks", [LOCKS["mutex"], LOCKS["rw"]], ids=["mutex", "rw"])


async def turn():
    await asyncio.sleep(0)


async def a_second():
    await asyncio.sleep(1)


def on_virtual_time(locks, **crowd):
    dice = random.Random(1)

    async def about_a_second():
        await asyncio.sleep(dice.uniform(0, 2))

    async def begin():
        return await read_and_write(locks, pause=about_a_second, **crowd)

    return virtual.run(begin)


def test_without_a_lock_sums_are_wrong():
    found = on_virtual_time(LOCKS["none"], readers=10, writers=2, rounds=10)
    assert found.sums == 100
    assert found.wrong > 50


def test_a_mutex_lets_in_one_reader_at_a_time():
    found = on_virtual_time(LOCKS["mutex"], readers=10, writers=2, rounds=10)
    assert (found.sums, found.wrong, found.most) == (100, 0, 1)
    assert found.seconds > 100 * 5 * 0.8  # there are five accounts


def test_an_rwmutex_lets_in_all_readers():
    found = on_virtual_time(LOCKS["rw"], readers=10, writers=2, rounds=10)
    assert (found.sums, found.wrong, found.most) == (100, 0, 10)
    assert found.seconds < 100 * 5 / 4


def small_bank(locks):
    """A scenario: one writes, two read, all may be cancelled."""

    def scenario(run):
        bank = Bank(2, locks(), turn)

        async def write():
            await bank.move(10, 0, 1)

        async def read():
            total = await bank.total()
            assert total == 200, f"there are {total}"

        run.spawn(write, cancel=True)
        run.spawn(read, name="first", cancel=True)
        run.spawn(read, name="second", cancel=True)
        run.at_end(lambda: _need(sum(bank._accounts) == 200, "money was lost"))

    return scenario


def _need(holds, why):
    assert holds, why


@real_locks
@pytest.mark.parametrize(("order", "cancels"), [("fifo", 2), ("any", 0)])
def test_in_every_order_readers_see_all_of_it_or_nothing(locks, order, cancels):
    assert explore(small_bank(locks), order=order, cancels=cancels, must_finish=True).check().complete


def test_without_a_lock_there_is_an_order_in_which_one_sees_half_of_it():
    failure = explore(small_bank(none), order="any").failure
    assert failure is not None
    assert "there are " in failure.reason


def test_a_writer_gets_in_although_there_is_always_somebody_who_reads():
    async def begin():
        loop = asyncio.get_running_loop()
        bank = Bank(10, LOCKS["rw"](), a_second)  # ten seconds for a sum
        readers = []

        async def come_and_read():
            while True:
                readers.append(asyncio.create_task(bank.total()))
                await asyncio.sleep(5)

        coming = asyncio.create_task(come_and_read())
        await asyncio.sleep(12)  # those who came after 5 and 10 seconds are reading
        await bank.move(1, 0, 1)
        moved = loop.time()
        coming.cancel()
        await asyncio.wait([coming])
        assert set(await asyncio.gather(*readers)) == {1000}
        return moved

    assert virtual.run(begin) == 21  # the last of them is ready after 20


# -- the program


def test_it_compares_three_kinds_of_locks(capsys):
    assert main(["--readers", "3", "--rounds", "4", "--pause", "0"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:3] for line in lines] == [["none:", "12", "sums,"], ["mutex:", "12", "sums,"], ["rw:", "12", "sums,"]]
    assert [line[3] for line in lines][1:] == ["0", "0"]
    assert [line[5] for line in lines][1:] == ["1", "3"]


@pytest.mark.parametrize("wrong", [["-r", "0"], ["-w", "-1"], ["-n", "1.5"], ["-p", "inf"], ["now"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: readers_writers" in capsys.readouterr().err


def test_it_runs_as_a_program():
    command = [sys.executable, "-W", "error", "-m", "examples.readers_writers", "-n", "1", "-p", "0"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, len(answer.stdout.splitlines()), answer.stderr) == (0, 3, b"")
