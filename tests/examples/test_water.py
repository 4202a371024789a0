"""examples/water: every molecule is what the formula says, whoever comes when, and whoever leaves (CB02, E28)."""

import asyncio
import random
import subprocess
import sys
from collections import Counter

import pytest

from aiochan.testing import explore, virtual
from aiochan.testing.leaks import no_leaks
from examples.water.__main__ import main
from examples.water.factory import Factory, parse
from tests.architecture.house import ROOT
from tests.schedules.orders import exhaustive

PATIENCE_S = 60  # for what happens at once unless something is broken
FORMULAS = {"H2O": "HHO", "H2O2": "HHOO", "CH3OH": "CHHHHO", "He": "He"}

each_formula = pytest.mark.parametrize(("formula", "atoms"), FORMULAS.items(), ids=FORMULAS)


def elements(formula, molecules=1):
    return [element for element, count in parse(formula).items() for _ in range(count * molecules)]


@each_formula
@pytest.mark.parametrize("seed", range(5))
def test_atoms_that_come_at_random_leave_as_molecules(formula, atoms, seed):
    """100 molecules: 300 atoms for water, within a tenth of a second."""
    made, dice = [], random.Random(seed)

    async def begin():
        factory = Factory(parse(formula), made.append)

        async def come(element):
            await asyncio.sleep(dice.uniform(0, 0.1))
            await factory.add(element)

        async with no_leaks(), asyncio.TaskGroup() as tasks:
            for element in elements(formula, 100):
                tasks.create_task(come(element))

    virtual.run(begin, seed=seed)
    assert len(made) == 100
    assert {"".join(sorted(molecule)) for molecule in made} == {atoms}


def test_atoms_wait_for_the_one_that_is_missing(run):
    async def begin():
        made = []
        factory = Factory(parse("H2O"), made.append)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(factory.add("H"))
            for _ in range(10):
                await asyncio.sleep(0)
            assert made == []
            await factory.add("O")
            assert made == ["HHO"]
            await factory.add("O")
        assert [sorted(molecule) for molecule in made] == [["H", "H", "O"]] * 2

    run(begin)


def test_who_gives_up_leaves_the_others_to_wait_for_somebody_else(run):
    async def begin():
        made, factory = [], None
        factory = Factory(parse("H2O"), made.append)
        staying, leaving = (asyncio.create_task(factory.add("H")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        oxygen = asyncio.create_task(factory.add("O"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert made == []
        await factory.add("H")
        await asyncio.gather(staying, oxygen)
        assert [sorted(molecule) for molecule in made] == [["H", "H", "O"]]

    run(begin)


def test_a_molecule_that_cannot_be_delivered_is_told_to_one_of_its_atoms(run):
    """That one is gone; the others wait on, and are delivered with the next."""

    async def begin():
        made = []

        def deliver(molecule):
            if not made:
                made.append("spilt")
                raise OSError("spilt")
            made.append(molecule)

        factory = Factory({"H": 2}, deliver)
        first = asyncio.create_task(factory.add("H"))
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="spilt"):
            await factory.add("H")
        await factory.add("H")
        await first
        assert made == ["spilt", "HH"]

    run(begin)


@pytest.mark.parametrize(
    ("atoms", "order", "cancels"),
    [
        ("HHO", "fifo", 2),
        ("HHO", "any", 1),
        ("HHHO", "fifo", 1),
        pytest.param("HHHO", "fifo", 2, marks=exhaustive),
        ("HHHO", "any", 1),
    ],
)
def test_in_every_order_with_atoms_that_leave(atoms, order, cancels):
    """Nothing but water is made, no atom is in two molecules, and nobody waits who could be bound."""

    def scenario(run):
        made = []
        factory = Factory(parse("H2O"), made.append)
        bound = []

        async def come(element):
            await factory.add(element)
            bound.append(element)

        def at_end():
            assert [sorted(molecule) for molecule in made] in ([], [["H", "H", "O"]])
            delivered = Counter("".join(made))
            assert not Counter(bound) - delivered, "somebody thinks that he is bound"
            waiting = Counter(name[0] for name, task in run.tasks.items() if not task.done())
            assert not (waiting["H"] >= 2 and waiting["O"] >= 1), "they could be bound"
            assert delivered <= Counter(atoms)

        for number, element in enumerate(atoms):
            run.spawn(come, element, name=f"{element}{number}", cancel=True)
        run.watch(factory._barrier)
        run.at_end(at_end)

    assert explore(scenario, order=order, cancels=cancels).check().complete


@pytest.mark.parametrize(
    ("formula", "atoms"),
    [("H2O", {"H": 2, "O": 1}), ("C2H5OH", {"C": 2, "H": 6, "O": 1}), ("He", {"He": 1}), ("H12", {"H": 12})],
)
def test_a_formula_is_read(formula, atoms):
    assert parse(formula) == atoms


@pytest.mark.parametrize("formula", ["", "h2o", "H0", "2H", "H2O!", "H 2"])
def test_what_is_no_formula(formula):
    with pytest.raises(ValueError, match="is no formula"):
        parse(formula)


# -- the program


@pytest.mark.parametrize(("arguments", "atoms", "count"), [([], "HHO", 100), (["H2O2", "-n", "7"], "HHOO", 7)])
def test_it_prints_molecules(capsys, arguments, atoms, count):
    assert main([*arguments, "--delay", "0.01"]) == 0
    out, err = capsys.readouterr()
    assert ["".join(sorted(line)) for line in out.splitlines()] == [atoms] * count
    assert err.startswith(f"{count} molecules: ")


@pytest.mark.parametrize("wrong", [["water"], ["-n", "0"], ["-d", "-1"], ["-d", "long"], ["--seed", "x"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: water" in capsys.readouterr().err


def test_it_runs_as_a_program():
    command = [sys.executable, "-W", "error", "-m", "examples.water", "-n", "1", "-d", "0"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, answer.stdout) == (0, b"HHO\n")
