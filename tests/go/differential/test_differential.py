"""Random channel programs, in Go and here: they can come out in the same ways.

README.md in the folder above says how to run it, and how to read what it prints.
"""

from __future__ import annotations

import itertools
import os

import pytest

from tests.go.differential.comparison import Comparison, compare, summary
from tests.go.differential.faults import FAULTS
from tests.go.differential.ours import Operations, outcomes
from tests.go.differential.programs import Op, Program, programs
from tests.go.differential.record import RUNS, quick_programs, recorded
from tests.go.differential.theirs import Go, version

BATCH = 25


def report(compared: list[Comparison]) -> str:
    return "\n\n".join([summary(compared), *(str(one) for one in compared if one.missing or one.unseen)])


# -- without Go


def test_they_come_out_as_recorded_from_go() -> None:
    for program, shown in recorded():
        assert outcomes(program) == shown, f"\n{program}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_noticed(fault: type[Operations]) -> None:
    assert any(outcomes(program, make=fault) != shown for program, shown in recorded())


A_PROMISE = Program((0,), ((Op("recv", 0),), (Op("send", 0, 1), Op("recv", 0)), (Op("send", 0, 2),)))


def test_an_open_promise_adds_outcomes() -> None:
    """docs/design/0001-permits.md: a receiver that was woken takes the oldest value when it runs.

    Here the second goroutine sends 1 to the first, which sleeps; and, before that one runs, receives it itself.
    """
    more = outcomes(A_PROMISE, handed=False) - outcomes(A_PROMISE)
    assert more == {"got 2, ended | sent, got 1, ended | sent, ended"}


def test_known_outcomes() -> None:
    a_race = Program((0,), ((Op("send", 0, 1),), (Op("send", 0, 2),), (Op("recv", 0),)))
    assert outcomes(a_race) == {"sent, ended | blocked | got 1, ended", "blocked | sent, ended | got 2, ended"}


# -- with Go


def test_they_come_out_as_in_go(go: Go) -> None:
    compared = compare(quick_programs(), go, runs=RUNS)
    assert not any(one.missing for one in compared), report(compared)
    assert not any(one.unseen for one in compared), report(compared)


CHAIN = Program(
    (0, 0),
    (
        (*(Op("send", 0, value) for value in (1, 2, 3)), Op("close", 0), Op("recv", 1)),
        (Op("range", 0), Op("send", 1, 4), Op("recv", 1)),
    ),
)


def test_go_takes_nobody_who_is_slow_for_blocked(go: Go) -> None:
    """A program that can only come out in one way does so, however its goroutines are delayed."""
    [counts] = go.count([CHAIN], 4000)
    assert counts == {"sent, sent, sent, closed, got 4, ended | got 1, got 2, got 3, end, sent, blocked": 4000}
    assert outcomes(CHAIN) == set(counts)


@pytest.mark.stress
@pytest.mark.timeout(7200)
def test_many_come_out_as_in_go(go: Go, capsys: pytest.CaptureFixture[str]) -> None:
    """AIOCHAN_PROGRAMS says how many programs, AIOCHAN_SEED which."""
    count, seed = int(os.environ.get("AIOCHAN_PROGRAMS", "2000")), int(os.environ.get("AIOCHAN_SEED", "2"))
    drawn, compared, more = programs(seed, count, most=10_000), list[Comparison](), 0
    while batch := compare(itertools.islice(drawn, BATCH), go, runs=2000, seed=seed):
        compared += batch
        more += sum(open_promises_add(one) for one in batch)
        say(capsys, *(str(one) for one in batch if one.unseen))
        say(capsys, f"{summary(compared)}; {more} more while a promise is open")
        assert not any(one.missing for one in batch), report(batch)
    say(capsys, f"seed {seed}, {version()}")
    assert sum(len(one.unseen) for one in compared) < 0.01 * sum(len(one.ours) for one in compared)


def open_promises_add(one: Comparison) -> int:
    """Count the outcomes that there are only here, as receivers are not handed their values."""
    all_of_ours = outcomes(one.program, handed=False)
    assert all_of_ours >= one.ours, f"\n{one.program}"
    return len(all_of_ours - one.ours)


def say(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    with capsys.disabled():
        for line in lines:
            print(f"\n{line}", end="", flush=True)
