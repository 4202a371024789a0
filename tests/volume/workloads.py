"""Programs with 8 to 18 tasks, and more schedules than anybody can search.

Each is a scenario for `aiochan.testing.sample` and `pct`. What must hold of all of them, under every schedule and with
up to three cancellations: everybody comes to an end; every channel is at rest then, with every value where it should
be; and the history of every channel passes `histories.check`. Each says for itself what must have come out.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import aiochan as ac
from tests.volume.goroutines import power_series, sieve
from tests.volume.histories import DONE
from tests.volume.recording import RecordedChan, need
from tests.volume.stage import Stage, Workload, all_arrived, collect, send_all, shut

# -- the programs


def fan_in(capacity: float) -> Callable[[Stage], None]:
    """Ten producers, of whom the last closes; four consumers, of whom three may give up."""

    def build(stage: Stage) -> None:
        ch, got = stage.chan(capacity, name="in"), list[Any]()
        stage.crew([(send_all, ch, [(p, n) for n in range(3)]) for p in range(10)], ch.close, name="producer")
        for n in range(4):
            stage.spawn(collect, ch, got, name=f"consumer{n}", cancel=n > 0)

        def arrived() -> None:
            all_arrived(ch, got)
            need(stage.cancels or len(got) == 30, "received", len(got), "of 30")

        stage.expect(arrived)

    return build


def fan_out(capacity: float) -> Callable[[Stage], None]:
    """One producer and ten workers, who take turns with `recv`, `recv_ok`, `recv_nowait` and select."""

    def build(stage: Stage) -> None:
        ch, got, idle = stage.chan(capacity, name="out"), list[Any](), ac.Signal("idle")

        async def produce() -> None:
            await send_all(ch, list(range(24)))
            ch.close()

        async def work(turn: int) -> None:
            while True:
                turn += 1
                try:
                    match turn % 4:
                        case 0:
                            got.append(await ch.recv())
                        case 1:
                            value, ok = await ch.recv_ok()
                            if not ok:
                                return
                            got.append(value)
                        case 2:
                            got.append(ch.recv_nowait())
                        case _:
                            got.append((await stage.select(stage.recv(ch), stage.recv(idle)))[1])
                except ac.WouldBlock:
                    await asyncio.sleep(0)
                except ac.ChannelClosed:
                    return

        stage.spawn(produce, name="producer")
        for n in range(10):
            stage.spawn(work, n, name=f"worker{n}", cancel=n > 0)
        stage.expect(lambda: need(sorted(got) == list(range(24)), "received", sorted(got)))

    return build


def pipeline(*capacities: float) -> Callable[[Stage], None]:
    """A source, stages that add one, and a sink. A stage that leaves closes both its sides, so that all others end."""

    def build(stage: Stage) -> None:
        chans = [stage.chan(capacity, name=f"pipe{n}") for n, capacity in enumerate(capacities)]
        got: list[int] = []

        async def source() -> None:
            try:
                await send_all(chans[0], list(range(6)))
            except ac.ChannelClosed:
                return

        async def add_one(inlet: RecordedChan, outlet: RecordedChan) -> None:
            try:
                async for value in inlet:
                    await outlet.send(value + 1)
            except ac.ChannelClosed:
                return

        stage.crew([(source,)], partial(shut, chans[0]), name="source")
        for n in range(len(chans) - 1):
            stage.crew([(add_one, chans[n], chans[n + 1])], partial(shut, chans[n], chans[n + 1]), name=f"stage{n}-")
        stage.spawn(collect, chans[-1], got, name="sink")

        def in_order() -> None:
            added = len(chans) - 1
            need(got == list(range(added, added + len(got))), "came out as", got)
            need(stage.cancels or len(got) == 6, "only", got, "came out")

        stage.expect(in_order)

    return build


def worker_pool(jobs_room: float, results_room: float) -> Callable[[Stage], None]:
    """Two feeders, seven workers, one who collects. A cancelled worker may lose the one job it was at."""

    def build(stage: Stage) -> None:
        jobs, results = stage.chan(jobs_room, name="jobs"), stage.chan(results_room, name="results")
        got: list[int] = []

        async def work() -> None:
            async for job in jobs:
                await results.send(job * job)

        stage.crew([(send_all, jobs, list(range(8 * n, 8 * n + 8))) for n in range(2)], jobs.close, name="feeder")
        stage.crew([(work,)] * 7, results.close, name="worker")
        stage.spawn(collect, results, got, name="collector")

        def one_result_per_job() -> None:
            done = sorted(job * job for job in jobs.received)
            need(not Counter(got) - Counter(done), "results without a job:", got, done)
            need(len(done) - len(got) <= stage.cancels, "jobs were lost:", got, done)
            need(stage.cancels or sorted(got) == [n * n for n in range(16)], "results are missing:", got)

        stage.expect(one_result_per_job)

    return build


def done_and_timeouts(capacity: float) -> Callable[[Stage], None]:
    """Senders and receivers who also wait for `done`; receivers lose patience; time goes on when nothing else can."""

    def build(stage: Stage) -> None:
        ch, done = stage.chan(capacity, name="ch"), ac.Signal("done")
        sent, got, late = Counter[str](), list[Any](), Counter[str]()

        async def sender(name: str) -> None:
            for n in range(3):
                index, _ = await stage.select(stage.send(ch, (name, n)), stage.recv(done))
                if index == 1:
                    return
                sent[name] += 1

        async def receiver(patience: float) -> None:
            for _ in range(4):
                try:
                    async with asyncio.timeout(patience):
                        index, value = await stage.select(stage.recv(ch), stage.recv(done))
                except TimeoutError:
                    late["receiver"] += 1
                    continue
                if index == 1:
                    return
                got.append(value)

        async def finish() -> None:
            await asyncio.sleep(2.5)
            done.close()

        for n in range(4):
            stage.spawn(sender, f"s{n}", name=f"sender{n}", cancel=True)
        for n in range(5):
            stage.spawn(receiver, float(n + 1), name=f"receiver{n}", cancel=True)
        stage.spawn(finish, name="finish")

        def all_accounted() -> None:
            all_arrived(ch, got + ch.inside)
            need(stage.cancels or len(got) == 12, "received", len(got), "of 12")

        stage.expect(all_accounted)

    return build


def ring(capacity: float) -> Callable[[Stage], None]:
    """Nine in a ring pass three tokens on until these have run out. Whoever leaves closes both sides."""

    def build(stage: Stage) -> None:
        size, tokens, hops = 9, 3, 10
        chans = [stage.chan(capacity, name=f"ring{n}") for n in range(size)]
        ended: list[int] = []

        async def member(n: int) -> None:
            inlet, outlet = chans[n], chans[(n + 1) % size]
            try:
                if n % 3 == 0:
                    await outlet.send((n, hops))
                async for token, left in inlet:
                    if left > 1:
                        await outlet.send((token, left - 1))
                        continue
                    ended.append(token)
                    if len(ended) == tokens:
                        shut(*chans)
            except ac.ChannelClosed:
                return

        for n in range(size):
            stage.crew([(member, n)], partial(shut, chans[n], chans[(n + 1) % size]), name=f"member{n}-")

        def went_round() -> None:
            passed = sum(len(ch.received) for ch in chans)
            need(passed <= tokens * hops, "the tokens were passed on", passed, "times")
            need(stage.cancels or (sorted(ended) == [0, 3, 6] and passed == tokens * hops), ended, passed)

        stage.expect(went_round)

    return build


def crowd(capacity: float) -> Callable[[Stage], None]:
    """Many of every kind, who send and receive in every way, and of whom many give up."""

    def build(stage: Stage) -> None:
        ch, got = stage.chan(capacity, name="crowd"), list[Any]()

        async def sender(name: str) -> None:
            for n in range(2):
                try:
                    ch.send_nowait((name, n, "now"))
                except ac.WouldBlock:
                    await stage.select(stage.send(ch, (name, n, "a")), stage.send(ch, (name, n, "b")))
                await ch.send((name, n, "later"))

        async def receiver(biased: bool) -> None:
            try:
                while True:
                    got.append((await stage.select(stage.recv(ch), stage.recv(ch), biased=biased))[1])
                    got.append(await ch.recv())
            except ac.ChannelClosed:
                return

        async def nosy() -> None:
            for _ in range(3):
                try:
                    got.append(stage.select_nowait(stage.recv(ch))[1])
                except ac.WouldBlock:
                    await asyncio.sleep(0)
                except ac.ChannelClosed:
                    return

        stage.crew([(sender, f"s{n}") for n in range(6)], ch.close, name="sender")
        stage.spawn(collect, ch, got, name="last")
        for n in range(4):
            stage.spawn(receiver, n % 2 == 0, name=f"receiver{n}", cancel=True)
        for n in range(2):
            stage.spawn(nosy, name=f"nosy{n}", cancel=True)

        def arrived() -> None:
            all_arrived(ch, got)
            need(stage.cancels or len(got) == 24, "received", len(got), "of 24")

        stage.expect(arrived)

    return build


def reservations(capacity: float) -> Callable[[Stage], None]:
    """Producers who first take a place, some of whom leave without using it, beside senders and receivers."""

    def build(stage: Stage) -> None:
        ch, got = stage.chan(capacity, name="places"), list[Any]()

        async def producer(n: int) -> None:
            for k in range(2):
                async with ch.reserve() as place:
                    await asyncio.sleep(0)
                    if (n, k) != (0, 0):
                        place.send((n, k))

        stage.crew(
            [(producer, n) for n in range(4)] + [(send_all, ch, [("s", n, k) for k in range(2)]) for n in range(3)],
            ch.close,
            name="producer",
        )
        for n in range(4):
            stage.spawn(collect, ch, got, name=f"consumer{n}", cancel=n > 0)

        def arrived() -> None:
            all_arrived(ch, got)
            need(stage.cancels or len(got) == 13, "received", len(got), "of 13")

        stage.expect(arrived)

    return build


def dropping(overflow: str) -> Callable[[Stage], None]:
    """Six producers who never wait, and three consumers who are slow."""

    def build(stage: Stage) -> None:
        ch, got = stage.chan(2, name="news", overflow=overflow), list[Any]()

        async def produce(p: int) -> None:
            for n in range(4):
                if n % 2:
                    await ch.send((p, n))
                    await asyncio.sleep(0)
                else:
                    ch.send_nowait((p, n))
                    await asyncio.sleep(n)

        async def consume(pause: float) -> None:
            async for value in ch:
                got.append(value)
                await asyncio.sleep(pause)

        stage.crew([(produce, p) for p in range(6)], ch.close, name="producer")
        for n in range(4):
            stage.spawn(consume, (1.5, 0.5, 0.0, 3.0)[n], name=f"consumer{n}", cancel=n > 0)

        def none_twice() -> None:
            need(len(set(got)) == len(got), "received twice:", got)
            for p in range(6):
                mine = [n for q, n in ch.received if q == p]
                need(mine == sorted(mine), "out of order from", p, mine)
            stats = ch.chan.stats()
            need(len(got) + stats.dropped == len(ch.sent(DONE)), len(got), stats, len(ch.sent(DONE)))

        stage.expect(none_twice)

    return build


def requests(stage: Stage) -> None:
    """Clients who send a channel to be answered on, and servers who are told to go when the last client has."""
    asked, answers = stage.chan(0, name="asked"), Counter[tuple[int, int]]()

    async def client(n: int) -> None:
        for k in range(2):
            reply = stage.chan(1)
            await asked.send((n, k, reply))
            need(await reply.recv() == (n, k), "somebody else's answer")
            answers[n, k] += 1

    async def server() -> None:
        async for n, k, reply in asked:
            await reply.send((n, k))

    stage.crew([(client, n) for n in range(7)], asked.close, name="client")
    for n in range(3):
        stage.spawn(server, name=f"server{n}")
    stage.expect(lambda: need(set(answers.values()) <= {1}, "answered twice:", answers))
    stage.expect(lambda: need(stage.cancels or len(answers) == 14, "not all answered:", answers))


def exchange(stage: Stage) -> None:
    """Nine who each want to give to, or take from, any other: nobody is his own partner."""
    ch, done = stage.chan(0, name="both"), ac.Signal("done")
    gave, took = dict[Any, int](), dict[int, Any]()

    async def trade(n: int) -> None:
        for k in range(2):
            match await stage.select(stage.send(ch, (n, k)), stage.recv(ch), stage.recv(done)):
                case 0, _:
                    gave[n, k] = n
                case 1, value:
                    # One of its own that somebody else was promised and left behind may come back, but never this one.
                    need(value != (n, k), n, "was its own partner")
                    took[10 * n + k] = value
                case _:
                    return

    async def finish() -> None:
        await asyncio.sleep(1.0)
        done.close()

    for n in range(9):
        stage.spawn(trade, n, name=f"trader{n}", cancel=True)
    stage.spawn(finish, name="finish")

    def pairs() -> None:
        values = list(took.values())
        need(len(set(values)) == len(values), "given twice:", values)
        need(not set(gave) - set(values) - set(ch.inside), "given, but not taken:", gave, values)
        # One may be left alone, once or twice.
        need(stage.cancels or len(values) >= 8, "only", len(values), "pairs")

    stage.expect(pairs)


def _workloads() -> Iterator[Workload]:
    for capacity in (0, 2):
        yield Workload(f"fan-in, capacity {capacity}", fan_in(capacity))
        yield Workload(f"fan-out, capacity {capacity}", fan_out(capacity))
        yield Workload(f"done and timeouts, capacity {capacity}", done_and_timeouts(capacity))
        yield Workload(f"ring, capacity {capacity}", ring(capacity))
    for capacity in (0, 1, 3):
        yield Workload(f"crowd, capacity {capacity}", crowd(capacity))
    for capacity in (1, 2):
        yield Workload(f"reservations, capacity {capacity}", reservations(capacity))
    yield Workload("pipeline without room", pipeline(*[0] * 8))
    yield Workload("pipeline with some room", pipeline(0, 1, 0, 2, 1, math.inf, 0, 1))
    yield Workload("prime sieve", sieve(6), cancels=1)
    yield Workload("power series", power_series, cancels=1)
    yield Workload("worker pool, capacities 2 1", worker_pool(2, 1))
    yield Workload("worker pool, capacities 0 0", worker_pool(0, 0))
    yield Workload("dropping the oldest", dropping("drop_oldest"))
    yield Workload("dropping the newest", dropping("drop_newest"))
    yield Workload("requests", requests)
    yield Workload("exchange", exchange)


WORKLOADS: list[Workload] = [*_workloads()]


def named(title: str) -> Workload:
    """Return the program of that title."""
    return next(one for one in WORKLOADS if one.title == title)
