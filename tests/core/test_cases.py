"""The cases of a select: what they are made of, and what is refused."""

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, dismiss, settle

# -- what can stand in a case

ch = ac.Chan(1, name="ch")
RECEIVABLE = {"channel": ch, "view": ch.receiver, "signal": ac.Signal(), "never": ac.never(), "None": None}
SENDABLE = {"channel": ch, "view": ch.sender, "None": None}


@pytest.mark.parametrize("end", RECEIVABLE.values(), ids=RECEIVABLE)
@pytest.mark.parametrize("make", [ac.recv, ac.recv_ok])
def test_whatever_can_be_received_from(make, end):
    with pytest.raises(ac.WouldBlock):
        ac.select_nowait(make(end))


@pytest.mark.parametrize("end", SENDABLE.values(), ids=SENDABLE)
def test_whatever_can_be_sent_to(end):
    if end is None:
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.send(end, "a"))
    else:
        assert ac.select_nowait(ac.send(end, "a")) == (0, None)
        assert ch.recv_nowait() == "a"


def test_a_channel_of_a_class_of_ones_own(run):
    class Mine(ac.Chan):
        pass

    async def main():
        mine = Mine(1)
        assert await ac.select(ac.send(mine, "a")) == (0, None)
        assert await ac.select(ac.recv(mine)) == (0, "a")
        (task,) = await asleep(ac.select(ac.recv_ok(mine)))
        await mine.send("b")
        await settle()
        assert task.result() == (0, ("b", True))

    run(main)


def test_making_a_case_does_nothing():
    ch = ac.Chan(2)
    ch.send_nowait("a")
    before = ch._snapshot()
    made = [ac.recv(ch), ac.recv_ok(ch), ac.send(ch, "b")]
    assert ch._snapshot() == before
    made.clear()
    assert ch._snapshot() == before


def test_a_case_is_made_by_its_functions_only():
    with pytest.raises(TypeError, match=r"recv\(ch\), recv_ok\(ch\) or send\(ch, value\)"):
        ac.Case()


# -- what cannot

WRONG = {
    "string": "x",
    "number": 3,
    "list": [],
    "class": ac.Chan,
    "coroutine function": ac.Chan.recv,
    "case": ac.recv(None),
    "something with a _chan": type("Lookalike", (), {"_chan": ch, "closed": False})(),
}


@pytest.mark.parametrize("wrong", [*WRONG.values(), ch.sender], ids=[*WRONG, "send end"])
@pytest.mark.parametrize("make", [ac.recv, ac.recv_ok])
def test_what_cannot_be_received_from_is_refused_at_once(make, wrong):
    with pytest.raises(TypeError) as caught:
        make(wrong)
    assert str(caught.value).startswith(f"{make.__name__}() takes")
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [*WRONG.values(), ch.receiver, ac.Signal("s"), ac.never()],
    ids=[*WRONG, "receive end", "signal", "never"],
)
def test_what_cannot_be_sent_to_is_refused_at_once(wrong):
    with pytest.raises(TypeError) as caught:
        ac.send(wrong, 1)
    assert str(caught.value).startswith("send() takes")
    assert repr(wrong) in str(caught.value)


# -- arguments of a select that are no case

NO_CASE = {
    "channel": ch,
    "view": ch.receiver,
    "None": None,
    "number": 3,
    "string": "ab",
    "string of three letters": "abc",
    "bytes of three": b"abc",
    "pair": (ch, "recv"),
    "empty tuple": (),
    "list of one case": [ac.recv(None)],
    "list of two cases": [ac.recv(None)] * 2,
    "list of three cases": [ac.recv(None)] * 3,  # select(cases) instead of select(*cases)
    "list of three cases on a channel": [ac.recv(ch)] * 3,
    "tuple of three cases": (ac.recv(None),) * 3,
    "tuple of three cases on a channel": (ac.recv(ch),) * 3,
    "set of three": {1, 2, 3},
    "a dict of three": {1: 1, 2: 2, 3: 3},
}


def refusals(*cases):
    """Each form of select, with these cases. (A biased one looks no further than the first case that is ready.)"""
    yield lambda: ac.select_nowait(*cases)
    yield lambda: ac.select(*cases).send(None)
    yield lambda: ac.select_loop(*cases)
    yield lambda: ac.select_loop(*cases, biased=True)


@pytest.mark.parametrize("wrong", NO_CASE.values(), ids=NO_CASE)
def test_an_argument_that_is_no_case_is_named_with_its_number(wrong):
    for refused in refusals(ac.recv(None), ac.recv(ch), wrong, ac.recv(ch)):
        with pytest.raises(TypeError) as caught:
            refused()
        assert str(caught.value).startswith("case 2 of the select must be recv(ch), recv_ok(ch) or send(ch, value)")
        assert repr(wrong) in str(caught.value)


def test_the_first_of_several_is_named():
    for refused in refusals(ac.recv(ch), 1, 2, 3):
        with pytest.raises(TypeError, match="case 1 of the select"):
            refused()


def test_a_refused_select_has_done_nothing(run):
    async def main():
        full, idle = ac.Chan(1), ac.Chan()
        full.send_nowait("a")
        (task,) = await asleep(idle.recv())
        for refused in refusals(ac.recv(full), ac.send(idle, "b"), "no case"):
            with pytest.raises(TypeError):
                refused()
        assert (len(full), idle.stats().promised) == (1, 0)
        full._check()
        idle._check()
        await dismiss(task)

    run(main)


def test_a_coroutine_in_place_of_a_case_is_refused():
    receiving = ch.recv()
    for refused in refusals(receiving):
        with pytest.raises(TypeError, match="case 0 of the select"):
            refused()
    receiving.close()
