"""A KeyboardInterrupt out of any step: the others go on, and the channel is as if that task had been cancelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiochan.testing.explorer import Result, explore
from tests.schedules.programs import PROGRAMS
from tests.schedules.world import Program

Searched = Callable[[Result], None]

SMALL = [program for program in PROGRAMS if len(program.tasks) <= 3]
OTHERS = [program for program in PROGRAMS if len(program.tasks) > 3]


@pytest.mark.parametrize("program", SMALL, ids=lambda program: program.title)
def test_one_interrupt_in_a_small_program(program: Program, searched: Searched) -> None:
    searched(explore(program, interrupts=1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("program", OTHERS, ids=lambda program: program.title)
def test_one_interrupt(program: Program, searched: Searched) -> None:
    searched(explore(program, interrupts=1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("program", SMALL, ids=lambda program: program.title)
def test_one_interrupt_and_one_cancellation(program: Program, searched: Searched) -> None:
    searched(explore(program, interrupts=1, cancels=1))
