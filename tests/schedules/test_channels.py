"""Every interleaving of the channel programs, with cancellations anywhere, to the end.

FIFO order is asyncio's own: the oldest ready callback runs next, and a task starts, or is cancelled, at any moment; two
cancellations. "Any" order runs any of the ready callbacks, as no loop does: whoever is right under that is right
under every scheduler; one cancellation.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiochan.testing.explorer import Result, explore
from tests.schedules.programs import PROGRAMS, RA, RB, WAIT, T, receivers, sel, senders
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


TORN = Program(
    "a select between two receivers",
    {"a": (0, WAIT), "b": (0, WAIT)},
    [
        T("p", sel(RA, RB)),
        *receivers([(1, False), (1, False)]),
        *senders([(1, False)], "a"),
        *senders([(1, False)], "b"),
    ],
)


@pytest.mark.exhaustive
def test_lines_that_a_select_has_left(searched: Searched) -> None:
    """As Go's issue 2075: who lined up behind must be found. A torn line shows in no snapshot: no pruning."""
    searched(explore(TORN, order="fifo", prune=False))
