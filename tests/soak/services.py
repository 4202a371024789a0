"""Services as programs have them, each built from the core alone, each at work until the world is over.

A service opens its channels, works, ends in good order (the sources close, the others come to the end of their
channels), and shuts its books. How fast the sources are is up to the pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import aiochan as ac
from tests.soak.crowd import Board, crowd
from tests.soak.ledger import END, Account, Offer, Want, pick, pick_now
from tests.soak.world import Task, World

__all__ = ["SERVICES"]

Service: TypeAlias = Callable[[World], Coroutine[Any, Any, None]]


async def source(world: World, account: Account) -> None:
    """Send bursts of values."""
    while not world.over:
        for _ in world.burst():
            await account.send()
            world.strike()
        await world.rest()


async def sink(account: Account) -> None:
    async for _ in account:
        pass


async def close(world: World, tasks: list[Task], *accounts: Account) -> None:
    """Close channels when those who send to them have ended."""
    await world.ended(tasks)
    for account in accounts:
        account.chan.close()


async def pipeline(world: World) -> None:
    """Have producers, a rendezvous, middlemen, a ring, and consumers."""
    raw, done = world.open(0), world.open(8)

    async def cook() -> None:
        async for _ in raw:
            await done.send()

    producers = [world.spawn(source(world, raw)) for _ in range(3)]
    cooks = [world.spawn(cook()) for _ in range(2)]
    consumers = [world.spawn(sink(done)) for _ in range(2)]
    await close(world, producers, raw)
    await close(world, cooks, done)
    await world.ended(consumers)
    world.shut(raw, done)


async def pool(world: World) -> None:
    """Have workers who send results, and one of whom is cancelled and replaced now and then."""
    jobs, results = world.open(16), world.open(4)

    async def work() -> None:
        async for _ in jobs:
            await asyncio.sleep(0)
            await results.send()

    producers = [world.spawn(source(world, jobs)) for _ in range(2)]
    collector = world.spawn(sink(results))
    workers = [world.spawn(work()) for _ in range(4)]
    while not world.over:
        await world.rest()
        victim = world.dice.randrange(len(workers))
        world.cancel(workers[victim], "at work")
        workers[victim] = world.spawn(work())
    await close(world, producers, jobs)
    await close(world, workers, results)
    await world.ended([collector])
    world.shut(jobs, results)


async def fan_in(world: World) -> None:
    """Merge many channels by one select, and give each value to several subscribers."""
    inputs = [world.open(capacity) for capacity in (0, 0, 0, 1, 1, 4, 8, 64)]
    subscribers = [world.open(1, "drop_oldest"), world.open(8, "drop_oldest"), world.open(4, "drop_newest")]
    polite = world.open(8)

    async def merge() -> None:
        wants: list[Want] = list(inputs)
        while any(want is not None for want in wants):
            index, value = await pick(wants)
            if value is END:
                wants[index] = None
                continue
            for subscriber in subscribers:
                subscriber.send_now()
            polite.send_now()

    async def read(account: Account) -> None:
        async for _ in account:
            if world.dice.random() < 0.05:
                await world.rest()

    sources = [world.spawn(source(world, account)) for account in inputs]
    merger = world.spawn(merge())
    readers = [world.spawn(read(account)) for account in (*subscribers, polite)]
    await close(world, sources, *inputs)
    await close(world, [merger], *subscribers, polite)
    await world.ended(readers)
    world.shut(*inputs, *subscribers, polite)


async def looping(world: World) -> None:
    """Merge by `select_loop`, left and begun again and again."""
    left, right, stop = world.open(0), world.open(4), ac.Signal()

    async def merge() -> None:
        while not (left.chan.closed and right.chan.closed):
            rounds = world.dice.randint(1, 200)
            cases: list[Any] = [ac.recv(left.chan), ac.recv(right.chan), ac.recv(stop)]
            async for index, value in ac.select_loop(*cases):
                if index == 2:
                    return
                (left, right)[index].got(value)
                if not (rounds := rounds - 1):
                    break

    sources = [world.spawn(source(world, account)) for account in (left, right)]
    mergers = [world.spawn(merge()) for _ in range(2)]
    await close(world, sources, left, right)
    stop.close()
    await world.ended(mergers)
    world.shut(left, right)


async def in_time(world: World) -> None:
    """Have selects and plain operations with time limits of asyncio."""
    ways = [world.open(0), world.open(1), world.open(0), world.open(3)]
    stop = ac.Signal()
    limits = 0, 0.001, 0.01, 0.05

    async def timeout(wants: list[Want]) -> None:
        async with asyncio.timeout(world.dice.choice(limits)):
            await pick(wants)

    async def choose() -> None:
        while not world.over:
            for _ in world.burst(20):
                wants: list[Want] = [world.dice.choice(ways), Offer(world.dice.choice(ways)), stop]
                try:
                    await timeout(wants)
                except TimeoutError:
                    world.counts["timed out"] += 1
            await world.rest()

    async def plain() -> None:
        while not world.over:
            for _ in world.burst(20):
                one = world.dice.choice(ways)
                operation = one.send() if world.dice.random() < 0.5 else one.recv()
                try:
                    await asyncio.wait_for(operation, world.dice.choice(limits))
                except TimeoutError:
                    world.counts["timed out"] += 1
            await world.rest()

    await world.ended([world.spawn(each()) for each in (choose, choose, choose, plain, plain)])
    stop.close()
    world.shut(*ways)


async def requests(world: World) -> None:
    """Have clients who wait for a reply on a channel of their own, but not for long."""
    desk = world.open(4)

    async def serve() -> None:
        async for request in desk:
            if world.dice.random() < 0.1:
                await asyncio.sleep(0.002)
            request.extra.send_now()

    async def ask() -> None:
        while not world.over:
            for _ in world.burst(10):
                reply = world.open(1)
                try:
                    async with asyncio.timeout(world.dice.choice((0, 0.001, 1.0))):
                        if await desk.send(reply):
                            await reply.recv()
                except TimeoutError:
                    world.counts["timed out"] += 1
                reply.chan.close()
                world.shut(reply)
            await world.rest()

    clients = [world.spawn(ask()) for _ in range(5)]
    servers = [world.spawn(serve()) for _ in range(2)]
    await close(world, clients, desk)
    await world.ended(servers)
    world.shut(desk)


async def reservations(world: World) -> None:
    """Have producers who take places first, use them or not, and some are cancelled in between."""
    shelf = world.open(4)

    async def produce() -> None:
        for _ in world.burst(20):
            async with shelf.chan.reserve() as place:
                if world.dice.random() < 0.3:
                    await asyncio.sleep(0)
                if world.dice.random() < 0.8:
                    shelf.send_into(place)

    async def manage() -> None:
        while not world.over:
            tasks = [world.spawn(produce()) for _ in range(6)]
            await asyncio.sleep(0)
            world.doom(tasks[0])
            world.cancel(tasks[1], "with a place")
            await world.ended(tasks)
            await world.rest()

    managers = [world.spawn(manage())]
    plain = world.spawn(source(world, shelf))
    reader = world.spawn(sink(shelf))
    await close(world, [*managers, plain], shelf)
    await world.ended([reader])
    world.shut(shelf)


async def signals(world: World) -> None:
    """Have generations of signals, each waited for by many, in plain waits and in selects."""
    while not world.over:
        signal, other = ac.Signal("go"), ac.Signal("never")
        tasks = [world.spawn(signal.wait()) for _ in range(10)]
        tasks += [world.spawn(pick([other, signal, None])) for _ in range(10)]
        await asyncio.sleep(0)
        for task in world.dice.sample(tasks, 4):
            world.cancel(task, "asleep")
        signal.close()
        for task in world.dice.sample(tasks, 2):
            world.cancel(task, "in the turn of the wake-up")
        await world.ended(tasks)
        world.guard(signal._check)
        world.guard(other._check)
        await world.rest()


async def storms(world: World) -> None:
    """Have many tasks asleep on one channel, all of them cancelled at once while some are woken."""
    lasting = world.open(1)
    while not world.over:
        account = lasting if world.dice.random() < 0.5 else world.open(world.dice.choice([0, 1, 3]))
        receiving = world.dice.random() < 0.5
        tasks = [world.spawn(_storm(account, receiving, index)) for index in range(world.dice.randint(20, 200))]
        await asyncio.sleep(0)
        for _ in world.burst(5):
            if receiving:
                account.send_now()
            else:
                account.recv_now()
        world.dice.shuffle(tasks)
        for task in tasks:
            world.cancel(task, "in a storm")
        await world.ended(tasks)
        while account.recv_now() is not END:
            pass
        if account is not lasting:
            world.shut(account)
        await world.rest()
    world.shut(lasting)


async def _storm(account: Account, receiving: bool, index: int) -> None:
    if index % 3 == 2:
        await pick([account if receiving else Offer(account)])
    elif receiving:
        await account.recv()
    else:
        await account.send()


async def abandoned(world: World) -> None:
    """Make channels, leave tasks asleep in them, release those by closing, and leave the rest to its fate."""
    while not world.over:
        account = world.open_any()
        tasks = [world.spawn(account.recv() if index % 2 else sink(account)) for index in range(3)]
        await asyncio.sleep(0)
        for _ in world.burst(5):
            account.send_now()
        await asyncio.sleep(0)
        if world.dice.random() < 0.5:
            tasks += [world.spawn(account.send()) for _ in range(5)]
            await asyncio.sleep(0)
        account.chan.close(world.dice.choice([None, OSError("the cause")]))
        await world.ended(tasks)
        world.shut(account)
        full = world.open_any()  # never closed, and with values in it
        for _ in world.burst(8):
            full.send_now()
        world.shut(full)
        await world.rest()


async def polling(world: World) -> None:
    """Do what can be done now, and never wait."""
    ways = [world.open_any() for _ in range(6)]
    while not world.over:
        for _ in world.burst():
            one = world.dice.choice(ways)
            wants: list[Want] = [world.dice.choice(ways), Offer(one), None]
            if pick_now(wants) is None:
                one.send_now()
            elif len(one.chan) > 3:
                one.recv_now()
        await world.rest()
    world.shut(*ways)


async def comers(world: World) -> None:
    """Have crowds of tasks that come and go, with new channels each time and with the same."""
    kept = [world.open(0), world.open(1), world.open(2, "drop_newest")]
    while not world.over:
        board = Board(world, channels=6, kept=kept)
        await crowd(board, world.dice.randint(20, 150), cancel=world.dice.choice([0.1, 0.1, 0.5]), at_once=False)
        await world.rest()
    world.shut(*kept)


SERVICES: list[Service] = [
    pipeline,
    pool,
    fan_in,
    looping,
    in_time,
    requests,
    reservations,
    signals,
    storms,
    abandoned,
    polling,
    comers,
]
