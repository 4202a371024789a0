"""Python code that is called in the middle of an operation and pulls the ground away: one test for each place."""

from __future__ import annotations

import contextlib
import functools
import gc
import warnings
import weakref

import pytest

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture
def world():
    with HandLoop().running() as loop:
        world = World(loop)
        yield world
        world.come_to_rest()


class Observer:
    """Hears nothing unless told what to do with whom."""

    def __init__(self, **hears):
        for event in ("parked", "woken", "left", "closed"):
            setattr(self, event, hears.get(event, lambda _: None))


@pytest.fixture
def observe():
    yield lambda **hears: core.hooks.install(Observer(**hears))
    core.hooks.install(None)


@pytest.fixture
def set_dice():
    yield core.set_dice
    core.set_dice(None)


def never_awaited(make):
    """Get an operation back that was already on its way out."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        make()
        return told[0].source


@pytest.mark.parametrize("how", ["dropped", "collected"])
def test_an_operation_that_came_back_to_life_still_gives_back(world, how):
    """Its finaliser has run, and does not run a second time."""
    full, ch = world.full(1), world.chan()
    sender = never_awaited(lambda: full.send("back"))
    receiver = never_awaited(ch.recv)
    for operation in (sender, receiver):
        operation.send(None).add_done_callback(lambda _: None)
    world.now_recv(full).step()
    world.now_send(ch).step()
    world.loop.run()
    if how == "collected":
        circle = [sender, receiver]
        circle.append(circle)
        del circle
    del sender, receiver, operation
    gc.collect()
    assert full._snapshot().held == full._snapshot().senders == ()
    assert len(ch) == 1


def test_an_observer_may_close_who_left_and_look_at_him_then(world, observe):
    seen = []
    observe(left=lambda waiter: (waiter.close(), seen.append(waiter.waits_for()), repr(waiter)))
    actor = world.asleep(world.recv(world.chan()))
    actor.cancel()
    world.loop.run()
    assert len(seen) == 1


def test_an_observer_may_ask_again_to_be_told(world, observe):
    told = []
    observe(woken=lambda waiter: (core.hooks.install(None), waiter.add_done_callback(told.append)))
    ch = world.chan()
    world.recv(ch).step()
    world.now_send(ch).step()
    world.loop.run()
    assert len(told) == 1
    world.actors.clear()  # it was not told itself


def test_who_is_woken_may_be_asked_again(world):
    told = []
    ch = world.chan()
    operation = ch.recv()
    operation.send(None).add_done_callback(lambda _: told.append("first"))
    world.now_send(ch).step()
    operation.add_done_callback(lambda _: told.append("second"))
    world.loop.run()
    assert told == ["second"]
    operation.close()


def test_who_is_woken_and_thrown_into_before_the_drain_is_still_told(world):
    for how in ("throw", "close"):
        ch = world.chan()
        actor = world.asleep(world.send(ch))
        ch.close()
        world.ending(actor, how).step()
        world.loop.run()
        assert actor.state in ("failed", "closed")


def test_a_loop_may_be_used_before_it_has_answered():
    """The first sleep on a loop asks it whether it is in debug mode."""

    class Asked(HandLoop):
        early = None
        asked = 0

        def get_debug(self):
            self.asked += 1
            if self.asked == 1:
                self.early = world.asleep(world.recv(ch))
                world.now_send(ch).step()
            return False

    with Asked().running() as loop:
        world = World(loop)
        ch, other = world.chan(), world.chan()
        receiver = world.asleep(world.recv(other))
        world.now_send(other).step()
        world.come_to_rest()
        assert loop.early.state == receiver.state == "done"


def test_dice_may_go_while_they_roll(world, set_dice):
    @functools.lru_cache(maxsize=2)
    def dice(n):
        set_dice(None)
        gc.collect()
        return n - 1

    chans = [world.full(1), world.full(1)]
    set_dice(dice)
    del dice
    assert ac.select_nowait(*map(ac.recv, chans))[0] == 1


def test_dice_may_go_and_leave_a_value_behind(world, set_dice):
    """The select stands in line already when they are thrown, but not yet beside that value."""
    a, b = world.chan(), world.chan(1)

    def dice(n):
        set_dice(None)
        world.now_send(b).step()
        return 0

    set_dice(dice)
    actor = world.waiting(ac.select(ac.recv(a), ac.recv(a), ac.recv(b)))
    actor.step()
    world.come_to_rest()
    assert actor.state == "done"


def test_dice_may_close_and_cancel_and_fail(world, set_dice):
    for meddle in (lambda ch, _: ch.close(), lambda _, operation: operation.close(), lambda *_: 1 / 0, lambda *_: 99):
        ch = world.chan()
        operation = ac.select(ac.recv(ch), ac.recv(ch), ac.recv(ch))
        set_dice(functools.partial(lambda meddle, *it: meddle(*it[:2]) or 0, meddle, ch, operation))
        actor = world.waiting(operation)
        actor.step()
        world.loop.run()
        ch._check()
        assert actor.state == "failed"


@pytest.mark.parametrize("what", ["send_nowait", "close", "repr", "recv_nowait"])
def test_a_view_cannot_lose_its_channel_in_the_middle(world, what):
    ch = world.chan()
    ends = [ch.sender if what in ("send_nowait", "close") else ch.receiver]
    actors = [world.asleep(world.recv(ch) if what != "recv_nowait" else world.send(ch))]
    world.loop.run()
    lost = weakref.ref(ch)
    world.chans.clear()
    del ch

    def meddle():
        with contextlib.suppress(ac.MisuseError, TypeError):
            ends[0].__init__(ac.Chan())
        actors.pop().close()
        gc.collect()

    world.loop.hook = meddle
    with contextlib.suppress(ac.WouldBlock):
        repr(ends[0]) if what == "repr" else getattr(ends[0], what)(*["v"] * (what == "send_nowait"))
    world.loop.hook = None
    world.loop.run()
    ends.clear()
    actors.clear()
    world.actors.clear()
    gc.collect()
    assert lost() is None


def test_a_signal_cannot_lose_its_channel_in_the_middle(world):
    signal = ac.Signal()
    world.asleep(world.waiting(signal.wait()))

    def meddle():
        with contextlib.suppress(ac.MisuseError):
            signal.__init__("other")
        gc.collect()

    world.loop.hook = meddle
    signal.close()
    world.come_to_rest()


class Unruly:
    """What tells a task to go on, and closes everybody when it is asked whose it is."""

    def __init__(self, operations):
        self.operations = operations

    def __call__(self, _):
        pass

    @property
    def __self__(self):
        for operation in self.operations:
            operation.close()
        self.operations.clear()
        gc.collect()
        return None


def test_a_snapshot_survives_whoever_leaves_meanwhile(world):
    for queue in (world.chan(), core.WaitQueue()):
        operations = []
        for _ in range(5):
            operation = queue.recv() if isinstance(queue, ac.Chan) else queue.park()
            operation.send(None).add_done_callback(Unruly(operations))
            operations.append(operation)
        del operation
        assert queue._snapshot()
        assert not operations
        queue._check()


def test_a_name_may_replace_itself_while_it_is_shown():
    class Name:
        def __repr__(self):
            queue.__init__("other")
            gc.collect()
            return "me"

    queue = core.WaitQueue([Name(), Name()])
    assert repr(queue) == "<WaitQueue [me, me], 0 parked>"


def test_a_capacity_may_use_the_channel_it_is_for(world):
    class Capacity:
        def __init__(self, ch):
            self.ch = ch

        def __index__(self):
            world.send(self.ch).step()
            return 3

    ch = ac.Chan.__new__(ac.Chan)
    world.chans.append(ch)
    with pytest.raises(ac.MisuseError):
        ch.__init__(Capacity(ch))
    ch._check()


def test_a_number_to_wake_may_wake_others(world):
    queue = core.WaitQueue()
    actors = [world.asleep(world.waiting(queue.park())) for _ in range(4)]

    class Number:
        def __index__(self):
            queue.wake(2)
            actors[3].close()
            return 9

    assert queue.wake(Number()) == 1
    queue._check()


def test_what_is_given_back_may_go_on_with_others(world):
    """The callback of a WaitQueue wakes, parks and leaves in the middle of a cancellation."""
    queue = core.WaitQueue()

    def give_back():
        world.waiting(queue.park("new", give_back)).step()
        queue.wake()
        gc.collect()

    first = world.asleep(world.waiting(queue.park("first", give_back)))
    second = world.asleep(world.waiting(queue.park("second")))
    queue.wake()
    world.ending(first, "throw").step()
    queue._check()
    world.loop.run()
    assert second.state == "done"
    assert [*queue] == ["new"]


@pytest.mark.parametrize("base", [ac.Chan, ac.Signal, core.WaitQueue, type(ac.Chan().sender)])
def test_a_class_that_hides_where_it_comes_from_is_refused(base):
    class Meta(type):
        def mro(cls):
            return [cls, object]

    class Hidden(base, metaclass=Meta):
        pass

    with pytest.raises((TypeError, AttributeError)):
        base.recv_nowait(Hidden()) if hasattr(base, "recv_nowait") else base.__len__(Hidden())


def test_the_last_reference_may_go_with_a_value_in_the_middle_of_a_send(world):
    """Dropping the oldest value runs a finaliser that lets go of the channel."""
    held = []

    class Last:
        def __del__(self):
            held.clear()
            gc.collect()

    held.append(ac.Chan(1, overflow="drop_oldest"))
    held[0].send_nowait(Last())
    send = held[0].send_nowait
    send("next")
    del send
    assert not held


def test_the_callback_of_a_weak_reference_may_use_what_is_left(world):
    ch, other = ac.Chan(2), world.chan(1)
    told = weakref.ref(ch, lambda _: other.send_nowait("gone"))
    ch.send_nowait(ch)
    del ch
    gc.collect()
    assert told() is None
    assert other.recv_nowait() == "gone"


def test_deep_chains_are_let_go_without_deep_recursion():
    """Channels within channels, as deep as memory reaches."""
    ch = ac.Chan(1)
    for _ in range(100_000):
        outer = ac.Chan(1)
        outer.send_nowait(ch)
        ch = outer
    del ch, outer


def test_an_operation_may_be_the_last_that_knows_its_loop():
    """Whatever the end of the loop does, it finds no operation that is half gone."""

    class Collecting(HandLoop):
        def __del__(self):
            gc.collect()

    for _ in range(50):
        with Collecting().running() as loop:
            ch = ac.Chan()
            operation = ch.recv()
            operation.send(None).add_done_callback(id)
            ch.send_nowait("v")
            loop.run()
            with contextlib.suppress(StopIteration):
                operation.send(None)
        del loop, ch
        del operation
