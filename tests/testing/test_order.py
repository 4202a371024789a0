"""Numbered steps must notice every way in which things can happen out of place."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from aiochan.testing.order import Order


def test_steps_in_order_pass() -> None:
    with Order() as order:
        order.expect(1)
        order.expect(2)
        order.finish(3)
    assert order.finished
    assert order.steps == (1, 2, 3)


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_wrong_number_names_expected_actual_and_steps_so_far(wrong: int) -> None:
    order = Order()
    order.expect(1)
    with pytest.raises(AssertionError) as caught:
        order.expect(wrong)
    text = str(caught.value)
    assert f"expected step 2, got expect({wrong})" in text
    assert "steps so far: 1 (test_order.py:" in text
    assert order.steps == (1,)


def test_finish_with_a_wrong_number_does_not_finish() -> None:
    order = Order()
    with pytest.raises(AssertionError, match=r"expected step 1, got finish\(7\)"):
        order.finish(7)
    assert not order.finished


def test_nothing_comes_after_finish() -> None:
    order = Order()
    order.finish(1)
    with pytest.raises(AssertionError, match=r"expect\(2\) by .* after finish\(1\)"):
        order.expect(2)


def test_never_always_fails() -> None:
    order = Order()
    order.expect(1)
    with pytest.raises(AssertionError, match=r"cancelled receivers get nothing .*so far: 1 "):
        order.never("cancelled receivers get nothing")


def test_leaving_unfinished_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"finish\(2\) was not reached"), Order() as order:
        order.expect(1)


def test_another_exception_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), Order():
        raise ZeroDivisionError


def test_a_failure_that_was_swallowed_comes_out_at_the_end() -> None:
    def program() -> None:
        with Order() as order:
            with contextlib.suppress(AssertionError):
                order.expect(2)
            order.finish(1)

    with pytest.raises(AssertionError, match="expected step 1, got expect"):
        program()


def test_a_failure_in_a_task_is_seen_and_names_the_task() -> None:
    async def late(order: Order) -> None:
        order.expect(5)

    async def main() -> None:
        async with Order() as order:
            task = asyncio.create_task(late(order), name="straggler")
            await asyncio.wait([task])
            assert task.exception() is not None
            order.finish(1)

    with pytest.raises(AssertionError, match=r"got expect\(5\) by straggler, test_order.py:"):
        asyncio.run(main())


def test_repr_shows_the_steps() -> None:
    order = Order()
    assert repr(order) == "<Order open, steps so far: none>"
    order.finish(1)
    assert repr(order).startswith("<Order finished, steps so far: 1 (test_order.py:")
