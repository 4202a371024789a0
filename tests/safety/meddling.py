"""Somebody who is called in the middle of an operation, and uses the same channels.

Whatever can run Python code in there calls a `Meddler`: the loop's `call_soon`, an observer, a value that is dropped,
dice, or a finaliser at any allocation. Each time it does one thing, drawn at random, after it has seen that every
channel is in order at that very moment: so the invariants are looked at from inside.
"""

from __future__ import annotations

import contextlib
import gc
import random

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, Value, World

MOST = 60  # things done in one scenario
DEEPEST = 3
EXPLAINED = (ac.AiochanError, ValueError, TypeError, StopAsyncIteration)  # others were quicker


class Meddler:
    """Does something to the channels of a world whenever it is called."""

    def __init__(self, world, seed):
        self.world = world
        self.random = random.Random(seed)
        self.depth = self.done = 0
        self.failed = []
        self.resting = True

    def __call__(self, *_):
        if self.resting or self.depth == DEEPEST or self.done == MOST or not self.world.chans:
            return
        self.depth += 1
        self.done += 1
        try:
            self.look()
            action = self.random.choice(ACTIONS)
            action(self.world, self.random.choice(self.world.chans), self.random)
            self.look()
        except BaseException as error:
            self.failed.append(error)
        finally:
            self.depth -= 1

    def look(self):
        """See that all is in order, but for those who are being told or let in at this moment, one after the other."""
        for ch in self.world.chans:
            try:
                ch._check()
            except AssertionError as error:
                if str(error)[:2] not in ("C3", "C4"):
                    raise


def send(world, ch, _):
    world.now_send(ch).step()


def receive(world, ch, _):
    world.now_recv(ch).step()


def park(world, ch, dice):
    dice.choice([world.recv, world.send])(ch).step()


def choose(world, ch, dice):
    value = world.value()
    world.call_with({1: value}, ac.select_nowait, ac.recv(ch), ac.send(dice.choice(world.chans), value)).step()


def park_a_select(world, ch, dice):
    value = world.value()
    other = dice.choice(world.chans)
    world.waiting(ac.select(ac.recv(ch), ac.send(other, value), ac.recv(other)), {1: value}).step()


def end(world, _, dice):
    asleep = [actor for actor in world.actors if actor.state == "asleep"]
    if asleep:
        world.ending(dice.choice(asleep), dice.choice(["cancel", "throw", "close"])).step()


def close(world, ch, dice):
    if dice.random() < 0.2:
        world.call(ch.close).step()


def look(world, ch, _):
    assert str(len(ch)) in repr(ch)
    assert ch.stats().dropped == ch._snapshot().dropped
    for actor in world.actors:
        if actor.state == "asleep":
            repr(actor.asleep_on)


def collect(world, ch, _):
    gc.collect()


ACTIONS = [send, send, receive, receive, park, choose, park_a_select, end, end, close, look, collect]


# -- who calls it


class Talkative(Value):
    """A value that meddles when it is dropped."""

    meddle = None

    def __del__(self):
        self.meddle()


@contextlib.contextmanager
def by_call_soon(world, meddle):
    world.loop.always = meddle
    yield


@contextlib.contextmanager
def by_an_observer(world, meddle):
    class Observer:
        parked = woken = left = closed = staticmethod(meddle)

    old = core.hooks.install(Observer())
    try:
        yield
    finally:
        core.hooks.install(old)


@contextlib.contextmanager
def by_dropped_values(world, meddle):
    world.make = type("Talkative", (Talkative,), {"meddle": meddle})
    yield


@contextlib.contextmanager
def by_dice(world, meddle):
    def dice(n):
        meddle()
        return world.values % n

    old = core.set_dice(dice)
    try:
        yield
    finally:
        core.set_dice(old)


@contextlib.contextmanager
def by_finalisers(world, meddle):
    """At any allocation of a collected object (3.11), or between any two instructions and calls (3.12 and later)."""

    class Gust:
        def __init__(self):
            self.circle = self

        def __del__(self):
            if not over:
                meddle()
                Gust()

    over = []
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    Gust()
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        over.append(True)
        gc.collect()


WAYS = [by_call_soon, by_an_observer, by_dropped_values, by_dice, by_finalisers]


def meddled(scenario, way, seed):
    """Play a scenario while somebody meddles; returns how often he did.

    Raises:
        AssertionError: Something was not in order.
    """
    loop = HandLoop()
    with loop.running():
        world = World(loop)
        world.strict = False
        meddle = Meddler(world, seed)
        with way(world, meddle):
            for actor in scenario(world):
                meddle.resting = False
                actor.step()
                loop.run()
                meddle.resting = True
                world.check()
        world.come_to_rest()
        if meddle.failed:
            raise meddle.failed[0]
        world.check_accounts(lambda error: isinstance(error, EXPLAINED))
    return meddle.done
