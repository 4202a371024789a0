"""Failures tell the way, and can be repeated from their line."""

from __future__ import annotations

import pickle

import pytest

from aiochan.testing.execution import Found, alone
from aiochan.testing.explorer import explore
from aiochan.testing.failure import Failure, replay, tell
from aiochan.testing.scenario import Run
from aiochan.testing.schedule import NotDeterministic, Rules
from tests.testing.handmade import handmade


def lost_wakeup(run: Run) -> None:
    handmade(run, receivers=("g", "h"), careful=False)


@pytest.fixture(scope="module")
def failure() -> Failure:
    found = explore(lost_wakeup, cancels=1).failure
    assert found is not None
    return found


def test_a_failure_tells_the_way_there(failure: Failure) -> None:
    assert failure.reason == "AssertionError: the item is lost"
    heads = [step.partition(":")[0] for step in failure.trace]
    assert heads == ["start g", "run g", "start h", "run h", "start put", "run put", "cancel g", "run g"]
    lines = str(failure).splitlines()
    assert lines[0] == failure.reason
    assert lines[1] == f"    1. {failure.trace[0]}"
    assert lines[-1] == f"  replay: {failure.line}"
    assert isinstance(failure.__cause__, AssertionError)


def test_a_failure_is_repeated_from_its_line(failure: Failure) -> None:
    assert failure.line == "fifo cancels=1 path=0.0.0.0.0.0.1"
    with pytest.raises(Failure) as again:
        replay(lost_wakeup, failure.line)
    assert str(again.value) == str(failure)
    assert again.value.path == failure.path
    assert isinstance(again.value.__cause__, AssertionError)


def test_a_schedule_that_does_not_fail_is_told_too() -> None:
    assert replay(lost_wakeup, "fifo path=0")[-1] == "run g: returns"
    assert replay(lost_wakeup, "fifo path=2")[0] == "start put"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("fifo path=3", "does not fit this scenario: choice 1 is 3, and there are only 3 options"),
        ("fifo path=0.0.0.0.0.0.0.0.0.0.0.0.1", "does not fit this scenario: it came to its end after"),
        ("fifo path=-1", "choice 1 is -1"),
    ],
)
def test_a_path_that_does_not_fit_says_so(line: str, text: str) -> None:
    with pytest.raises(NotDeterministic, match=text):
        replay(lost_wakeup, line)


def test_a_line_that_is_none_says_so() -> None:
    with pytest.raises(ValueError, match="not 'nonsense'"):
        replay(lost_wakeup, "nonsense")


def test_a_failure_survives_the_way_between_processes(failure: Failure) -> None:
    again = pickle.loads(pickle.dumps(failure))
    assert (str(again), again.reason, again.trace, again.line, again.path) == (
        str(failure),
        failure.reason,
        failure.trace,
        failure.line,
        failure.path,
    )


def test_a_failure_that_does_not_come_again_is_no_failure_but_an_error() -> None:
    with alone(), pytest.raises(NotDeterministic, match=r"only once\n.*not again .*: fifo path=1"):
        tell(lost_wakeup, Rules(), [1], Found("check", "only once"))
