"""Every point of the core at which a task can sleep, as data: the tests of the cancellation protocol try them all."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.stage import parked


@dataclass
class Wait:
    """A fresh object, or several, and an operation on it that has to wait.

    Attributes:
        operation: Makes the coroutine.
        answer: Gives the sleeping operation what it waits for, from a callback.
        things: What it sleeps on.
    """

    operation: Callable[[], Coroutine[Any, Any, Any]]
    answer: Callable[[], object]
    things: tuple[Any, ...]

    def asleep(self):
        return parked(*self.things)


def full(capacity=1):
    ch = ac.Chan(capacity, name="full")
    for number in range(capacity):
        ch.send_nowait(f"old {number}")
    return ch


def _recv():
    ch = ac.Chan()
    return Wait(ch.recv, lambda: ch.send_nowait("new"), (ch,))


def _recv_ok():
    ch = ac.Chan(2)
    return Wait(ch.recv_ok, lambda: ch.send_nowait("new"), (ch,))


def _anext():
    ch = ac.Chan()
    return Wait(ch.__anext__, lambda: ch.send_nowait("new"), (ch,))


def _send_by_hand():
    ch = ac.Chan()
    return Wait(lambda: ch.send("mine"), ch.recv_nowait, (ch,))


def _send_to_ring():
    ch = full()
    return Wait(lambda: ch.send("mine"), ch.recv_nowait, (ch,))


def _reserve():
    ch = full()

    async def take_and_return():
        async with ch.reserve():
            pass

    return Wait(take_and_return, ch.recv_nowait, (ch,))


def _select_one():
    ch = ac.Chan()
    return Wait(lambda: ac.select(ac.recv(ch)), lambda: ch.send_nowait("new"), (ch,))


def _select_recv():
    ch, other, ring = ac.Chan(), ac.Chan(), full()
    return Wait(
        lambda: ac.select(ac.recv(other), ac.recv(ch), ac.send(ring, "mine")),
        lambda: ch.send_nowait("new"),
        (ch, other, ring),
    )


def _select_send():
    ch, other = full(), ac.Chan()
    return Wait(lambda: ac.select(ac.recv_ok(other), ac.send(ch, "mine")), ch.recv_nowait, (ch, other))


def _select_both_sides():
    ch = ac.Chan()
    return Wait(lambda: ac.select(ac.recv(ch), ac.send(ch, "mine")), ch.recv_nowait, (ch,))


def _select_loop():
    ch, other = ac.Chan(1), ac.Chan(1)
    rounds = ac.select_loop(ac.recv(other), ac.recv(ch))
    return Wait(rounds.__anext__, lambda: ch.send_nowait("new"), (ch, other))


def _park():
    queue = WaitQueue()
    return Wait(queue.park, queue.wake, (queue,))


def _signal():
    signal = ac.Signal()
    return Wait(signal.wait, signal.close, (signal,))


def _signal_in_select():
    signal, ch = ac.Signal(), ac.Chan()
    return Wait(lambda: ac.select(ac.recv(ch), ac.recv(signal)), signal.close, (signal, ch))


WAITS = {
    "recv": _recv,
    "recv_ok": _recv_ok,
    "async for": _anext,
    "send by hand": _send_by_hand,
    "send to a ring": _send_to_ring,
    "reserve": _reserve,
    "select, one case": _select_one,
    "select, recv": _select_recv,
    "select, send": _select_send,
    "select, both sides": _select_both_sides,
    "select_loop": _select_loop,
    "park": _park,
    "signal": _signal,
    "signal in select": _signal_in_select,
}
every_wait = pytest.mark.parametrize("make", WAITS.values(), ids=WAITS.keys())
