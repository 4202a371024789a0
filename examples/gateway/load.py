"""A load for a gateway: many clients at once, and an account of what became of each of their requests."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx

import aiochan as ac
from examples.gateway.connections import Transport
from examples.gateway.deadlines import HEADER

# Kinds of requests, and how many of a hundred are of each.
KINDS = {"plain": 70, "hurried": 15, "malformed": 5, "leaving": 10}


@dataclass(slots=True)
class Tally:
    """What became of the requests.

    Attributes:
        sent: How many of each kind were sent.
        answers: How many of a kind were answered with a status.
        left: How many were not to be answered, as the client left.
        lost: What happened to those that should have been and were not.
        wrong: Answers that belong to another request.
    """

    sent: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    left: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def load(
    url: str, *, clients: int, requests: int, seed: int = 0, targets: int = 8, progress: ac.SendChan[int] | None = None
) -> Tally:
    """Send a mixture of requests.

    Args:
        url: Where the gateway is.
        clients: How many clients there are, each with connections of its own.
        requests: How many requests each of them sends, one after the other.
        seed: Chooses what is sent.
        targets: Among how many paths: the fewer, the more requests are equal.
        progress: A channel that is sent the number of requests done, after each.

    Cancellation: stops all clients.
    """
    tally = Tally()
    done = 0

    async def client(number: int) -> None:
        nonlocal done
        dice = random.Random(f"{seed}/{number}")
        async with httpx.AsyncClient(base_url=url, transport=Transport(keep=1), timeout=None) as connections:
            for _ in range(requests):
                (kind,) = dice.choices(list(KINDS), list(KINDS.values()))
                tally.sent[kind] += 1
                target = f"/item/{dice.randrange(targets)}"
                if kind == "leaving":
                    await leave(url, target)
                    tally.left += 1
                else:
                    await ask(connections, kind, target, dice)
                done += 1
                if progress is not None:
                    await progress.send(done)

    async def ask(connections: httpx.AsyncClient, kind: str, target: str, dice: random.Random) -> None:
        deadline = {"plain": None, "hurried": dice.choice(["1", "5", "20", "60000"]), "malformed": "soon"}[kind]
        try:
            answer = await connections.get(target, headers={HEADER: deadline} if deadline else {})
        except httpx.HTTPError as error:
            tally.lost.append(f"{kind} {target}: {error!r}")
            return
        tally.answers[kind, answer.status_code] += 1
        if answer.status_code == 200 and not answer.text.startswith(f"{target} from "):
            tally.wrong.append(f"{target}: {answer.text}")

    async with ac.ErrGroup(name="load") as group:
        for number in range(clients):
            group.go(client, number)
    return tally


async def leave(url: str, target: str) -> None:
    """Send a request, and go away without waiting for the answer."""
    address = httpx.URL(url)
    _, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(f"GET {target} HTTP/1.1\r\nhost: {address.host}\r\n\r\n".encode("ascii"))
    writer.close()
    await writer.wait_closed()
