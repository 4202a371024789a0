"""examples/in_turn: 1, 2, 3, 4 in strict order (E18), with channels and with a condition, in every schedule."""

import asyncio
import subprocess
import sys
from itertools import cycle, islice

import pytest

from aiochan.testing import explore, virtual
from examples.in_turn.__main__ import WAYS, main
from tests.architecture.house import ROOT

PATIENCE_S = 60  # for what happens at once unless something is broken

both_ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def in_order(workers, count):
    return [*islice(cycle(range(1, workers + 1)), count)]


@both_ways
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("workers", "rounds"), [(4, 5), (1, 3), (2, 1), (25, 4)])
def test_they_speak_in_turn_and_one_at_a_time(way, seed, workers, rounds):
    said = []

    async def say(number):
        said.append(number)
        await asyncio.sleep(1)

    async def begin():
        await way(workers, rounds, say)
        return asyncio.get_running_loop().time()

    assert virtual.run(begin, seed=seed) == workers * rounds
    assert said == in_order(workers, workers * rounds)


@both_ways
@pytest.mark.parametrize(("order", "cancels"), [("fifo", 1), ("any", 0)])
def test_they_speak_in_turn_in_every_order_and_also_when_cancelled(way, order, cancels):
    workers, rounds = 3, 2

    def scenario(run):
        said, ended = [], []

        async def say(number):
            said.append(number)
            await asyncio.sleep(0)

        async def all_of_them():
            await way(workers, rounds, say)
            ended.append("well")

        def at_end():
            assert said == in_order(workers, len(said))
            assert len(said) == workers * rounds or not ended

        run.spawn(all_of_them, cancel=True)
        run.at_end(at_end)

    assert explore(scenario, order=order, cancels=cancels, must_finish=True).check().complete


# -- the program


@both_ways
def test_an_error_stops_all(run, way):
    said = []

    async def say(number):
        said.append(number)
        if len(said) == 3:
            raise OSError("no paper")

    async def begin():
        with pytest.raises(OSError, match="no paper"):
            await way(2, 5, say)

    run(begin)
    assert said == [1, 2, 1]


@pytest.mark.parametrize("how", WAYS)
def test_it_prints_a_line_for_each_round(capsys, how):
    assert main(["--how", how, "--rounds", "2", "--pause", "0"]) == 0
    assert capsys.readouterr().out == "1 2 3 4\n1 2 3 4\n"


@pytest.mark.parametrize("wrong", [["-w", "0"], ["-r", "many"], ["-p", "-1"], ["-p", "nan"], ["--how", "magic"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: in_turn" in capsys.readouterr().err


def test_it_runs_as_a_program():
    command = [sys.executable, "-W", "error", "-m", "examples.in_turn", "-r", "1", "-p", "0"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, b"1 2 3 4\n", b"")
