"""Programs too large to search to the end: schedules drawn at random, and by priorities (PCT)."""

from __future__ import annotations

import pytest

from aiochan.testing.explorer import pct, sample
from tests.schedules.programs import END_A, NEWEST, OLDEST, RA, RB, WAIT, T, closer, receivers, sel, senders
from tests.schedules.world import Program

LARGE = [
    Program(
        f"fan-in and fan-out, cap {cap}",
        {"a": (cap, WAIT)},
        senders([(4, True), (4, True), (3, False), (2, True)])
        + receivers([(3, True), (4, True), (5, False)])
        + [closer()],
    )
    for cap in (0, 1, 3)
]
LARGE += [
    Program(
        f"selects among plain ones, caps {a} {b}",
        {"a": (a, WAIT), "b": (b, WAIT)},
        [
            *senders([(3, True), (3, True)], "a"),
            *senders([(3, True)], "b"),
            T("p", *[sel(RA, RB)] * 4),
            T("q", sel(RB, ("send", "a", "q1")), sel(("send", "b", "q2"), END_A), sel(END_A, RB)),
            T("v", ("send_nowait", "a", "v1"), ("recv_nowait", "b"), sel(("send", "a", "v2"), ("send", "b", "v3"))),
            *receivers([(2, True)], "a"),
            *receivers([(3, False)], "b"),
            closer("b"),
        ],
    )
    for a, b in ((0, 0), (0, 2), (1, 2))
]
LARGE += [
    Program(
        f"{how} under load",
        {"a": (2, how)},
        senders([(4, True), (3, True), (2, False)]) + receivers([(3, True), (2, True), (2, True)]),
    )
    for how in (OLDEST, NEWEST)
]
LARGE.append(
    Program(
        "reservations under load",
        {"a": (2, WAIT)},
        [
            *(
                T(f"v{n}", ("reserve", "a", f"v{n}"), ("reserve", "a", None), ("reserve", "a", f"w{n}"))
                for n in range(3)
            ),
            *senders([(3, True), (2, True)]),
            *receivers([(4, True), (4, False)]),
            closer(),
        ],
    )
)

every_program = pytest.mark.parametrize("program", LARGE, ids=lambda program: program.title)


@every_program
@pytest.mark.parametrize("order", ["fifo", "any"])
def test_drawn_at_random(program: Program, order: str) -> None:
    sample(program, runs=25, seed=1, cancels=3, order=order).check()


@every_program
def test_drawn_by_priorities(program: Program) -> None:
    pct(program, runs=25, depth=3, seed=1, cancels=3).check()
