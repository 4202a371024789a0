"""Thousands of short random programs: the real channel and its model must agree after every move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiochan.testing.model import Answer, Kind, ModelChan, Op, Outcome, Standing
from tests.testing.differential import Pair, Spec
from tests.testing.programs import Program, check_programs

CHUNKS = 8
PROGRAMS = 2_000


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs_agree_with_the_model(chunk: int) -> None:
    each = PROGRAMS // CHUNKS
    assert check_programs(range(chunk * each, (chunk + 1) * each)) > 20 * each


def test_a_program_can_be_shortened_to_what_fails() -> None:
    """Skipping a move must be harmless, or nothing could be left out."""
    everything = Program((Spec(0),), (("run", 5), ("use", 1), ("kill", 0), ("cancel", 2)))
    assert everything.run() == 5
    with Pair([Spec(1)]) as pair:
        assert not pair.apply(("give_up", 0))
        assert pair.apply(("send", 7))


# -- planted faults: the comparison has to find each of them, or it proves nothing. They are planted
# in the model, so that they fit any core: either side being wrong is a difference.


def promise_lapses(self: Any, won: Standing) -> None:
    if won.case.side == "recv":
        self.promised.remove(won.op)
        self._values.pop(0)
        self.received += 1
    else:
        real_hand_on(self, won)


def take_back_what_is_promised(self: Any, won: Standing) -> None:
    if won.case.side == "send":
        mine = [value for value in self._values if value.sender is won.op]
        self._values = [value for value in self._values if value not in mine]
        self.sent -= len(mine)
    else:
        real_hand_on(self, won)


def never_take_back(self: Any, won: Standing) -> None:
    if won.case.side != "send":
        real_hand_on(self, won)


def take_the_newest(self: Any, kind: Kind, index: int | None) -> Any:
    self._values = self._values[-1:] + self._values[:-1]
    return real_got(self, kind, index)


def serve_the_last(self: Any, *sides: str) -> Standing | None:
    return next((s for s in reversed(self.line) if s.case.side in sides), None)


def trim_nothing(self: Any) -> None:
    pass


def trim_what_is_promised(self: Any) -> None:
    while self._surplus() > self.capacity:
        self._values.pop(0)
        self.dropped += 1


def places_take_no_room(self: Any) -> bool:
    return bool(self._surplus() < self.capacity)


def obey_without_the_end(self: Any) -> None:
    if not self.closed:
        real_obey(self)


def cancelled_but_alive(op: Op) -> Answer:
    """As an asyncio.Future is: it stands in line until it runs."""
    if op.state == "parked":
        return Answer(Outcome("cancelled"))
    return real_cancel(op)


real_hand_on, real_got = ModelChan._hand_on, ModelChan._got
real_obey, real_cancel = ModelChan._obey, ModelChan.cancel


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("_hand_on", promise_lapses),
        ("_hand_on", take_back_what_is_promised),
        ("_hand_on", never_take_back),
        ("_got", take_the_newest),
        ("_first", serve_the_last),
        ("_trim", trim_nothing),
        ("_trim", trim_what_is_promised),
        ("_room", places_take_no_room),
        ("_obey", obey_without_the_end),
        ("cancel", staticmethod(cancelled_but_alive)),
    ],
)
def test_finds_planted_faults(method: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelChan, method, fault)
    with pytest.raises(AssertionError, match="shortened") as caught:
        check_programs(range(2_000))
    assert caught.value.__cause__ is not None
