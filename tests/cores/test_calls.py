"""Bad arguments, wrong moments and rare questions: both cores give the same answers, to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.cores.accepted import ACCEPTED_CALLS
from tests.cores.both import PYTHON, compiled, needs_both
from tests.cores.calls import BAD, BY_CPYTHON, Call, outcome
from tests.cores.wrong_places import PLACES, USES, used


@needs_both
@pytest.mark.parametrize("name", [name for name in BAD if name not in ACCEPTED_CALLS])
def test_both_cores_answer_alike(name: str) -> None:
    assert outcome(compiled(), BAD[name]) == outcome(PYTHON, BAD[name])


@needs_both
@pytest.mark.parametrize("name", ACCEPTED_CALLS)
def test_what_is_accepted_does_differ(name: str) -> None:
    assert outcome(compiled(), BAD[name]) != outcome(PYTHON, BAD[name])


@needs_both
@pytest.mark.parametrize("call", BY_CPYTHON.values(), ids=BY_CPYTHON)
def test_what_cpython_refuses_is_refused_by_both_with_the_same_error(call: Call) -> None:
    assert outcome(compiled(), call)[:2] == outcome(PYTHON, call)[:2]


@pytest.mark.parametrize("call", BY_CPYTHON.values(), ids=BY_CPYTHON)
def test_these_are_refused(call: Call) -> None:
    how, what, *_ = outcome(PYTHON, call)
    assert (how, what) in [("raised", "TypeError"), ("raised", "AttributeError")]


def test_a_core_that_answers_otherwise_is_seen() -> None:
    def lenient(capacity: Any = 0, **options: Any) -> Any:
        return PYTHON.Chan(0 if capacity == -1 else capacity, **options)

    other = replace(PYTHON, names={**PYTHON.names, "Chan": lenient})
    differing = [name for name, call in BAD.items() if outcome(other, call) != outcome(PYTHON, call)]
    assert "capacity -1" in differing
    assert len(differing) < 5, differing


@needs_both
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("use", USES)
def test_both_cores_refuse_the_same_from_elsewhere(use: str, where: str) -> None:
    for asleep in ("receiver", "sender"):
        assert used(compiled(), use, asleep, where) == used(PYTHON, use, asleep, where)


@pytest.mark.parametrize("where", PLACES[:3])
def test_something_is_refused_there(where: str) -> None:
    refused = [use for use in USES if "WrongLoop" in repr(used(PYTHON, use, "receiver", where)[0])]
    assert {"recv", "park", "select to receive"} <= {*refused}
    assert not {"look", "send to a new one"} & {*refused}
