"""Go's table of what blocks and what panics: test/chan/select3.go.

What "always blocks" there for a tenth of a second is cranked here, until it sleeps on its channels: nobody else has a
hold of these. What panics there raises `ChannelClosed` here; a receive from a closed channel, which there gives a zero,
does so too, and `recv_ok` is the one that answers. Go's nil channel is `never()`, and None in a case.
"""

import pytest

import aiochan as ac
from tests.conformance.kit import outcome
from tests.go.kit import make

CLOSED = ac.ChannelClosed
WAITS = "waits"


def ready():
    """Make an asynchronous channel with a value in it."""
    ch = make(1)
    ch.send_nowait(7)
    return ch


def closed():
    ch = make()
    ch.close()
    return ch


async def ten_times(operation):
    answers = {await operation() for _ in range(10)}
    return answers.pop() if len(answers) == 1 else answers


def itself():
    ch = make()
    return ac.select(ac.send(ch, 1), ac.recv(ch))


BLOCKING = {
    "receive from nil": (lambda: ac.never().recv(), WAITS),
    "send with room": (lambda: make(1).send(7), None),
    "receive from closed, ten times": (lambda: ten_times(closed().recv_ok), (None, False)),
    "receive a value from closed": (lambda: closed().recv(), CLOSED),
    "send to closed": (lambda: closed().send(7), CLOSED),
    "receive from a channel that is not ready": (lambda: make().recv(), WAITS),
    "send to a channel that is not ready": (lambda: make().send(7), WAITS),
    "select of nothing": (ac.select, WAITS),
    "select: receive from nil": (lambda: ac.select(ac.recv(None)), WAITS),
    "select: send to nil": (lambda: ac.select(ac.send(None, 7)), WAITS),
    "select: both on nil": (lambda: ac.select(ac.recv(None), ac.send(None, 7)), WAITS),
    "select: receive from never()": (lambda: ac.select(ac.recv(ac.never())), WAITS),
    "select: receive, not ready": (lambda: ac.select(ac.recv(make())), WAITS),
    "select: send, ready": (lambda: ac.select(ac.send(make(1), 7)), (0, None)),
    "select: receive, ready": (lambda: ac.select(ac.recv(ready())), (0, 7)),
    "select: receive from closed": (lambda: ac.select(ac.recv(closed())), CLOSED),
    "select: receive and hear of closed": (lambda: ac.select(ac.recv_ok(closed())), (0, (None, False))),
    "select: send to closed": (lambda: ac.select(ac.send(closed(), 7)), CLOSED),
    "select: sees itself": (itself, WAITS),
}


@pytest.mark.parametrize("name", BLOCKING)
def test_what_blocks(run, name):
    """test/chan/select3.go: testBlock(always, ...), testBlock(never, ...), testPanic(always, ...)."""
    operation, expected = BLOCKING[name]

    async def main():
        assert outcome(operation()) == expected

    run(main)


WITH_DEFAULT = {
    "nothing": (list, ac.WouldBlock),
    "receive from nil": (lambda: [ac.recv(None)], ac.WouldBlock),
    "send to nil": (lambda: [ac.send(None, 7)], ac.WouldBlock),
    "receive from never()": (lambda: [ac.recv(ac.never())], ac.WouldBlock),
    "receive, not ready": (lambda: [ac.recv(make())], ac.WouldBlock),
    "send, ready": (lambda: [ac.send(make(1), 7)], (0, None)),
    "receive, ready": (lambda: [ac.recv(ready())], (0, 7)),
    "send to closed": (lambda: [ac.send(closed(), 7)], CLOSED),
    "sees itself": (lambda: [ac.recv(ch := make()), ac.send(ch, 1)], ac.WouldBlock),
}


@pytest.mark.parametrize("name", WITH_DEFAULT)
def test_what_a_default_makes_of_it(run, name):
    """test/chan/select3.go: the same with a default case, which here is `select_nowait`."""
    cases, expected = WITH_DEFAULT[name]

    async def main():
        try:
            answer = ac.select_nowait(*cases())
        except (ac.WouldBlock, ac.ChannelClosed) as error:
            answer = type(error)
        assert answer == expected

    run(main)
