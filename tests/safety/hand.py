"""A loop and tasks that do nearly nothing, so that what goes wrong in them is of the core.

Asyncio's own loop and tasks break in places of their own when memory runs out, and they decide when things happen. Here
a test calls every step itself. An `Actor` does one operation, and knows in the end what became of its values.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

import aiochan as ac
from aiochan import core


class HandLoop(asyncio.AbstractEventLoop):
    """Callbacks wait until `run` is called. `always` is called in the middle of `call_soon`, `hook` the next time."""

    def __init__(self):
        self.ready = []
        self.closed = False
        self.hook = self.always = None

    def get_debug(self):
        return False

    def is_closed(self):
        return self.closed

    def call_soon(self, callback, *args, context=None):
        if self.hook is not None:
            hook, self.hook = self.hook, None
            hook()
        if self.always is not None:
            self.always()
        self.ready.append((callback, args))
        return self

    def run(self):
        while self.ready:
            handle = self.ready[0]
            del self.ready[0]  # unlike `popleft` nothing that could fail when it is out
            handle[0](*handle[1])

    @contextlib.contextmanager
    def running(self) -> Iterator[HandLoop]:
        asyncio._set_running_loop(self)
        core.set_budget()  # nobody has done anything in this turn
        try:
            yield self
        finally:
            asyncio._set_running_loop(None)


class Value:
    """What is sent: nothing equals it but itself."""

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return f"v{self.number}"


PENDING = object()


async def _into(actor, operation):
    actor.answer = await operation


class Actor:
    """Does one operation as a task does it. `sends` says what it sends, by the index of the case or None.

    Of what was sent only the number is kept, so that a value goes when the channel lets it go.

    No step of its own needs memory: what fails for want of it is the operation.
    """

    __slots__ = ("answer", "asleep_on", "coroutine", "deferred", "error", "expected", "loop", "sends", "state")

    def __init__(self, loop, operation, sends=None, expected=()):
        self.loop = loop
        self.expected = expected
        self.deferred = False
        self.asleep_on = None
        self.coroutine = _into(self, operation)
        self.sends = _numbers_of(sends)
        self.answer, self.error = PENDING, None
        self.state = "fresh"

    def step(self, _finished=None):
        """Run until it sleeps or ends."""
        self.state = "running"
        try:
            self.asleep_on = self.coroutine.send(None)
            if self.asleep_on is None:
                self.state = "drawing breath"
                self.loop.call_soon(self.step)
            else:
                self.asleep_on.add_done_callback(self.wake)
                self.state = "asleep"
        except StopIteration:
            self.state = "done"
        except BaseException as error:  # it may be that only our own StopIteration found no memory
            self.keep(error)
            self.state = "failed" if self.answer is PENDING else "done"

    def keep(self, error):
        """Remember it. The interpreter has few MemoryErrors in reserve: none may stay in a circle by its traceback."""
        self.error = error
        if isinstance(error, MemoryError):
            error.__traceback__ = None

    def wake(self, finished):
        """What its operation calls; who is deferred is not resumed at once."""
        if not self.deferred and self.state == "asleep":
            self.step()

    def throw(self, error):
        """End its operation as the cancellation of a task does that does not wait any more.

        Not the coroutine: in 3.11 it does not survive that when there is no memory.
        """
        if self.state != "asleep":
            return
        self.state = "running"
        try:
            self.asleep_on.throw(error)
        except BaseException as error:
            self.keep(error)
            self.state = "failed"

    def cancel(self):
        """Cancel it in its sleep; the loop does the rest."""
        if self.state == "asleep":
            self.asleep_on.cancel()

    def close(self):
        if self.state == "asleep":
            self.state = "closed"
            self.asleep_on.close()

    def bury(self):
        """Let the coroutine hear of what happened to its operation."""
        if self.state in ("failed", "closed", "done"):
            self.coroutine.close()

    def sent(self):
        """What it has sent for certain, if its operation was a send, or chose one."""
        if self.state != "done" or not self.sends:
            return None
        return self.sends.get(None if None in self.sends else self.answer[0])

    def check_error(self, explained):
        """It failed as it should, or because of what was done to it."""
        fine = self.error is None or isinstance(self.error, (*self.expected, asyncio.CancelledError))
        assert fine or explained(self.error), repr(self.error)


class AtOnce(Actor):
    """The same for a call that does not wait."""

    __slots__ = ("args", "call")

    def __init__(self, call, *args, sends=None, expected=()):
        self.call, self.args, self.sends, self.expected = call, args, _numbers_of(sends), expected
        self.answer, self.error = PENDING, None
        self.state = "fresh"

    def step(self, _finished=None):
        try:
            self.answer = self.call(*self.args)
            self.args = ()  # whoever was sent may go
            self.state = "done"
        except BaseException as error:
            self.keep(error)
            self.state = "failed"

    def close(self):
        pass

    bury = close


class World:
    """A loop, channels and actors, and what has to be so in the end."""

    def __init__(self, loop):
        self.loop = loop
        self.chans, self.actors = [], []
        self.values = 0
        self.got = []  # what was received by other ways
        self.strict = True  # nobody meddles
        self.make = Value

    def chan(self, *args, **options):
        self.chans.append(ac.Chan(*args, **options))
        return self.chans[-1]

    def value(self):
        self.values += 1
        return self.make(self.values)

    def full(self, capacity, **options):
        """Make a channel, and fill it."""
        ch = self.chan(capacity, **options)
        for _ in range(capacity):
            self.now_send(ch).step()
        return ch

    def now_send(self, ch):
        value = self.value()
        return self._join(AtOnce(ch.send_nowait, value, sends={None: value}))

    def now_recv(self, ch):
        return self._join(AtOnce(ch.recv_nowait))

    def send(self, ch):
        value = self.value()
        return self._join(Actor(self.loop, ch.send(value), {None: value}))

    def recv(self, ch):
        return self._join(Actor(self.loop, ch.recv()))

    def waiting(self, operation, sends=None, expected=()):
        return self._join(Actor(self.loop, operation, sends, expected))

    def call(self, function, *args):
        return self._join(AtOnce(function, *args))

    def call_with(self, sends, function, *args):
        return self._join(AtOnce(function, *args, sends=sends))

    def expecting(self, error, function, *args):
        return self._join(AtOnce(function, *args, expected=(error,)))

    def running(self):
        return self.call(self.loop.run)

    def ending(self, actor, how):
        """End an actor: "cancel", "throw" or "close"."""
        return self.call(getattr(actor, how), *[asyncio.CancelledError()] * (how == "throw"))

    def asleep(self, actor):
        """Let it go to sleep, which is no part of what is tried."""
        actor.step()
        assert not self.strict or actor.state in ("asleep", "done"), (actor.state, actor.error)
        return actor

    def _join(self, actor):
        self.actors.append(actor)
        return actor

    # -- in the end

    def check(self):
        for ch in self.chans:
            ch._check()

    def poke(self):
        """Wake somebody, by which those are woken too for whom there was no memory."""
        queue = core.WaitQueue()
        operation = queue.park()
        operation.send(None).add_done_callback(id)
        queue.wake()
        self.loop.run()
        operation.close()

    def come_to_rest(self, late=False):
        """Run what is ready; nobody may be asleep then whose sleep is over."""
        for actor in self.actors:
            actor.bury()
        self.loop.run()
        if late:
            self.poke()
        self.check()
        for actor in self.actors:
            awake = actor.state != "asleep" or actor.deferred
            assert awake or not actor.asleep_on.done(), f"nobody woke {actor.asleep_on!r}"

    def drain(self):
        """End everybody, and take what is left."""
        for actor in self.actors:
            actor.close()
            actor.bury()
        self.loop.run()
        self.check()
        left = []
        for ch in self.chans:
            with contextlib.suppress(ac.ChannelClosed, ac.WouldBlock):
                while True:
                    left.append(ch.recv_nowait())
        return left

    def check_accounts(self, explained=lambda error: False):
        """Whatever was sent for certain is received once; what may have been sent at most once."""
        received = Counter(_numbers_in([self.drain(), self.got]))
        certain, unsure = set(), set()
        for actor in self.actors:
            actor.check_error(explained)
            assert not (self.strict and actor.expected and actor.state == "done"), f"not refused: {actor.answer!r}"
            sent = actor.sent()
            if sent is not None:
                certain.add(sent)
            elif actor.state == "done":
                received.update(_numbers_in(actor.answer))
            else:
                unsure.update(actor.sends.values())
        dropped = sum(ch.stats().dropped for ch in self.chans)
        assert all(times == 1 for times in received.values()), f"doubled: {received}"
        assert set(received) <= certain | unsure, f"out of nowhere: {set(received) - certain - unsure}"
        assert len(certain - set(received)) <= dropped, f"lost: {certain - set(received)}"

    def try_again(self):
        """All is as good as new: what is open passes a value on."""
        for ch in self.chans:
            if ch.closed:
                continue
            receiver = self.asleep(self.recv(ch))
            self.now_send(ch).step()
            self.come_to_rest()
            assert receiver.state == "done", receiver.error


def _numbers_of(sends):
    return {case: value.number for case, value in (sends or {}).items()}


def _numbers_in(answer):
    if isinstance(answer, Value):
        yield answer.number
    elif isinstance(answer, tuple | list):
        for part in answer:
            yield from _numbers_in(part)
