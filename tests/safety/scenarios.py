"""What is tried without memory, and ten thousand times: every operation, in every state that it can meet."""

from __future__ import annotations

import sys
import warnings

import aiochan as ac
from aiochan import core

SCENARIOS = {}
MANY = 300


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def each(*options):
    """Make one scenario for each of the arguments that are given."""

    def register(function):
        for arguments in options:
            name = "_".join([function.__name__, *map(str, arguments)])
            SCENARIOS[name] = lambda world, arguments=arguments: function(world, *arguments)
        return function

    return register


# -- making


@each((), (0,), (3,), (None,), (float("inf"),))
def make(world, *capacity):
    yield world.call(world.chan, *(10**30 if part is None else part for part in capacity))


@each(("drop_oldest",), ("drop_newest",))
def make_dropping(world, overflow):
    yield world.call(lambda: world.chan(2, name="it", overflow=overflow))


@scenario
def make_wrong(world):
    """Not what Python code refuses: it can crash the interpreter to raise an error there without memory."""
    yield world.expecting(ValueError, lambda: ac.Chan(0, overflow="drop_oldest"))
    yield world.expecting(TypeError, lambda: ac.Chan(name=3))


@scenario
def make_others(world):
    ch = world.chan()
    for make in (lambda: ch.sender, lambda: ch.receiver, ac.Signal, core.never, core.WaitQueue, ch.sender.stats):
        yield world.call(make)
    yield world.call(lambda: (ac.recv(ch), ac.recv_ok(ch.receiver), ac.send(ch.sender, 1), ac.recv(None)))


# -- at once


@each((1,), (3,), (float("inf"),))
def send_and_receive_at_once(world, capacity):
    ch = world.chan(capacity)
    yield world.send(ch)
    yield world.recv(ch)
    yield world.now_send(ch)
    yield world.now_recv(ch)
    yield world.now_send(ch)
    yield world.waiting(ch.recv_ok())


@scenario
def grow(world):
    ch = world.chan(float("inf"))
    for i in range(70):
        if i in (0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65):
            yield world.now_send(ch)
        else:
            world.now_send(ch).step()


@each(("drop_oldest",), ("drop_newest",))
def drop(world, overflow):
    ch = world.full(2, overflow=overflow)
    for _ in range(5):
        yield world.now_send(ch)
    yield world.send(ch)
    yield world.now_send(ch)
    yield world.recv(ch)


@scenario
def refuse(world):
    ch, full = world.chan(), world.full(1)
    yield world.expecting(ac.WouldBlock, ch.recv_nowait)
    yield world.expecting(ac.WouldBlock, full.send_nowait, 1)
    yield world.expecting(ac.WouldBlock, ac.select_nowait, ac.recv(ch), ac.send(full, 1))
    world.call(ch.close, ValueError("why")).step()
    yield world.expecting(ac.ChannelClosed, ch.recv_nowait)
    yield world.expecting(ac.ChannelClosed, ch.send_nowait, 1)
    yield world.expecting(ac.ChannelClosed, ch.close)
    for operation in (ch.recv, ch.__anext__, lambda: ch.send(1), lambda: ac.select(ac.recv(ch))):
        yield world.waiting(operation(), expected=(ac.ChannelClosed,))
    yield world.waiting(ch.recv_ok())
    yield world.waiting(ac.select(ac.recv_ok(ch)))


@scenario
def draw_breath(world):
    ch = world.full(3)
    old = core.set_budget(1, 1)
    for _ in range(2):
        yield world.recv(ch)
    core.set_budget(*old)


# -- asleep


@each(("recv",), ("recv_ok",), ("__anext__",))
def receiver(world, method):
    ch = world.chan()
    yield world.waiting(getattr(ch, method)())
    yield world.now_send(ch)
    world.asleep(world.waiting(getattr(ch, method)()))
    yield world.send(ch)
    yield world.running()


@scenario
def sender(world):
    ch = world.chan()
    yield world.send(ch)
    yield world.now_recv(ch)
    world.asleep(world.send(ch))
    yield world.recv(ch)
    yield world.running()


@scenario
def sender_let_in(world):
    ch = world.full(2)
    for _ in range(3):
        world.asleep(world.send(ch))
    yield world.recv(ch)
    yield world.now_recv(ch)
    yield world.running()


@scenario
def woken_by_hand(world):
    """Who wakes is the loop; what the woken one does is tried."""
    ch = world.chan()
    receivers = [world.asleep(world.recv(ch)) for _ in range(2)]
    for _ in receivers:
        world.now_send(ch).step()
    yield world.running()


@each(("cancel",), ("throw",), ("close",))
def leaves(world, how):
    for ch, make in ((world.chan(), world.recv), (world.full(1), world.send)):
        actors = [world.asleep(make(ch)) for _ in range(3)]
        yield world.ending(actors[1], how)
    yield world.running()


@each(("cancel",), ("throw",), ("close",))
def leaves_in_the_turn_of_its_wakeup(world, how):
    ch = world.chan()
    actors = [world.asleep(world.recv(ch)) for _ in range(2)]
    world.now_send(ch).step()
    yield world.ending(actors[0], how)
    ch = world.full(2)
    actors = [world.asleep(world.send(ch)) for _ in range(3)]
    world.now_recv(ch).step()
    yield world.ending(actors[0], how)
    yield world.running()


@each(("throw",), ("close",))
def leaves_long_after_its_wakeup(world, how):
    """No wake-up is due any more, so that whoever comes next needs one of its own."""
    ch = world.chan()
    actors = [world.asleep(world.recv(ch)) for _ in range(2)]
    actors[0].deferred = True
    world.now_send(ch).step()
    world.loop.run()
    yield world.ending(actors[0], how)
    ch = world.full(1)
    actors = [world.asleep(world.send(ch)) for _ in range(2)]
    actors[0].deferred = True
    world.now_recv(ch).step()
    world.loop.run()
    yield world.ending(actors[0], how)
    actors[1].close()


@scenario
def close_with_all_asleep(world):
    ch, full, signal = world.chan(), world.full(1), ac.Signal()
    for _ in range(3):
        world.asleep(world.waiting(ch.recv(), expected=(ac.ChannelClosed,)))
        world.asleep(world.waiting(ch.recv_ok()))
        value = world.value()
        world.asleep(world.waiting(full.send(value), {None: value}, expected=(ac.ChannelClosed,)))
        world.asleep(world.waiting(signal.wait()))
    yield world.call(ch.close, ValueError("why"))
    yield world.call(full.close)
    yield world.call(signal.close)


# -- select


@each((1,), (2,), (10,), (MANY,))
def select(world, n):
    chans = [world.chan() for _ in range(n)]
    yield world.waiting(ac.select(*map(ac.recv, chans)))
    yield world.now_send(chans[-1])
    world.now_send(world.chan(1)).step()
    value = world.value()
    yield world.waiting(ac.select(*(ac.send(ch, value) for ch in chans)), dict.fromkeys(range(n), value))
    yield world.recv(chans[0])
    yield world.running()


@scenario
def select_at_once(world):
    ch, other = world.full(2), world.chan(2)
    yield world.waiting(ac.select(ac.recv(ch), ac.recv(None)))
    yield world.call(ac.select_nowait, ac.recv_ok(ch))
    value = world.value()
    yield world.waiting(ac.select(ac.send(other, value), biased=True), {0: value})
    yield world.waiting(ac.select(3), expected=(TypeError,))
    yield world.expecting(TypeError, ac.select_nowait, 3)
    yield world.expecting(TypeError, lambda: ac.select_nowait(ac.recv(ch), wrong=1))


@each(("cancel",), ("throw",), ("close",))
def select_leaves(world, how):
    a, b = world.chan(), world.full(1)
    for late in (False, True):
        value = world.value()
        actor = world.asleep(world.waiting(ac.select(ac.recv(a), ac.send(b, value), ac.recv(a)), {1: value}))
        other = world.asleep(world.recv(a))
        if late:
            world.now_send(a).step()
        yield world.ending(actor, how)
        other.close()


@scenario
def select_loops(world):
    """Its values are not counted: what comes after the answer is Python code, which can lose it."""
    ch = world.chan()
    ch.close()
    loop = core.select_loop(ac.recv_ok(ch))

    async def go_round():
        async for _ in loop:
            break

    yield world.waiting(go_round())


@scenario
def several_ready(world):
    chans = [world.full(2) for _ in range(3)]
    for _ in range(3):
        yield world.waiting(ac.select(*map(ac.recv, chans)))
        value = world.value()
        yield world.waiting(ac.select(*(ac.send(ch, value) for ch in chans)), dict.fromkeys(range(3), value))
    ch = world.chan()
    yield world.waiting(ac.select(ac.recv(ch), ac.recv(ch), ac.recv(ch)))
    yield world.now_send(ch)


@scenario
def dice(world):
    chans = [world.full(1) for _ in range(3)]
    old = core.set_dice(lambda n: n - 1)
    yield world.waiting(ac.select(*map(ac.recv, chans)))
    yield world.waiting(ac.select(ac.recv(chans[2]), ac.recv(chans[2])))
    core.set_dice(old)
    core.seed(7)
    yield world.call(core.seed, 8)


# -- what is built on it


async def receive_all(ch, got):
    i = 0
    async for value in ch:
        got[i] = value
        i += 1


@scenario
def iterate(world):
    ch = world.full(2)
    world.call(ch.close).step()
    world.got = [None] * 9
    yield world.waiting(receive_all(ch, world.got))


@scenario
def reserve(world):
    """By what a reservation is made of: it is Python code itself."""
    ch = world.chan(1)
    yield world.waiting(ch._reserve_place())
    value = world.value()
    yield world.call_with({None: value}, ch._use_place, value)
    yield world.waiting(ch._reserve_place())
    yield world.recv(ch)
    yield world.running()
    for actor in world.actors:
        actor.close()
    if ch.stats().reserved:
        yield world.call(ch._return_place)


@scenario
def give_a_place_back(world):
    ch = world.chan(1)
    world.waiting(ch._reserve_place()).step()
    world.asleep(world.send(ch))
    yield world.call(ch._return_place)


@scenario
def wait_for_turns(world):
    queue = core.WaitQueue("turns")
    for _ in range(4):
        yield world.waiting(queue.park("tag", list))
    yield world.call(queue.wake)
    yield world.call(queue.wake, 2)
    yield world.call(queue.wake_all)
    yield world.call(list, queue)
    yield world.call(repr, queue)


@scenario
def enter_and_leave(world):
    ch = world.chan()

    async def within():
        async with ch:
            pass

    yield world.waiting(within())


# -- looking


@scenario
def look(world):
    ch, full = world.chan(name="it"), world.full(2)
    receiver = world.asleep(world.waiting(ac.select(*[ac.recv(ch)] * 3)))
    world.asleep(world.send(full))
    operation = receiver.asleep_on
    for what in (ch, full, ch.sender, ac.Signal("s"), operation):
        yield world.call(repr, what)
    for what in (ch.stats, full.__len__, ch._check, operation.waits_for, operation._snapshot, full.__sizeof__):
        yield world.call(what)
    for each_of in (ch, full):
        yield world.call(lambda each_of=each_of: bool(each_of._snapshot()))
    yield world.call(getattr, full, "capacity")
    yield world.call(getattr, operation, "owner")


@each((0,), (3,))
def never_awaited(world, depth):
    ch = world.chan()
    made = [None]
    warn = warnings._warn_unawaited_coroutine
    warnings._warn_unawaited_coroutine = callable  # the real one crashes without memory
    sys.set_coroutine_origin_tracking_depth(depth)
    try:
        for make in (ch.recv, lambda: ch.send(1), lambda: ac.select(ac.recv(ch))):
            yield world.call(lambda make=make: made.append(make()))
            yield world.call(made.clear)
    finally:
        sys.set_coroutine_origin_tracking_depth(0)
        warnings._warn_unawaited_coroutine = warn
