"""Finalisers that run in the middle of our own steps, at every point where the interpreter lets them.

A `Storm` is garbage in a circle whose finaliser does something to the channels and leaves new garbage of its kind. With
the collector set to run as often as it can, that happens between any two steps of the core. Nobody can say what such a
program means in detail, but it must leave the channels in order: nothing lost or doubled, nobody asleep beside what he
waits for, every wake-up delivered.
"""

import asyncio
import contextlib
import gc
import random
from collections import Counter

import pytest

import aiochan as ac
from tests.conformance.kit import Ends, Kind, begin, check, go, settle

KINDS = [Kind(0), Kind(1), Kind(4), Kind(2, "drop_oldest"), Kind(1, "drop_newest")]
MOST = 300  # actions of one storm


class Storm:
    """Does something every time the garbage collector runs."""

    def __init__(self, chans, seed, actions):
        self.chans, self.random, self.actions = chans, random.Random(seed), actions
        self.done = 0
        self.failed = []
        self.sent, self.received = [], []

    def begin(self):
        Gust(self)

    def blow(self):
        self.done += 1
        action = self.random.choice(self.actions)
        chan = self.random.choice(self.chans)
        try:
            action(self, chan)
        except (ac.WouldBlock, ac.ChannelClosed):
            pass
        except BaseException as error:
            self.failed.append(error)

    def send(self, chan):
        value = ("storm", len(self.sent))
        chan.send_nowait(value)
        self.sent.append(value)

    def receive(self, chan):
        self.received.append(chan.recv_nowait())

    def select(self, chan):
        other, value = self.random.choice(self.chans), ("storm", len(self.sent))
        index, received = ac.select_nowait(ac.recv(chan), ac.send(other, value))
        if index == 0:
            self.received.append(received)
        else:
            self.sent.append(value)

    def cancel(self, chan):
        parked = [place.owner for line in chan._snapshot()[-3:] for place in line if place.owner is not None]
        if parked:
            self.random.choice(parked).cancel()

    def close(self, chan):
        if self.random.random() < 0.1:
            chan.close()


class Gust:
    """One finaliser, in a circle."""

    def __init__(self, storm):
        self.storm, self.circle = storm, self

    def __del__(self):
        if self.storm.done < MOST:
            self.storm.blow()
            Gust(self.storm)


@contextlib.contextmanager
def blowing(storm):
    """Let it blow at every allocation, or between any two calls, whatever the interpreter does."""
    old = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        storm.begin()
        yield
    finally:
        gc.set_threshold(*old)
        storm.done = MOST
        gc.collect()


MEDDLING = [Storm.send, Storm.receive, Storm.select, Storm.cancel]
CLOSING = [Storm.send, Storm.receive, Storm.select, Storm.close]


@pytest.mark.parametrize("actions", [MEDDLING, CLOSING], ids=["meddling", "closing"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_whatever_finalisers_do_meanwhile_everything_stays_in_order(run, kind, actions):
    for seed in range(5):
        run(main, kind, seed, actions)


@pytest.mark.exhaustive
@pytest.mark.parametrize("actions", [MEDDLING, CLOSING], ids=["meddling", "closing"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_whatever_finalisers_do_meanwhile_in_many_storms(run, kind, actions):
    for seed in range(5, 150):
        run(main, kind, seed, actions)


def test_taking_back_is_not_disturbed_by_what_is_taken_and_sent_meanwhile(run):
    """The senders were let in and cancelled in one turn: each looks for its value among those of the others."""

    async def scenario(seed):
        ch = Ends(Kind(8))
        ch.fill()
        senders = [begin(ch.tx.send(("sender", i))) for i in range(16)]
        ch.drain()
        storm = Storm([ch.chan], seed, [Storm.send, Storm.receive, Storm.receive])
        with blowing(storm):
            for sender in reversed(senders):
                sender.close()
        check()
        assert storm.failed == []
        left = ch.drain()
        assert [value for value in left if value[0] == "sender"] == []
        assert sorted(value for value in storm.received + left if value[0] == "storm") == sorted(storm.sent)

    for seed in range(20):
        run(scenario, seed)


def test_sweeping_a_line_is_not_disturbed_by_who_leaves_and_is_served_meanwhile(run):
    """Many selects leave one after the other, so that the line is swept again and again."""

    async def scenario(seed):
        ch, other = Ends(Kind(0)), Ends(Kind(0))
        tasks = [go(ac.select(ac.recv(ch.rx), ac.recv(other.rx))) for _ in range(60)]
        await settle()
        storm = Storm([ch.chan, other.chan], seed, [Storm.send, Storm.cancel, Storm.cancel])
        with blowing(storm):
            for task in tasks[10:50]:
                task.cancel()
        check()
        assert storm.failed == []
        await settle()
        left = [task for task in tasks if not task.done()]
        assert ch.parked == other.parked == (0, len(left))
        received = [task.result()[1] for task in tasks if task.done() and not task.cancelled()]
        assert sorted(received + ch.drain() + other.drain()) == sorted(storm.sent)
        for task in left:
            task.cancel()
        await settle()

    for seed in range(20):
        run(scenario, seed)


async def main(kind, seed, actions):
    ends = [Ends(kind) for _ in range(3)]
    chans = [end.chan for end in ends]
    storm = Storm(chans, seed, actions)
    sent, received, unsure, tasks = [], [], [], []
    with blowing(storm):
        for i in range(4):
            tasks.append(go(produce(chans, i, sent, unsure)))
            tasks.append(go(consume(chans, i, received)))
        for _ in range(40):
            await asyncio.sleep(0)  # one turn of the loop; nobody could tell here who is at rest
    assert storm.done == MOST
    assert storm.failed == []
    await come_to_rest(chans, tasks, received)
    check_accounts(chans, sent + storm.sent, unsure, received + storm.received)


async def produce(chans, who, sent, unsure):
    """Send in every way; a cancelled sender cannot know whether its value was taken."""
    for i in range(12):
        value, chan, other = (who, i), chans[(who + i) % 3], chans[(who + i + 1) % 3]
        try:
            if i % 3 == 0:
                await ac.select(ac.send(chan, value), ac.send(other, value))
            elif i % 3 == 1 or chan.capacity == 0 or "drop" in repr(chan):
                await chan.send(value)
            else:
                async with chan.reserve() as place:
                    place.send(value)
            sent.append(value)
        except (asyncio.CancelledError, ac.ChannelClosed):
            unsure.append(value)


async def consume(chans, who, received):
    for i in range(15):
        with contextlib.suppress(asyncio.CancelledError, ac.ChannelClosed):
            if i % 3 == 0:
                received.append(await chans[(who + i) % 3].recv())
            elif i % 3 == 1:
                received.append((await ac.select(*map(ac.recv, chans)))[1])
            else:
                value, ok = await chans[who % 3].recv_ok()
                if ok:
                    received.append(value)


async def come_to_rest(chans, tasks, received):
    """Let everybody finish, cancelled if need be, and receive what is left."""
    await settle()
    while any(not task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await settle()
    assert [task.exception() for task in tasks] == [None] * len(tasks)
    for chan in chans:
        if not chan.closed:
            chan.close()
        with contextlib.suppress(ac.ChannelClosed):
            while True:
                received.append(chan.recv_nowait())
    check()


def check_accounts(chans, sent, unsure, received):
    dropped = sum(chan.stats().dropped for chan in chans)
    assert all(count == 1 for count in Counter(received).values()), "doubled"
    assert set(received) - set(sent) <= set(unsure), "out of nowhere"
    assert len(set(sent) - set(received)) <= dropped, "lost"
    assert sum(chan.stats().received for chan in chans) == len(received)
