"""Random schedules and schedules by priorities of the programs in `workloads.py`; and faults that these must find.

Quick: some dozens of schedules of each program. Stress: AIOCHAN_SCHEDULES of them over all programs together, in equal
parts for each program and each of the six ways of drawing (`ways.py`), rounded up. It is 200 000 unless told otherwise;
for 23 programs that is 1450 for each program and way, 8700 for each program. AIOCHAN_SEED draws others.

    pytest -m stress tests/volume/test_schedules.py
    AIOCHAN_SCHEDULES=1000000 AIOCHAN_SEED=2 pytest -m stress tests/volume/test_schedules.py -k "ring or crowd"
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from aiochan.core.hchan import HChan
from aiochan.core.waiters import CLOSED, GRANTED
from aiochan.testing import Failure, failure, replay, shrink
from tests.conformance.kit import python_only
from tests.volume.stage import Workload
from tests.volume.ways import WAYS, Drawn, draw, draw_one_way
from tests.volume.workloads import WORKLOADS

SCHEDULES = int(os.environ.get("AIOCHAN_SCHEDULES", "200000"))
SEED = int(os.environ.get("AIOCHAN_SEED", "1"))
QUICK = 30  # schedules of each program

Record = Callable[[str, object], None]

every_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.title)


@every_workload
def test_some_schedules(workload: Workload) -> None:
    drawn = draw(workload, QUICK, seed=1)
    assert drawn.schedules == drawn.tally.runs == QUICK
    assert drawn.tally.tasks >= 8
    assert drawn.tally.cancels, "no schedule cancelled anything"
    assert drawn.tally.operations > 20 * QUICK


@pytest.mark.stress
@every_workload
def test_many_schedules(workload: Workload, record_property: Record, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.process_time()
    drawn = draw(workload, -(-SCHEDULES // len(WORKLOADS)), SEED)
    took = time.process_time() - began
    with capsys.disabled():
        print(f"\n{workload.title}: {_figures(drawn)}, {took:.0f} s", flush=True)
    for name, value in (
        ("schedules", drawn.schedules),
        ("programs", 1),
        ("steps", drawn.steps),
        ("operations", drawn.tally.operations),
        ("cancels", drawn.tally.cancels),
        ("seconds", took),
    ):
        record_property(name, value)


def _figures(drawn: Drawn) -> str:
    tally = drawn.tally
    return (
        f"{drawn.schedules:,} schedules of {tally.tasks} tasks, {drawn.steps:,} steps,"
        f" {tally.operations:,} operations, {tally.cancels:,} cancellations"
    )


# -- planted faults


def _newest_first(self: Any) -> Any:
    """A woken receiver takes the newest value."""
    self._held.rotate(1)
    return _redeem(self)


def _take_what_was_promised(self: Any) -> Any:
    """A newcomer takes values that others were promised."""
    if self._held and len(self._held) == self._granted and not self._closed:
        self._granted -= 1
        try:
            return _take(self)
        finally:
            self._granted += 1
    return _take(self)


def _keep_the_permit(self: Any) -> None:
    """A cancelled receiver does not wake the next one."""
    self._granted -= 1


def _put_back(self: Any) -> None:
    """A cancelled receiver puts back behind the others what it was promised."""
    self._held.rotate(-1)
    _pass_on(self)


def _lose(self: Any) -> None:
    """A cancelled receiver takes with it what it was promised."""
    self._held.popleft()
    self._granted -= 1


def _deliver_twice(self: Any) -> Any:
    """A woken receiver leaves the value where it is, if somebody else is promised one."""
    value = _redeem(self)
    if self._granted:
        self._held[0] = value
    return value


def _let_in_at_the_front(self: Any) -> None:
    """A sender from the line goes ahead of the values inside."""
    before = len(self._held)
    _admit(self)
    for _ in range(len(self._held) - before):
        self._held.rotate(1)


def _wake_no_sender(self: Any) -> None:
    """Room that becomes free is told to nobody."""


def _forget_to_take_back(self: Any, sender: Any) -> None:
    """A cancelled sender leaves its value inside."""
    self._admit()


def _tell_one(self: Any) -> None:
    """Only one sleeping receiver hears the end."""
    if self._recvq:
        self._recvq.grant(CLOSED)


def _tell_too_early(self: Any) -> None:
    """Sleeping receivers hear the end at close, although values are promised to others."""
    self._tell_end()
    _tell_closed(self)


def _drop_what_was_promised(self: Any) -> Any:
    """The oldest value is dropped, whoever was promised it."""
    self._dropped += 1
    return self._held.popleft()


def _overtake(self: Any, value: Any, index: int | None = None) -> bool:
    """A value for a sleeping receiver goes ahead of those inside."""
    if not self._closed and (q := self._recvq) and q.grant(GRANTED) is not None:
        self._granted += 1
        self._held.appendleft(value)
        return True
    return _put(self, value, index)


_redeem, _take, _pass_on, _admit = HChan._redeem, HChan._take, HChan._pass_on, HChan._admit
_tell_closed, _put = HChan._tell_closed, HChan._put

FAULTS: dict[str, Callable[..., Any]] = {
    "_redeem newest first": _newest_first,
    "_redeem twice": _deliver_twice,
    "_take what was promised": _take_what_was_promised,
    "_pass_on to nobody": _keep_the_permit,
    "_pass_on by putting back": _put_back,
    "_pass_on and lose": _lose,
    "_admit at the front": _let_in_at_the_front,
    "_admit nobody": _wake_no_sender,
    "_take_back forgotten": _forget_to_take_back,
    "_tell_end to one": _tell_one,
    "_tell_closed too early": _tell_too_early,
    "_drop_oldest though promised": _drop_what_was_promised,
    "_put ahead of others": _overtake,
}


@pytest.fixture
def little_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not look for the simplest schedule of a fault that was planted."""
    monkeypatch.setattr(failure, "shrink", partial(shrink.shrink, runs=20))


@pytest.fixture(params=[True, False], ids=["with invariants", "by what comes out"])
def watch(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Check the invariants of the channels after every step, or only what comes out in the end."""
    for workload in WORKLOADS:
        workload.watch = request.param
    yield request.param
    for workload in WORKLOADS:
        workload.watch = True


@python_only("the fault is planted in it; tests/mutants has such faults in C")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("little_shrinking")
def test_finds_what_is_wrong(fault: str, watch: bool, monkeypatch: pytest.MonkeyPatch, record_property: Record) -> None:
    monkeypatch.setattr(HChan, fault.split(maxsplit=1)[0], FAULTS[fault])
    workload, found, schedules = _first_failure()
    record_property("schedules_to_find", schedules)
    assert f'"{workload.title}" "{found.line}"' in found.__notes__[-1]
    with pytest.raises(Failure) as again:
        replay(workload, found.line)
    assert again.value.reason == found.reason
    monkeypatch.undo()
    replay(workload, found.line)


def _first_failure() -> tuple[Workload, Failure, int]:
    """Draw what the quick run draws, one way of each program after the other, until something is found."""
    schedules = 0
    for number, way in enumerate(WAYS):
        for place, workload in enumerate(WORKLOADS):
            try:
                draw_one_way(workload, way, QUICK // len(WAYS), 1000 + len(WAYS) * place + number)
            except Failure as found:
                return workload, found, schedules
            schedules += QUICK // len(WAYS)
    pytest.fail(f"{schedules} schedules did not find it")
