"""Signals of the operating system, as a channel."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiochan as ac


@contextmanager
def listening(*wanted: signal.Signals) -> Iterator[ac.RecvChan[signal.Signals]]:
    """Receive these signals instead of being ended by them. Enter it in the main thread, inside a coroutine.

    The channel has room for one of each: nobody may be listening at the moment in which a signal comes, and it must not
    be lost. (`os/signal` of Go asks for the same; a channel without room is the classical mistake.)
    """
    loop = asyncio.get_running_loop()
    told = ac.Chan[signal.Signals](len(wanted), name="signals", overflow="drop_newest")

    def tell(number: signal.Signals) -> None:
        with suppress(ac.ChannelClosed):  # it came too late for us
            told.send_nowait(number)

    before = {
        number: signal.signal(number, lambda number, _frame: loop.call_soon_threadsafe(tell, signal.Signals(number)))
        for number in wanted
    }
    try:
        yield told.receiver
    finally:
        told.close()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed_by(*unwanted: signal.Signals) -> Iterator[None]:
    """Ignore these signals but for where somebody is `listening`: one more could tear the loop while it is closed."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in unwanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
