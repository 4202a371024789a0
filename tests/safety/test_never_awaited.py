"""An operation that is never awaited warns as a coroutine does, and nothing has happened."""

from __future__ import annotations

import contextlib
import gc
import sys
import warnings

import pytest

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World


def _exit(ch):
    return ch.__aexit__(None, None, None)


KINDS = {
    "send": ("Chan.send", lambda ch: ch.send("v")),
    "send on a view": ("Chan.send", lambda ch: ch.sender.send("v")),
    "recv": ("Chan.recv", lambda ch: ch.recv()),
    "recv_ok": ("Chan.recv_ok", lambda ch: ch.recv_ok()),
    "anext": ("Chan.recv", lambda ch: ch.__anext__()),
    "select": ("select", lambda ch: ac.select(ac.recv(ch), ac.send(ch, "v"))),
    "select of nothing": ("select", lambda _: ac.select()),
    "select of no case": ("select", lambda _: ac.select(3)),
    "wait": ("Signal.wait", lambda _: ac.Signal().wait()),
    "recv_ok of a signal": ("Signal.recv_ok", lambda _: ac.Signal().recv_ok()),
    "park": ("WaitQueue.park", lambda _: core.WaitQueue().park("tag", list)),
    "reserve": ("Chan._reserve_place", lambda ch: ch._reserve_place()),
    "enter a reservation": ("Reservation.__aenter__", lambda ch: ch.reserve().__aenter__()),
    "enter": ("SendChan.__aenter__", lambda ch: ch.__aenter__()),
    "exit": ("SendChan.__aexit__", _exit),
}

pytestmark = [pytest.mark.usefixtures("compiled"), pytest.mark.parametrize("kind", KINDS)]


@pytest.fixture
def world():
    with HandLoop().running() as loop:
        yield World(loop)


@pytest.fixture
def make(kind, world):
    """Make the operation on a channel with a value and a place."""
    ch = world.chan(2)
    world.now_send(ch).step()
    yield lambda: KINDS[kind][1](ch)
    assert not ch.closed
    assert len(ch) == 1
    world.check()
    world.check_accounts()


@contextlib.contextmanager
def heard():
    """Hear warnings, and what goes to sys.unraisablehook."""
    unraisable, hook = [], sys.unraisablehook
    sys.unraisablehook = lambda what: unraisable.append((what.exc_type, str(what.exc_value)))
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield told, unraisable
    finally:
        sys.unraisablehook = hook


def test_it_warns_by_its_name_and_nothing_has_happened(make, kind):
    with heard() as (told, unraisable):
        make()
        gc.collect()
    name = KINDS[kind][0]
    assert [str(each.message) for each in told] == [f"coroutine '{name}' was never awaited"]
    assert told[0].category is RuntimeWarning
    assert unraisable == []


def test_it_says_where_it_was_made(make, kind):
    sys.set_coroutine_origin_tracking_depth(2)
    try:
        with heard() as (told, _):
            make()
    finally:
        sys.set_coroutine_origin_tracking_depth(0)
    words = str(told[0].message)
    assert "Coroutine created at (most recent call last)" in words
    assert f"{__file__}" in words


def test_closing_it_is_enough(make, kind):
    with heard() as (told, unraisable):
        make().close()
        operation = make()
        with contextlib.suppress(KeyError):
            operation.throw(KeyError())
        del operation
        gc.collect()
    assert told == unraisable == []


def test_warnings_that_are_errors_cannot_be_raised(make, kind):
    with heard() as (_, unraisable):
        warnings.simplefilter("error")
        make()
    assert [(error, "was never awaited" in words) for error, words in unraisable] == [(RuntimeWarning, True)]


def test_whoever_hears_the_warning_may_keep_it_and_drop_it_later(make, kind):
    """`source` is the operation itself, back to life; it warns no more."""
    with heard() as (told, unraisable):
        for use in ("close", "drop"):
            make()
            operation = told.pop().source
            if use == "close":
                operation.close()
            del operation
            gc.collect()
        assert told == unraisable == []


def test_whoever_hears_the_warning_may_still_await_it(world, kind):
    ch = world.full(1)
    with heard() as (told, unraisable):
        KINDS[kind][1](ch)
        operation = told.pop().source
        with contextlib.suppress(StopIteration, TypeError):
            operation.send(None)
        ch._check()
        operation.close()
        del operation
        assert told == unraisable == []
    assert len(ch) + ch.stats().received == 1


def test_one_in_a_circle_warns_when_it_is_collected(make, kind):
    with heard() as (told, _):
        circle = [make()]
        circle.append(circle)
        del circle
        gc.collect()
    assert len(told) == 1
