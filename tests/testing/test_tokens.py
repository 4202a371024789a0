"""The small data types of the model: what is compared by value and what by identity."""

from __future__ import annotations

from aiochan.testing.model import ModelChan
from aiochan.testing.tokens import ModelCase, Op, Outcome, Standing


def test_operations_are_compared_by_identity() -> None:
    assert Op("a") != Op("a")


def test_outcomes_are_compared_by_value() -> None:
    assert Outcome("done", 1) == Outcome("done", 1) != Outcome("done", 1, index=0)
    assert Outcome("closed", cause=None) == Outcome("closed")


def test_places_in_line_never_compare_the_values() -> None:
    class Touchy:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("values are nobody's business")

        __hash__ = None  # type: ignore[assignment]

    chan = ModelChan(1)
    case = ModelCase(chan, "send", Touchy())
    assert Standing(Op(), case, None) != Standing(Op(), case, None)
    first, second = Op(), Op()
    for op in Op(), first, second:
        chan.send(op, Touchy())
    (woken,) = chan.recv_nowait().woken
    chan.cancel(woken)
    assert chan.run(woken).woken == (second,)


def test_both_ways_to_receive_wait_in_one_line() -> None:
    chan = ModelChan()
    sides = [ModelCase(chan, kind).side for kind in ("recv", "recv_ok", "send", "reserve")]
    assert sides == ["recv", "recv", "send", "reserve"]
