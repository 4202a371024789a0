"""examples/gateway as it is served: real sockets on loopback, a load, and everything that can go wrong meanwhile.

However it is treated, each request gets one answer, the counts of clients, gateway and upstreams agree, and nothing
is left: the fixture `run` looks for tasks. CH15: the end in two phases.
"""

import asyncio
import random
from contextlib import AsyncExitStack

import httpx
import pytest

import aiochan as ac
from examples.gateway.deadlines import HEADER
from examples.gateway.load import leave, load
from examples.gateway.service import Limits
from examples.gateway.simulator import simulator
from examples.gateway.upstream import Upstream
from tests.examples.gateway_kit import PATIENCE_S, adds_up, browser, served, until

LIMITS = Limits(places=4, line=4, deadline=PATIENCE_S, hedge_after=PATIENCE_S)


class Held:
    """Behaviour of an upstream that answers when it is told to."""

    def __init__(self):
        self.asked = self.dropped = 0
        self.go = ac.Signal()

    async def __call__(self, _):
        self.asked += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        return 200


# --- faults under load ------------------------------------------------------------------------------


async def storm(clients, requests, seed):
    """Load a gateway whose upstreams are slow, broken, killed and started again; count everything."""
    total = clients * requests
    dice = random.Random(seed)

    async def moody(_):
        mood = dice.random()
        if mood < 0.05:
            await asyncio.sleep(0.1)  # what a slow upstream does: longer than the gateway waits for one
        return 503 if mood > 0.97 else 200

    async def sabotage(first, second, progress):
        kill, start = (lambda server: server.kill()), (lambda server: server.start())
        plan = [(kill, first), (start, first), (kill, second), (kill, first), (start, second), (start, first)]
        for step, (act, server) in enumerate(plan, 1):
            while await progress.recv() < total * step // (len(plan) + 1):
                pass
            act(server)

    limits = Limits(places=clients // 2, line=clients, deadline=PATIENCE_S, hedge_after=0.02)
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(simulator(name, moody)) for name in ("first", "second")]
        gateway = await stack.enter_async_context(served(*(Upstream(s.url) for s in servers), limits=limits))
        progress = ac.Chan(total)
        async with ac.ErrGroup() as group:
            group.go(sabotage, *servers, progress)
            tally = await load(gateway.url, clients=clients, requests=requests, seed=seed, progress=progress)
        await until(lambda: gateway.front.received == total)  # some clients did not wait for that
    check_storm(gateway.front, servers, tally, total)


def check_storm(front, servers, tally, total):
    adds_up(front)
    assert tally.lost == []
    assert tally.wrong == []
    assert sum(tally.sent.values()) == sum(tally.answers.values()) + tally.left == total
    allowed = {"plain": {200, 502}, "hurried": {200, 502, 504}, "malformed": {400}}
    assert all(status in allowed[kind] for kind, status in tally.answers), tally.answers
    # What the gateway has answered is what the clients have got, and beside it what nobody waited for.
    unheard = front.served.copy()
    unheard.subtract(status for kind, status in tally.answers.elements())
    assert all(count >= 0 for count in unheard.values()), unheard
    assert sum(unheard.values()) == tally.left
    assert set(+unheard) <= {200, 499, 502}
    for server in servers:
        assert server.asked == server.answered + server.dropped
    assert all(counts["failed"] > 0 for counts in front.stats()["upstreams"].values())  # it was a storm
    assert front.served[200] > 0


def test_nothing_is_lost_while_upstreams_are_killed_and_come_back(run):
    run(lambda: storm(clients=6, requests=25, seed=5))


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_under_a_heavier_load(run, seed):
    run(lambda: storm(clients=20, requests=100, seed=seed))


# --- one thing at a time ----------------------------------------------------------------------------


def test_so_many_are_in_work_so_many_in_line_and_the_rest_gets_503_at_once(run):
    async def main():
        held = Held()
        async with (
            simulator("server", held) as server,
            served(Upstream(server.url), limits=LIMITS) as gateway,
            browser(gateway.url) as client,
        ):
            requests = [asyncio.create_task(client.get(f"/{number}")) for number in range(20)]
            await until(lambda: gateway.front.served[503] == 12)
            stats = (await client.get("/stats")).json()
            assert (stats["in_work"], stats["waiting"]) == (4, 4)
            await until(lambda: held.asked == 4)
            held.go.close()
            statuses = sorted([(await request).status_code for request in requests])
            assert statuses == [200] * 8 + [503] * 12
        adds_up(gateway.front)

    run(main)


def test_a_client_who_leaves_or_runs_out_of_time_stops_the_upstream(run):
    """CH16"""

    async def main():
        held = Held()
        async with (
            simulator("server", held) as server,
            served(Upstream(server.url), limits=LIMITS) as gateway,
            browser(gateway.url) as client,
        ):
            request = asyncio.create_task(client.get("/a"))
            await until(lambda: held.asked == 1)
            request.cancel()
            await until(lambda: held.dropped == 1)
            assert (await client.get("/b", headers={HEADER: "20"})).status_code == 504
            await until(lambda: held.dropped == held.asked)
            await leave(gateway.url, "/c")
            await until(lambda: gateway.front.served[499] == 2)
        assert gateway.front.served == {499: 2, 504: 1}
        adds_up(gateway.front)

    run(main)


def test_many_ask_for_the_same_and_the_upstream_hears_it_once(run):
    """SF02"""

    async def main():
        held = Held()
        async with (
            simulator("server", held) as server,
            served(Upstream(server.url), limits=Limits(places=50, line=0)) as gateway,
            browser(gateway.url) as client,
        ):
            requests = [asyncio.create_task(client.get("/same")) for _ in range(50)]
            await until(lambda: gateway.front.received == 50)
            held.go.close()
            assert {(await request).text for request in requests} == {"/same from server"}
            assert held.asked == 1
        assert gateway.front.stats()["coalesced"] == 49
        adds_up(gateway.front)

    run(main)


def test_a_server_that_hangs_is_overtaken_and_told_to_stop(run):
    async def main():
        held = Held()
        async with (
            simulator("first", held) as first,
            simulator("second") as second,
            served(Upstream(first.url), Upstream(second.url), limits=Limits(hedge_after=0.01)) as gateway,
            browser(gateway.url) as client,
        ):
            answer = await client.get("/a")
            assert (answer.text, answer.headers["x-upstream"]) == ("/a from second", second.url)
            await until(lambda: held.dropped == 1)
        assert gateway.front.stats()["hedged"] == 1
        adds_up(gateway.front)

    run(main)


# --- the end ----------------------------------------------------------------------------------------


async def accepted(gateway, client, held):
    """Fill the gateway: four requests in work, which have reached the upstream, and four in line."""
    requests = [asyncio.create_task(client.get(f"/{number}")) for number in range(8)]
    await until(lambda: held.asked == 4 and gateway.front.gateway.door.waiting == 4)
    return requests


def test_what_was_accepted_is_finished_and_who_comes_then_is_told(run):
    """CH15, the first phase."""

    async def main():
        held = Held()
        async with (
            simulator("server", held) as server,
            served(Upstream(server.url), limits=LIMITS) as gateway,
            browser(gateway.url) as client,
            browser(gateway.url) as newcomer,
        ):
            requests = await accepted(gateway, client, held)
            assert (await newcomer.get("/health")).status_code == 200
            gateway.signals.send_nowait(15)
            await until(lambda: gateway.front.gateway.door.is_shut)
            for path, said in [("/health", "draining\n"), ("/late", "shutting down\n")]:
                answer = await newcomer.get(path)
                assert (answer.status_code, answer.text) == (503, said)
            held.go.close()
            assert [(await request).status_code for request in requests] == [200] * 8
            await until(gateway.ended)
            with pytest.raises(httpx.ConnectError):
                await newcomer.get("/health")
        assert gateway.front.served == {200: 8, 503: 1}
        adds_up(gateway.front)

    run(main)


@pytest.mark.parametrize("why", ["the grace is over", "a second signal"])
def test_what_cannot_be_finished_is_cancelled_and_answered(run, why):
    """CH15, the second phase."""

    async def main():
        held = Held()
        async with (
            simulator("server", held) as server,
            served(
                Upstream(server.url), limits=LIMITS, grace=0.01 if why == "the grace is over" else PATIENCE_S
            ) as gateway,
            browser(gateway.url) as client,
        ):
            requests = await accepted(gateway, client, held)
            gateway.signals.send_nowait(15)
            if why == "a second signal":
                await until(lambda: gateway.front.gateway.door.is_shut)
                gateway.signals.send_nowait(2)
            assert [(await request).status_code for request in requests] == [503] * 8
            await until(gateway.ended)
            await until(lambda: held.dropped == held.asked)
        assert gateway.front.served == {503: 8}
        adds_up(gateway.front)

    run(main)


def test_a_signal_in_the_middle_of_a_load_loses_no_request_that_was_accepted(run):
    """Clients go on until they are told to stop; whatever the gateway has received, somebody has got an answer to."""

    async def main():
        statuses = []

        async def client(gateway, number):
            async with browser(gateway.url) as connections:
                for turn in range(10_000):
                    try:
                        answer = await connections.get(f"/{turn % 5}")
                    except httpx.TransportError:  # not accepted; if it was, the counts do not agree
                        return
                    statuses.append(answer.status_code)
                    if answer.status_code == 503:
                        return

        async with simulator("server") as server:
            limits = Limits(places=4, line=20)
            async with served(Upstream(server.url), limits=limits) as gateway, ac.ErrGroup() as clients:
                for number in range(10):
                    clients.go(client, gateway, number)
                await until(lambda: len(statuses) > 50)
                gateway.signals.send_nowait(15)
        assert set(statuses) <= {200, 503}
        assert len(statuses) == gateway.front.received
        assert gateway.front.served == {status: statuses.count(status) for status in set(statuses)}
        adds_up(gateway.front)

    run(main)


def test_a_signal_before_anybody_came_ends_it_at_once(run):
    async def main():
        async with simulator("server") as server, served(Upstream(server.url), limits=LIMITS) as gateway:
            gateway.signals.send_nowait(15)
            await until(gateway.ended)
        assert gateway.front.received == 0

    run(main)
