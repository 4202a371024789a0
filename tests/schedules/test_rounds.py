"""Every interleaving of ``async for``, `select_loop` and `Signal`; see test_channels.py for the two orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiochan.testing.explorer import Result, explore
from tests.schedules.rounds import PROGRAMS
from tests.schedules.world import Program

Searched = Callable[[Result], None]

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.title)
small_programs = pytest.mark.parametrize(
    "program", [program for program in PROGRAMS if len(program.tasks) <= 3], ids=lambda program: program.title
)


@small_programs
def test_a_small_program_with_one_cancellation(program: Program, searched: Searched) -> None:
    searched(explore(program, order="fifo", cancels=1))


@pytest.mark.exhaustive
@every_program
def test_two_cancellations_anywhere(program: Program, searched: Searched) -> None:
    searched(explore(program, order="fifo", cancels=2))


@pytest.mark.exhaustive
@every_program
def test_any_order_and_one_cancellation(program: Program, searched: Searched) -> None:
    searched(explore(program, order="any", cancels=1))
