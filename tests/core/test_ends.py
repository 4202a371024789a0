"""The one-way views: what they are equal to, what they can do, and that there is no way back."""

import asyncio
import copy
import pickle
import weakref
from unittest import mock

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import asleep, outcome, settle


def test_views_of_one_channel_are_equal():
    ch, other = ac.Chan(), ac.Chan()
    assert ch.sender == ch.sender
    assert ch.receiver == ch.receiver
    assert hash(ch.sender) == hash(ch.sender)
    assert hash(ch.receiver) == hash(ch.receiver)
    assert len({ch.sender, ch.sender, ch.receiver, ch.receiver}) == 2
    assert ch.sender != other.sender
    assert ch.receiver != other.receiver


def test_a_view_is_neither_the_other_view_nor_the_channel():
    ch = ac.Chan()
    assert ch.sender != ch.receiver
    assert ch.sender != ch
    assert ch != ch.receiver
    assert ch.sender != 1
    assert len({ch, ch.sender, ch.receiver}) == 3


def test_channels_are_equal_only_to_themselves():
    ch = ac.Chan(2)
    assert ch == ch
    assert ch != ac.Chan(2)
    assert len({ch, ac.Chan(2)}) == 2


def test_there_is_no_way_back_from_a_view():
    ch = ac.Chan()
    for view, others in ((ch.sender, ("recv", "recv_ok", "recv_nowait")), (ch.receiver, ("send", "send_nowait"))):
        for name in (*others, "sender", "receiver"):
            with pytest.raises(AttributeError):
                getattr(view, name)
        public = [getattr(view, name) for name in dir(view) if not name.startswith("_")]
        assert not any(isinstance(value, ac.Chan) for value in public)


def test_only_the_send_end_can_close_and_reserve():
    ch = ac.Chan(1)
    for name in ("close", "reserve", "__enter__", "__aenter__"):
        assert not hasattr(ch.receiver, name)
        assert hasattr(ch.sender, name)


def test_only_the_receive_end_can_be_iterated():
    ch = ac.Chan(1)
    assert not hasattr(ch.sender, "__aiter__")
    assert aiter(ch.receiver) is not None
    assert aiter(ch) is ch


def test_a_channel_is_both_of_its_ends():
    ch = ac.Chan()
    assert isinstance(ch, ac.SendChan)
    assert isinstance(ch, ac.RecvChan)
    assert isinstance(ch.sender, ac.SendChan)
    assert isinstance(ch.receiver, ac.RecvChan)
    for view, other in ((ch.sender, ac.RecvChan), (ch.receiver, ac.SendChan)):
        assert not isinstance(view, other)
        assert not isinstance(view, ac.Chan)


def test_a_view_keeps_its_channel(run):
    async def main():
        tx = ac.Chan(1).sender
        await tx.send("a")
        assert len(tx) == 1
        with pytest.raises(ac.WouldBlock):
            tx.send_nowait("b")

    run(main)


def test_both_views_work_on_the_same_channel(run):
    async def main():
        ch = ac.Chan(1, name="jobs")
        tx, rx = ch.sender, ch.receiver
        (receiver,) = await asleep(rx.recv())
        tx.send_nowait("a")
        assert outcome(rx.recv()) == "waits"
        await settle()
        assert receiver.result() == "a"
        assert (tx.name, rx.name, tx.capacity, rx.capacity) == ("jobs", "jobs", 1, 1)
        tx.close()
        assert (tx.closed, rx.closed) == (True, True)
        assert outcome(rx.recv()) is ac.ChannelClosed

    run(main)


def test_functions_that_want_one_end_take_the_view_in_a_select(run):
    async def main():
        ch = ac.Chan(1)
        assert await ac.select(ac.send(ch.sender, "a")) == (0, None)
        assert await ac.select(ac.recv(ch.receiver)) == (0, "a")

    run(main)


def test_ends_can_be_written_with_their_type():
    assert isinstance(ac.Chan[int](3), ac.Chan)
    assert ac.Chan[int](3).capacity == 3
    assert ac.RecvChan[int] != ac.RecvChan[str]
    assert ac.SendChan[int].__origin__ is ac.SendChan


@pytest.mark.parametrize(
    "wrong", ["x", None, 3, object(), ac.Chan(), ac.Chan().sender, ac.Signal()], ids=lambda thing: type(thing).__name__
)
@pytest.mark.parametrize("view", [ac.SendChan, ac.RecvChan])
def test_a_view_is_a_view_of_a_channel(view, wrong):
    if type(wrong) is ac.Chan:
        assert view(wrong) == (wrong.sender if view is ac.SendChan else wrong.receiver)
    else:
        with pytest.raises(TypeError) as caught:
            view(wrong)
        assert repr(wrong) in str(caught.value)


PINNED = {
    "channel": ac.Chan(1),
    "send end": ac.Chan(1).sender,
    "receive end": ac.Chan(1).receiver,
    "signal": ac.Signal(),
    "never": ac.never(),
    "place": ac.Chan(1).reserve(),
    "wait queue": core.WaitQueue(),
}


@pytest.mark.parametrize("thing", PINNED.values(), ids=PINNED)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_belongs_to_a_loop_cannot_be_copied(thing, duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled") as caught:
        duplicate(thing)
    assert repr(thing) in str(caught.value)


@pytest.mark.parametrize("name", [name for name in PINNED if name != "place"])
def test_weak_references_can_be_made(name):
    assert weakref.ref(PINNED[name])() is PINNED[name]


@pytest.mark.parametrize("end", [ac.Chan, ac.SendChan, ac.RecvChan, ac.Signal])
def test_what_is_mocked_can_be_awaited(run, end):
    """Methods that pass a coroutine on say that they are coroutine functions; `create_autospec` asks."""

    async def main():
        mocked = mock.create_autospec(end, instance=True)
        for name, arguments in (("send", ["x"]), ("recv", []), ("recv_ok", [])):
            if hasattr(end, name):
                method = getattr(mocked, name)
                method.return_value = "a value"
                assert await method(*arguments) == "a value"
                assert asyncio.iscoroutinefunction(getattr(end, name)), name

    run(main)


def test_a_receive_that_nobody_awaited_is_named_as_people_know_it():
    coro = ac.Chan().recv()
    assert coro.__qualname__ == "Chan.recv"
    coro.close()
