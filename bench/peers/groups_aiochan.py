"""Our groups, contexts, flights and timers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiochan as ac
from bench.peers import base
from bench.peers.groups import KEYS, LATER, LIMIT, NOW_AND_THEN, Failure, Loads, Tally


class Peer(base.Peer):
    async def group(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with ac.ErrGroup() as group:
                for _ in range(width):
                    group.go(tally.end)
        return tally.ended

    async def group_turn(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with ac.ErrGroup() as group:
                for _ in range(width):
                    group.go(tally.turn)
        return tally.ended

    async def group_fails(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            with suppress(Failure):
                async with ac.ErrGroup() as group:
                    for _ in range(width - 1):
                        group.go(tally.sleep)
                    group.go(tally.fail)
        return tally.ended

    async def limit_go(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with ac.ErrGroup(limit=LIMIT) as group:
                for _ in range(width):
                    group.go(tally.take_place)
        return tally.within(LIMIT, width)

    async def limit_submit(self, count: int, width: int) -> int:
        tally = Tally()
        for _ in range(count):
            async with ac.ErrGroup(limit=LIMIT) as group:
                for _ in range(width):
                    await group.submit(tally.take_place)
        return tally.within(LIMIT, width)

    # -- contexts

    async def ctx_cancel(self, count: int) -> int:
        parent = ac.background()
        ended = 0
        for _ in range(count):
            ctx = parent.with_cancel()
            ctx.cancel()
            ended += ctx.err() is not None
        return ended

    async def ctx_timeout(self, count: int) -> int:
        parent = ac.background()
        ended = 0
        for number in range(count):
            with parent.with_timeout(LATER):
                ended += 1
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return ended

    async def scope(self, count: int) -> int:
        entered = 0
        with ac.background().with_cancel() as ctx:
            for _ in range(count):
                async with ctx.scope():
                    entered += 1
        return entered

    async def scope_timeout(self, count: int) -> int:
        parent = ac.background()
        entered = 0
        for number in range(count):
            with parent.with_timeout(LATER) as ctx:
                async with ctx.scope():
                    entered += 1
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return entered

    async def scope_cancelled(self, count: int) -> int:
        parent, loop = ac.background(), asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            with parent.with_cancel() as ctx:
                try:
                    async with ctx.scope():
                        ctx.cancel()
                        await loop.create_future()
                except ac.Canceled:
                    cancelled += 1
        return cancelled

    async def scope_expired(self, count: int) -> int:
        parent, loop = ac.background(), asyncio.get_running_loop()
        cancelled = 0
        for _ in range(count):
            with parent.with_timeout(0) as ctx:
                try:
                    async with ctx.scope():
                        await loop.create_future()
                except ac.DeadlineExceeded:
                    cancelled += 1
        return cancelled

    async def ctx_tree(self, count: int, width: int) -> int:
        trees: list[list[ac.Context]] = []
        for _ in range(count):
            tree = [ac.background().with_cancel()]
            tree.extend(tree[number // 10].with_cancel() for number in range(width - 1))
            trees.append(tree)
        self.watch.start()
        for tree in trees:
            tree[0].cancel()
        self.watch.stop()
        return sum(ctx.err() is not None for tree in trees for ctx in tree)

    async def scope_tree(self, count: int, width: int) -> int:
        roots = [ac.background().with_cancel() for _ in range(count)]
        cancelled = 0

        async def sleep(root: ac.Context) -> None:
            nonlocal cancelled
            with root.with_cancel() as ctx, suppress(ac.Canceled):
                try:
                    async with ctx.scope():
                        await asyncio.get_running_loop().create_future()
                finally:
                    cancelled += ctx.err() is not None

        tasks = [asyncio.create_task(sleep(root)) for root in roots for _ in range(width)]
        await base.settle()
        self.watch.start()
        for root in roots:
            root.cancel()
        for task in tasks:
            await task
        self.watch.stop()
        return cancelled

    # -- flights

    async def flight_one(self, count: int, width: int) -> int:
        return await self._fly(count, width, 1)

    async def flight_keys(self, count: int, width: int) -> int:
        return await self._fly(count, width, KEYS)

    async def _fly(self, count: int, width: int, keys: int) -> int:
        loads, flights = Loads(), ac.SingleFlight[int, int]()

        async def ask(key: int) -> int:
            value, _ = await flights.do(key, loads.load, key)
            return value

        return await loads.rounds(ask, count, width, keys)

    # -- timers

    async def after_ready(self, count: int) -> int:
        chan: ac.Chan[int] = ac.Chan(1)
        total = 0
        for value in range(count):
            chan.send_nowait(value)
            match await ac.select(ac.recv(chan), ac.recv(ac.after(LATER))):
                case 0, int(got):
                    total += got
            if value % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return total

    async def after_dropped(self, count: int) -> int:
        made = 0
        for number in range(count):
            ac.after(LATER)
            made += 1
            if number % NOW_AND_THEN == 0:
                await asyncio.sleep(0)
        return made
