"""Everything on this machine: three upstreams that are not at their best, a gateway, and a load.

The upstreams are mostly quick, sometimes slow and sometimes out of order; one of them is killed in
the middle and comes back.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import signal
import socket
import sys
from contextlib import AsyncExitStack

import aiochan as ac
from examples.gateway.app import Front
from examples.gateway.load import Tally, load
from examples.gateway.server import serve
from examples.gateway.service import Gateway, Limits
from examples.gateway.simulator import Behaviour, Simulator, simulator
from examples.gateway.upstream import Upstream

CLIENTS = 20
REQUESTS = 25  # of each client


async def show(limits: Limits) -> None:
    """Run the demo and print what became of the requests."""
    async with AsyncExitStack() as stack:
        upstreams = [
            await stack.enter_async_context(simulator(name, _moody(name))) for name in ("first", "second", "third")
        ]
        front = Front(Gateway([Upstream(upstream.url) for upstream in upstreams], limits))
        listener = socket.create_server(("127.0.0.1", 0))
        url = "http://{}:{}".format(*listener.getsockname())
        signals, progress = ac.Chan[int](math.inf), ac.Chan[int](math.inf)
        async with ac.ErrGroup(name="demo") as group:
            group.go(lambda: serve(front, listener, grace=5.0, signals=signals))
            group.go(_sabotage, upstreams[0], progress)
            print(f"{CLIENTS} clients send {REQUESTS} requests each to {url}", file=sys.stderr)
            tally = await load(url, clients=CLIENTS, requests=REQUESTS, progress=progress)
            signals.send_nowait(signal.SIGTERM)
    _report(tally)
    print(json.dumps(front.stats(), indent=2))


def _moody(name: str) -> Behaviour:
    dice = random.Random(name)

    async def behave(_: str) -> int:
        (mood,) = dice.choices(["quick", "slow", "broken"], [90, 7, 3])
        await asyncio.sleep(0.5 if mood == "slow" else dice.uniform(0.005, 0.03))
        return 503 if mood == "broken" else 200

    return behave


async def _sabotage(upstream: Simulator, progress: ac.RecvChan[int]) -> None:
    """Kill an upstream after a third of the requests, and start it again after another."""
    async for done in progress:
        if done == CLIENTS * REQUESTS // 3:
            upstream.kill()
        if done == 2 * CLIENTS * REQUESTS // 3:
            upstream.start()
            return


def _report(tally: Tally) -> None:
    for kind, sent in tally.sent.items():
        answers = {status: count for (of, status), count in sorted(tally.answers.items()) if of == kind}
        print(f"{kind:10} {sent:5} sent;  ", ", ".join(f"{count} x {status}" for status, count in answers.items()))
    print(f"{tally.left} clients left without an answer, {len(tally.lost)} answers lost, {len(tally.wrong)} wrong")
