"""examples/philosophers: a deadlock is found and told; with two ways out there is none (P05, E02, E37, LK12)."""

import asyncio
import subprocess
import sys
from collections import Counter

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from examples.philosophers.__main__ import FAMOUS, main
from examples.philosophers.circles import Circles, Deadlock
from examples.philosophers.table import WAYS, dine, plainly
from tests.architecture.house import ROOT

PATIENCE_S = 60  # for what happens at once unless something is broken
WAYS_OUT = {name: way for name, way in WAYS.items() if name != "left-first"}

each_way_out = pytest.mark.parametrize("way", WAYS_OUT.values(), ids=WAYS_OUT)


async def turn():
    await asyncio.sleep(0)


def unwatched():
    return plainly


def watched():
    return Checked().take


def dinner(way, names, taking=unwatched, ended=None):
    """A scenario: some philosophers want one meal each; how it ended goes into `ended`."""

    def scenario(run):
        eaten = []

        async def table():
            try:
                eaten.extend(await dine(way, names, 1, turn, taking()))
            except Deadlock:
                eaten.append("deadlock")

        def at_end():
            assert eaten == ["deadlock"] or sorted(eaten) == sorted(names)
            if ended is not None:
                ended.add(eaten[-1] == "deadlock")

        run.spawn(table)
        run.at_end(at_end)

    return scenario


class Checked(Circles):
    """Sees that an alarm is one: that each waits for what the next one has."""

    def _look_for_a_circle(self, me):
        try:
            super()._look_for_a_circle(me)
        except Deadlock as deadlock:
            circle = deadlock.circle
            for (task, lock), (following, _) in zip(circle, circle[1:] + circle[:1], strict=True):
                assert self._wanted[task] is lock, "it does not wait"
                assert lock.owner is following and not following.done(), "somebody else has it"
            raise


# -- they starve


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_with_the_left_fork_first_there_is_an_order_in_which_they_starve(names):
    failure = explore(dinner(WAYS["left-first"], names), must_finish=True).failure
    assert failure is not None
    assert "fork 0" in str(failure)


def test_virtual_time_says_who_waits_for_whom():
    async def starve():
        await dine(WAYS["left-first"], FAMOUS, 1, turn)

    with pytest.raises(virtual.Deadlock) as starved:
        virtual.run(starve)
    told = str(starved.value)
    for number, name in enumerate(FAMOUS):
        fork, neighbour = (number + 1) % 5, FAMOUS[(number + 1) % 5]
        (line,) = (line for line in told.splitlines() if line.strip().startswith(f"{name}: "))
        assert f" on <Mutex 'fork {fork}' locked by {neighbour}, 1 waiting>" in line


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_in_every_order_the_one_who_would_close_the_circle_is_told_so(names):
    ended = set()
    result = explore(dinner(WAYS["left-first"], names, watched, ended), order="any", must_finish=True)
    assert result.check().complete
    assert ended == {True, False}, "sometimes they are lucky"


def test_the_report_names_all_of_the_circle(run):
    async def starve():
        with pytest.raises(Deadlock) as starved:
            await dine(WAYS["left-first"], FAMOUS, 1, turn, Circles().take)
        said = str(starved.value).splitlines()
        assert said[0] == "deadlock"
        assert sorted(said[1:]) == sorted(
            f"  {name} waits for fork {(number + 1) % 5}, which {FAMOUS[(number + 1) % 5]} has"
            for number, name in enumerate(FAMOUS)
        )
        assert len(said) == 6

    run(starve)


def test_two_certificates(run):
    """E02: each office wants to see the other one's certificate first; a third one waits, too, and is in no circle."""

    async def main():
        circles, school, police = Circles(), ac.Mutex(name="school"), ac.Mutex(name="police")
        told = []

        async def visit(first, second):
            try:
                async with circles.take(first):
                    await turn()
                    await turn()
                    async with circles.take(second):
                        pass
            except Deadlock as deadlock:
                told.append(deadlock)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit(school, police), name="registration")
            tasks.create_task(visit(police, school), name="deposit")
            tasks.create_task(visit(school, ac.Mutex(name="cashier")), name="somebody else")
        (deadlock,) = told
        assert {task.get_name() for task, _ in deadlock.circle} == {"registration", "deposit"}
        assert not school.locked
        assert not police.locked

    run(main)


def test_who_has_waited_once_waits_no_more(run):
    """Else this would be an alarm: the first one has `b`, and once waited for `a`, which the second one has."""

    async def main():
        circles, a, b = Circles(), ac.Mutex(name="a"), ac.Mutex(name="b")
        await a.lock()

        async def first():
            async with circles.take(a):
                pass
            async with circles.take(b):
                for _ in range(5):
                    await turn()

        async def second():
            await turn()
            async with circles.take(a), circles.take(b):
                pass

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(first())
            await turn()
            tasks.create_task(second())
            a.unlock()
        assert not circles._wanted

    run(main)


# -- and they eat


@each_way_out
@pytest.mark.parametrize(("taking", "order"), [(unwatched, "fifo"), (watched, "fifo"), (watched, "any")])
def test_with_a_way_out_there_is_no_order_in_which_they_starve(way, taking, order):
    ended = set()
    assert explore(dinner(way, "abc", taking, ended), order=order, must_finish=True).check().complete
    assert ended == {False}, "an alarm for nothing"


@each_way_out
@pytest.mark.parametrize("seed", range(5))
def test_all_eat_as_much_as_they_want(way, seed):
    async def begin():
        return await dine(way, FAMOUS, 20, lambda: asyncio.sleep(1), Circles().take)

    assert Counter(virtual.run(begin, seed=seed)) == dict.fromkeys(FAMOUS, 20)


@each_way_out
def test_two_who_are_no_neighbours_eat_at_the_same_time(way):
    """Else one lock for the whole table would do."""

    async def begin():
        await dine(way, FAMOUS, 10, lambda: asyncio.sleep(1), plainly)
        return asyncio.get_running_loop().time()

    assert virtual.run(begin) < 5 * 10 * 2  # seconds: reach and eat, one after the other


@each_way_out
def test_a_dinner_that_is_cancelled_leaves_nobody_at_the_table(run, way):
    async def main():
        dining = asyncio.create_task(dine(way, FAMOUS, 1_000_000, turn))
        for _ in range(100):
            await turn()
        dining.cancel()
        await asyncio.wait([dining])
        assert dining.cancelled()

    run(main)


# -- the program


@pytest.mark.parametrize("how", WAYS_OUT)
def test_it_says_how_often_each_has_eaten(capsys, how):
    assert main(["--how", how, "--meals", "2", "--pause", "0", "--count", "6"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sorted(said) == sorted(f"{name} has eaten 2 times" for name in [*FAMOUS, "philosopher 6"])


@pytest.mark.parametrize("virtually", [[], ["--virtual"]], ids=["really", "virtually"])
def test_it_says_why_they_starve(capsys, virtually):
    assert main(["--pause", "0", *virtually]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "deadlock" in err or "nobody can run" in err
    for name in FAMOUS:
        assert f"  {name}" in err


@pytest.mark.parametrize("wrong", [["-n", "1"], ["-n", "x"], ["-m", "0"], ["--how", "politely"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: philosophers" in capsys.readouterr().err


def test_it_runs_as_a_program():
    command = [sys.executable, "-W", "error", "-m", "examples.philosophers", "--pause", "0"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("philosophers: deadlock\n")
