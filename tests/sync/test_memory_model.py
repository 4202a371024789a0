"""What happens before what (CH17, E25): each sentence of docs/guide/memory_model.md, in every schedule.

A guarantee says that one thing happens before another. So each is a program that notes the first thing ahead of one
operation and the second behind the other; in no order, with two cancellations anywhere, may the second come alone.

A search that finds nothing may be blind. So each program has a twin, which lacks just that on which the guarantee
rests (one place more in the channel, nobody who waits): there the search has to find an order in which the second
thing comes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing import explore
from tests.schedules.orders import every_order


class Notes:
    """What has happened by now."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def first(self, what: str) -> None:
        """Note something that others rely on."""
        self.made.append(what)

    def then(self, what: str, after: list[str]) -> None:
        """Note something that must not come before any of these."""
        missing = [name for name in after if name not in self.made]
        assert not missing, f"{what!r} came before {missing}: {self.made}"
        self.made.append("then " + what)


Program = Callable[[Any, Notes, bool], None]
PROGRAMS: list[Program] = []


def guarantee(program: Program) -> Program:
    """List a program. Its last argument tells whether it has what the guarantee rests on."""
    PROGRAMS.append(program)
    return program


# -- tasks


@guarantee
def what_comes_before_go_comes_before_the_task_begins(run, notes, holds):
    async def body():
        notes.then("begun", after=["written"])

    async def starter():
        if holds:
            notes.first("written")
        task = ac.go(body)
        await asyncio.sleep(0)
        if not holds:
            notes.first("written")
        await asyncio.wait([task])

    run.spawn(starter)


@guarantee
def what_a_task_does_comes_before_whoever_waits_for_its_end(run, notes, holds):
    """And its end alone says nothing: that is the twin, and Go's rule of the exit of a goroutine."""

    async def body():
        await asyncio.sleep(0)
        notes.first("written")

    async def starter():
        task = ac.go(body)
        if holds:
            await task
        notes.then("read", after=["written"])

    run.spawn(starter)


# -- channels


@guarantee
def rule_1_the_nth_send_comes_before_the_nth_receive_returns(run, notes, holds):
    ch = ac.Chan[int](1)

    async def sender():
        for n in range(2):
            notes.first(f"written {n}")
            await ch.send(n)

    async def receiver():
        for n in range(2):
            if holds:
                n = await ch.recv()
            notes.then(f"read {n}", after=[f"written {n}"])

    run.spawn(sender, cancel=True)
    run.spawn(receiver, cancel=True)
    run.watch(ch)


@guarantee
def rule_2_the_close_comes_before_a_receive_that_tells_of_it(run, notes, holds):
    """The twin takes a value for the end."""
    ch = ac.Chan[int]()

    async def sender():
        await ch.send(1)
        notes.first("written")
        ch.close()

    async def receiver():
        more = True
        while more:
            _value, more = await ch.recv_ok()
            more &= holds
        notes.then("read", after=["written"])

    run.spawn(sender, cancel=True)
    run.spawn(receiver, cancel=True)
    run.watch(ch)


@guarantee
def rule_2_for_a_signal_the_close_comes_before_the_wait_returns(run, notes, holds):
    signal = ac.Signal()

    async def teller():
        notes.first("written")
        signal.close()

    async def waiter():
        if holds:
            await signal.wait()
        notes.then("read", after=["written"])

    run.spawn(teller)
    run.spawn(waiter, cancel=True)
    run.spawn(waiter, cancel=True)


@guarantee
def rule_3_at_a_rendezvous_the_nth_receive_begins_before_the_nth_send_returns(run, notes, holds):
    """The twin has a place in the channel."""
    ch = ac.Chan[int](0 if holds else 1)

    async def sender():
        for n in range(2):
            await ch.send(n)
            notes.then(f"sent {n}", after=[f"wanted {n}"])

    async def receiver():
        for n in range(2):
            notes.first(f"wanted {n}")
            await ch.recv()

    run.spawn(sender, cancel=True)
    run.spawn(receiver, cancel=True)
    run.watch(ch)


@guarantee
def rule_4_the_kth_receive_comes_before_the_send_that_is_as_many_later_as_there_are_places(run, notes, holds):
    """The twin has one place more."""
    places = 2
    ch = ac.Chan[int](places if holds else places + 1)

    async def sender():
        for n in range(places + 2):
            await ch.send(n)
            notes.then(f"sent {n}", after=[f"wanted {k}" for k in range(n - places + 1)])

    async def receiver():
        for k in range(2):
            notes.first(f"wanted {k}")
            await ch.recv()

    run.spawn(sender, cancel=True)
    run.spawn(receiver, cancel=True)
    run.watch(ch)


@guarantee
def rule_4_makes_a_channel_a_semaphore(run, notes, holds):
    """Of two places, the third to come in has one that somebody has left; the twin has three."""
    ch = ac.Chan[None](2 if holds else 3)
    came, left = [], []

    async def work(name):
        await ch.send(None)
        notes.then(f"{name} is in", after=[f"{len(came) - 2} left"] if len(came) >= 2 else [])
        came.append(name)
        try:
            await asyncio.sleep(0)
        finally:
            notes.first(f"{len(left)} left")
            left.append(name)
            ch.recv_nowait()

    for name in "abc":
        run.spawn(work, name, name=name, cancel=True)
    run.watch(ch)


# -- locks


class Turns:
    """Who is in, and what has to be noted before the next may be."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.all: list[str] = []

    async def inside(self, name: str, after: list[str]) -> None:
        """Be in, after these have left; over a turn of the loop."""
        self.notes.then(f"{name} is in", after=[f"{other} is out" for other in after])
        self.all.append(name)
        try:
            await asyncio.sleep(0)
        finally:
            self.notes.first(f"{name} is out")


@guarantee
def the_nth_unlock_comes_before_the_next_lock_returns(run, notes, holds):
    lock, turns = ac.Mutex(), Turns(notes)

    async def work(name):
        async with lock if holds else nullcontext():
            await turns.inside(name, after=turns.all)

    for name in "abc":
        run.spawn(work, name, name=name, cancel=True)
    run.watch(lock)


@guarantee
def the_nth_unlock_comes_before_a_try_lock_that_succeeds(run, notes, holds):
    """And one that does not says nothing: the twin goes on all the same."""
    lock, turns = ac.Mutex(), Turns(notes)

    async def work():
        async with lock:
            await turns.inside("worker", after=turns.all)

    async def try_it():
        if lock.try_lock():
            await turns.inside("lucky one", after=turns.all)
            lock.unlock()
        elif not holds:
            await turns.inside("unlucky one", after=turns.all)

    run.spawn(work, cancel=True)
    run.spawn(try_it)
    run.watch(lock)


@guarantee
def a_writers_unlock_comes_before_the_locks_of_readers_and_theirs_before_the_next_writers(run, notes, holds):
    """The twin writes under the lock of a reader."""
    lock, turns, writers = ac.RWMutex(), Turns(notes), []

    async def write(name):
        async with lock.writing() if holds else lock.reading():
            writers.append(name)
            await turns.inside(name, after=turns.all)

    async def read(name):
        async with lock.reading():
            await turns.inside(name, after=writers)

    run.spawn(write, "writer", name="writer", cancel=True)
    run.spawn(read, "first reader", name="first reader", cancel=True)
    run.spawn(read, "second reader", name="second reader", cancel=True)
    run.watch(lock)


@guarantee
def a_release_comes_before_the_acquire_that_needs_it(run, notes, holds):
    """Of two places, the third to come in has one that somebody has left; the twin has three."""
    semaphore = ac.Semaphore(2 if holds else 3)
    came, left = [], []

    async def work(name):
        async with semaphore:
            notes.then(f"{name} is in", after=[f"{len(came) - 2} left"] if len(came) >= 2 else [])
            came.append(name)
            try:
                await asyncio.sleep(0)
            finally:
                notes.first(f"{len(left)} left")
                left.append(name)

    for name in "abc":
        run.spawn(work, name, name=name, cancel=True)
    run.watch(semaphore)


# -- and the rest


@guarantee
def what_is_done_comes_before_the_wait_for_it_returns(run, notes, holds):
    """The twin counts one of the two."""
    group = ac.WaitGroup()
    group.add(2 if holds else 1)

    async def work(name, counts):
        notes.first(name)
        if counts:
            group.done()

    async def wait():
        await group.wait()
        notes.then("gone on", after=["a", "b"])

    run.spawn(work, "a", True, name="a")
    run.spawn(work, "b", holds, name="b")
    run.spawn(wait, cancel=True)
    run.spawn(wait, cancel=True)
    run.watch(group)


@guarantee
def the_one_call_comes_before_any_do_returns(run, notes, holds):
    """The twin asks whether the call has begun, as many do."""
    once, begun = ac.Once(), []

    async def fill():
        await asyncio.sleep(0)
        notes.first("filled")

    async def use(name):
        if holds:
            await once.do(fill)
        elif not begun:
            begun.append(name)
            await fill()
        notes.then(f"{name} has used it", after=["filled"])

    for name in "ab":
        run.spawn(use, name, name=name, cancel=True)
    run.watch(once)


@guarantee
def the_signal_comes_before_the_wait_that_it_ends(run, notes, holds):
    cond = ac.Cond()

    async def tell():
        async with cond:
            notes.first("written")
            cond.signal()

    async def wait():
        async with cond:
            if holds:
                await cond.wait()
            notes.then("read", after=["written"])

    run.spawn(tell, cancel=True)
    run.spawn(wait, cancel=True)
    run.spawn(wait, cancel=True)
    run.watch(cond)


@guarantee
def all_arrivals_come_before_anybody_leaves_a_barrier(run, notes, holds):
    """The twin waits for two of the three."""
    barrier = ac.CyclicBarrier(3 if holds else 2)

    async def meet(name):
        notes.first(f"{name} has come")
        with suppress(ac.BrokenBarrier):
            await barrier.wait()
            notes.then(f"{name} has left", after=["a has come", "b has come", "c has come"])

    for name in "abc":
        run.spawn(meet, name, name=name, cancel=True)
    run.watch(barrier)


@guarantee
def a_set_comes_before_what_it_changes_is_told(run, notes, holds):
    watch = ac.Watch("old")

    async def write():
        notes.first("written")
        watch.set("new")

    async def read():
        if holds:
            await watch.changed()
        notes.then("read", after=["written"])

    run.spawn(write)
    run.spawn(read, cancel=True)
    run.spawn(read, cancel=True)
    run.watch(watch)


@every_order
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_it_holds_in_every_order(program, order, cancels):
    seen: set[str] = set()

    def scenario(run: Any) -> None:
        notes = Notes()
        program(run, notes, True)
        run.at_end(lambda: seen.update(notes.made))

    assert explore(scenario, order=order, cancels=cancels).check().complete
    assert any(what.startswith("then") for what in seen), "there was nothing that could fail"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_without_what_it_rests_on_there_is_an_order_in_which_it_does_not_hold(program):
    failure = explore(lambda run: program(run, Notes(), False)).failure
    assert failure is not None, "the search is blind"
    assert "came before" in failure.reason
