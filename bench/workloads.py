"""What is measured. A peer has one `async def name(count)` for each workload it can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One row of the table."""

    name: str  # of the function in the files of the peers
    title: str
    operation: str  # what is counted
    count: int  # operations in one sample: about a quarter of a second for the slowest peer


WORKLOADS = [
    Workload("stream", "one producer, one consumer, capacity 100", "value", 200_000),
    Workload("ping_pong", "ping-pong", "round trip", 20_000),
    Workload("select_ready", "select of 10, one ready", "select", 3_000),
]

# The first is the one that the others are divided by. Each is a file in bench/peers.
PEERS = {
    "aiochan": "aiochan",
    "asyncio_queue": "asyncio.Queue, race of tasks",
}
