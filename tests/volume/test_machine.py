"""The state machine, a little of it with every `make test` and a million steps of it in `make stress`.

pytest tests/volume/test_machine.py                     a few seconds
pytest -m stress tests/volume/test_machine.py -s        AIOCHAN_STEPS steps (1 000 000), from batch AIOCHAN_SEED (0) on
"""

from __future__ import annotations

import os

import pytest

from tests.conformance.kit import python_only
from tests.volume.machine import check_batch, check_machine
from tests.volume.machine_events import IMPORTANT, RARE, Events
from tests.volume.machine_faults import FAULTS, Patch

QUICK = 130  # examples
ENOUGH = 200_000  # steps, to see even what is rare

can_be_planted = python_only("the fault is planted in it; tests/mutants has such faults in C")


def test_the_machine_finds_no_difference_and_is_not_blind() -> None:
    events = Events()
    check_batch(0, QUICK, events)
    assert events.examples >= QUICK
    assert not events.missing(IMPORTANT), events.missing(IMPORTANT)


def test_the_same_batch_is_the_same_again() -> None:
    first, second, other = Events(), Events(), Events()
    check_batch(1, 5, first)
    check_batch(1, 5, second)
    check_batch(2, 5, other)
    assert first.rules == second.rules != other.rules
    assert first.seen == second.seen != other.seen


@can_be_planted
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_finds_a_planted_fault(fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(fault)
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        check_batch(0, 3 * QUICK, Events(), shrink=False)  # it ends with the first that differs


@can_be_planted
def test_a_fault_is_told_by_its_shortest_story(monkeypatch: pytest.MonkeyPatch) -> None:
    plant: Patch = monkeypatch
    FAULTS[0](plant)
    with pytest.raises(AssertionError) as caught:
        check_batch(0, QUICK, Events(), length=20)  # short, because a long one takes long to shorten
    story = "\n".join(caught.value.__notes__)
    assert story.count("state.") <= 10, story
    assert "state.cancel" in story, story


@pytest.mark.stress
@pytest.mark.timeout(7200)
def test_a_million_steps(capsys: pytest.CaptureFixture[str]) -> None:
    steps, first = int(os.environ.get("AIOCHAN_STEPS", "1000000")), int(os.environ.get("AIOCHAN_SEED", "0"))
    with capsys.disabled():
        print()
        events = check_machine(steps, first, lambda line: print(line, flush=True))
        print("\n".join(events.lines()))
    assert events.steps >= steps
    if events.steps >= ENOUGH:
        assert not events.missing(IMPORTANT + RARE), events.missing(IMPORTANT + RARE)
