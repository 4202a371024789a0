"""What a channel can be made of, and that `_check` finds what it is there to find."""

import enum
import math

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import PYTHON, asleep, dismiss, python_only

can_be_broken = python_only("nobody can reach into a channel of the other and break it")


# -- making one


@pytest.mark.parametrize("capacity", [0, 1, 2, 10, 2**31, 2**64, 10**30, math.inf])
def test_a_capacity_is_a_whole_number_or_no_limit(capacity):
    ch = ac.Chan(capacity)
    assert ch.capacity == capacity
    assert f" 0/{capacity} " in repr(ch)
    if capacity:
        ch.send_nowait("a")
        assert ch.recv_nowait() == "a"


def test_a_capacity_may_be_given_by_name_and_by_anything_that_is_a_whole_number():
    class Size(enum.IntEnum):
        SMALL = 3

    class Index:
        def __index__(self):
            return 4

    assert ac.Chan(capacity=2).capacity == 2
    assert ac.Chan(Size.SMALL).capacity == 3
    assert type(ac.Chan(Size.SMALL).capacity) is int
    assert ac.Chan(Index()).capacity == 4


@pytest.mark.parametrize("capacity", [-1, -(10**30)])
def test_a_negative_capacity_is_refused(capacity):
    with pytest.raises(ValueError, match="capacity must be >= 0") as caught:
        ac.Chan(capacity)
    assert repr(capacity) in str(caught.value)


@pytest.mark.parametrize("capacity", [True, False, 1.5, 1.0, math.nan, -math.inf, "3", None, [], 1j, b"1"], ids=repr)
def test_what_is_no_whole_number_is_refused(capacity):
    with pytest.raises((TypeError, ValueError), match="capacity must be") as caught:
        ac.Chan(capacity)
    assert repr(capacity) in str(caught.value)


@pytest.mark.parametrize("name", [3, b"jobs", object, True, ("jobs",)], ids=repr)
def test_a_name_is_a_string(name):
    with pytest.raises(TypeError, match="name") as caught:
        ac.Chan(name=name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("overflow", ["drop", "", "WAIT", None, 1, ["wait"], b"wait"], ids=repr)
def test_an_unknown_overflow_is_refused(overflow):
    with pytest.raises((TypeError, ValueError), match="wait, drop_oldest, drop_newest") as caught:
        ac.Chan(1, overflow=overflow)
    assert repr(overflow) in str(caught.value)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_a_dropping_channel_has_room_for_one_value_at_least(overflow):
    with pytest.raises(ValueError, match="capacity of at least 1") as caught:
        ac.Chan(0, overflow=overflow)
    assert overflow in str(caught.value)
    assert ac.Chan(math.inf, overflow=overflow).capacity == math.inf


def test_name_and_overflow_are_given_by_name_only():
    with pytest.raises(TypeError):
        ac.Chan(1, "jobs")


def test_nothing_can_be_hung_on_a_channel():
    with pytest.raises(AttributeError):
        ac.Chan().color = "red"


# -- closing one


@pytest.mark.parametrize("cause", ["x", 3, ValueError, ...], ids=repr)
def test_a_cause_is_an_exception(cause):
    ch = ac.Chan()
    with pytest.raises(TypeError, match="cause") as caught:
        ch.close(cause)
    assert repr(cause) in str(caught.value)
    assert not ch.closed
    with pytest.raises(TypeError):
        ch.sender.close(cause)
    assert not ch.closed


def test_a_bad_cause_is_refused_even_if_it_is_closed_already():
    ch = ac.Chan()
    ch.close()
    with pytest.raises(TypeError):
        ch.close("x")


# -- _check


def broken(letter):
    return pytest.raises(AssertionError, match=f"^{letter}: ")


@can_be_broken
def test_check_finds_a_promise_too_many_or_too_few():
    for granted, reserved in ((1, 0), (-1, 0), (0, -1)):
        ch = ac.Chan(1)
        ch._granted, ch._reserved = granted, reserved
        with broken("C1"):
            ch._check()


@can_be_broken
def test_check_finds_a_receiver_asleep_beside_a_value(run):
    async def main():
        ch = ac.Chan(1)
        (task,) = await asleep(ch.recv())
        ch._held.append("a")
        with broken("C2"):
            ch._check()
        ch._held.clear()
        ch._check()
        await dismiss(task)

    run(main)


@can_be_broken
def test_check_finds_a_sender_or_a_reservation_asleep_beside_a_free_place(run):
    async def main():
        for sleeper in (lambda ch: ch.send("s"), lambda ch: ch.reserve().__aenter__()):
            ch = ac.Chan(1)
            ch.send_nowait("a")
            (task,) = await asleep(sleeper(ch))
            ch._held.clear()
            with broken("C3"):
                ch._check()
            ch._held.append("a")
            ch._check()
            await dismiss(task)

    run(main)


@can_be_broken
def test_check_finds_who_was_not_told_of_the_close(run):
    async def main():
        for sleeper in (lambda ch: ch.send("s"), lambda ch: ch.recv()):
            ch = ac.Chan(0)
            (task,) = await asleep(sleeper(ch))
            ch._closed = True
            with broken("C4"):
                ch._check()
            ch._closed = False
            ch._check()
            await dismiss(task)

    run(main)


@can_be_broken
def test_check_finds_partners_asleep_side_by_side(run):
    async def main():
        ch, other = ac.Chan(0), ac.Chan(0)
        receiver, sender = await asleep(ch.recv(), other.send("s"))
        ch._sendq = other._sendq
        with broken("C5"):
            ch._check()
        ch._sendq = None
        await dismiss(receiver, sender)
        (both,) = await asleep(ac.select(ac.send(ch, "s"), ac.recv(ch)))
        ch._check()
        await dismiss(both)

    run(main)


@can_be_broken
def test_check_finds_what_a_dropping_channel_never_has(run):
    async def main():
        ch, other = ac.Chan(1, overflow="drop_oldest"), ac.Chan(0)
        ch._held.extend("ab")
        with broken("C6"):
            ch._check()
        ch._held.clear()
        (sender,) = await asleep(other.send("s"))
        ch.send_nowait("a")
        ch._sendq = other._sendq
        with broken("C6"):
            ch._check()
        await dismiss(sender)
        newest = ac.Chan(1, overflow="drop_newest")
        newest._held.extend("ab")  # can happen: the receiver that was promised one of them was cancelled
        newest._check()

    run(main)


@can_be_broken
def test_check_finds_tombstones_that_were_not_counted(run):
    async def main():
        ch, queue = ac.Chan(), core.WaitQueue()
        tasks = await asleep(ch.recv(), queue.park())
        for thing, line in ((ch, ch._recvq), (queue, queue._line)):
            line.dead += 1
            with broken("W2"):
                thing._check()
            line.dead -= 1
            thing._check()
        await dismiss(*tasks)

    run(main)


def test_check_says_which_channel_it_was():
    ch = ac.Chan(1, name="jobs")
    ch._check()
    if PYTHON:
        ch._granted = 1
        with pytest.raises(AssertionError, match="jobs"):
            ch._check()
