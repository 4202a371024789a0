"""The same random programs on both cores: everything that can be seen must be the same after every step.

pytest tests/cores/test_histories.py                    a few hundred programs, in seconds
pytest -m stress -s tests/cores/test_histories.py       AIOCHAN_PROGRAMS programs (20 000), from AIOCHAN_SEED (0) on

Where the compiled core is not built there is nothing to compare, and the first is skipped; that the comparison is not
blind is tested everywhere, on the Python core with faults in it.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cores.accepted import ACCEPTED, hide
from tests.cores.both import PYTHON, Core, compiled, needs_both
from tests.cores.faults import FAULTS, Fault, faulty, what_was_received_is_kept
from tests.cores.programs import WEIGHTS, Difference, Program, compare, random_program
from tests.testing.differential import Spec

EACH, CHUNKS = 25, 12
LONG = 80  # moves, where there is time

chunks = pytest.mark.parametrize("seeds", [range(EACH * n, EACH * (n + 1)) for n in range(CHUNKS)], ids=str)


@needs_both
@chunks
def test_both_cores_have_the_same_history(seeds: range) -> None:
    assert compare(seeds, (PYTHON, compiled())) > 10 * EACH


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the collector out: when it comes depends on everything that was done before."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def kept_longer(core: Core, seeds: Iterable[int]) -> tuple[int, object] | None:
    """Where a core still holds a value that the Python core has let go of, if it does anywhere."""
    for seed in seeds:
        program = replace(random_program(seed, (PYTHON, core)), weighs=True)
        for python, other in zip(*map(program.history, program.cores), strict=False):
            if {*other.get("alive", ())} - {*python.get("alive", ())}:
                return seed, other["step"]
    return None


@needs_both
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("seeds", [range(15), range(15, 30)], ids=str)
def test_the_compiled_core_keeps_no_value_longer(seeds: range) -> None:
    """It lets go of some earlier: the traceback of a cancellation leads to the arguments of a Python frame."""
    assert kept_longer(compiled(), seeds) is None


@pytest.mark.usefixtures("no_collector")
def test_a_core_that_keeps_values_is_found() -> None:
    assert kept_longer(faulty(what_was_received_is_kept), range(20)) is not None


def test_the_same_program_has_the_same_history() -> None:
    """Else a difference between two cores would say nothing."""
    assert compare(range(EACH), (PYTHON, PYTHON)) > 10 * EACH


# -- it is not blind

NOTED = {
    "dice",
    "parked",
    "woken",
    "left",
    "closed",
    "give back",
    "cancel",
    "by hand",
    "answered",
    "raised",
    "returned",
}
RAISED = {
    "ChannelClosed",
    "WouldBlock",
    "CancelledError",
    "StopAsyncIteration",
    "MisuseError",
    "ValueError",
    "LookupError",
    "KeyboardInterrupt",
    "GeneratorExit",
    "KeyError",  # as a cause
}


def seen_in(seeds: Iterable[int]) -> tuple[set[str], set[str]]:
    """What the histories of these programs tell of: words, and kinds of moves."""
    words: set[str] = set()
    moves: set[str] = set()
    for seed in seeds:
        program = random_program(seed, (PYTHON, PYTHON))
        moves |= {move[0] for move in program.moves}
        for page in program.history(PYTHON):
            words |= {word for note in page.get("what happened", ()) for word in _words(note)}
            words |= {word for end in page.get("ended", ()) for word in _words(end)}
            words |= {"a timer"} if page.get("timers") else set()
            words |= {"drains"} & set(page.get("ready", ()))
    return words, moves


def _words(told: Any) -> Iterable[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, tuple):
        for part in told:
            yield from _words(part)


def test_the_programs_come_across_everything() -> None:
    words, moves = seen_in(range(EACH * CHUNKS // 2))
    assert not (NOTED | RAISED | {"a timer", "drains"}) - words
    assert moves == WEIGHTS.keys()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_finds_a_planted_fault(fault: Fault) -> None:
    other = faulty(fault)
    programs = (random_program(seed, (PYTHON, other)) for seed in range(EACH * CHUNKS))
    assert any(isinstance(program.fails(), Difference) for program in programs)


def test_a_difference_is_told_by_its_shortest_program() -> None:
    other = faulty(FAULTS[0])
    with pytest.raises(Difference, match="program of seed") as caught:
        compare(range(EACH * CHUNKS), (PYTHON, other))
    assert "Python" in str(caught.value)
    assert "faulty" in str(caught.value)
    assert str(caught.value).count("('") < 20, caught.value


def test_a_planted_fault_is_gone_afterwards() -> None:
    program = Program((Spec(0),), (("recv", 0), ("send", 0)), cores=(faulty(FAULTS[0]), faulty(FAULTS[1])))
    for core in program.cores:
        program.history(core)
    assert Program(program.specs, program.moves, cores=(PYTHON, PYTHON)).run() > 2


# -- what is accepted


def test_what_is_accepted_is_told_with_its_reason() -> None:
    for accepted in ACCEPTED:
        assert accepted.what
        assert accepted.why.endswith(".")


@pytest.mark.parametrize("accepted", ACCEPTED, ids=lambda accepted: accepted.what.replace(" ", "-"))
def test_what_is_accepted_occurs(accepted: Any) -> None:
    """What no longer changes any page is no longer needed."""
    pages = (page for seed in range(EACH) for page in random_program(seed, (PYTHON, PYTHON)).history(PYTHON))
    assert any(accepted.hide(page) != page for page in pages)


def test_hiding_leaves_everything_else() -> None:
    page = {"step": "step", "what happened": (("dice", 2, 1, "t1"),), "budget": 3}
    assert hide(page) == page


# -- at volume


@needs_both
@pytest.mark.stress
@pytest.mark.timeout(7200)
def test_thousands_of_programs(capsys: pytest.CaptureFixture[str]) -> None:
    programs, first = int(os.environ.get("AIOCHAN_PROGRAMS", "20000")), int(os.environ.get("AIOCHAN_SEED", "0"))
    with capsys.disabled():
        steps = _compare_at_length(programs, first, lambda line: print(line, flush=True))
    assert steps > 10 * programs


def _compare_at_length(programs: int, first: int, tell: Callable[[str], object]) -> int:
    began, steps = time.process_time(), 0
    for start in range(first, first + programs, 1000):
        seeds = range(start, min(start + 1000, first + programs))
        steps += compare(seeds, (PYTHON, compiled()), LONG if start // 1000 % 2 else 30)
        used = time.process_time() - began
        tell(f"cores: {seeds.stop - first} programs, {steps} steps, {used:.0f} seconds of processor time")
    return steps
