"""A receiver is cancelled around the moment in which it gets a value."""

from __future__ import annotations

from bench.conformance.findings import Finding, worst_of
from bench.conformance.ledger import Ledger, got
from bench.conformance.library import Library
from bench.conformance.questions.registry import means_of, no_means, question
from bench.conformance.stage import Stage
from bench.conformance.sweeps import MOMENTS, Moment

GROUP = "Receive, cancelled around the delivery of a value"
NEXT = "Two receivers; the first is cancelled around the delivery"


@question(
    GROUP,
    ("recv-cancel", "`task.cancel()`", {"by": "task.cancel()"}),
    ("recv-timeout", "`asyncio.timeout` expires", {"by": "asyncio.timeout"}),
    ("recv-wait-for", "`asyncio.wait_for` expires", {"by": "asyncio.wait_for"}),
    ("recv-wait-for-cancel", "cancelled inside `asyncio.wait_for`", {"by": "wait_for, cancelled"}),
    ("recv-scope", "a scope of anyio or trio", {"by": "scope"}),
)
async def receive_cancelled(library: Library, stage: Stage, by: str) -> Finding:
    """One receiver, one value, one cancellation, at every distance."""
    found = [
        await one_receiver(library, stage, means, capacity, moment)
        for means in means_of(stage, by)
        for capacity in library.capacities()
        for moment in MOMENTS
    ]
    return worst_of(found) if found else no_means(stage)


async def one_receiver(library: Library, stage: Stage, means: str, capacity: int, moment: Moment) -> Finding:
    """Deliver 1 and then, later, 2."""
    ledger = Ledger(library, capacity)
    receiver = ledger.recv(stage, means)
    await stage.settle()
    await moment.play(stage, lambda: ledger.offer(1) and None, receiver.leave)
    left = await ledger.drain(stage)
    if capacity:
        ledger.offer(2)
        left += await ledger.drain(stage)
    if means == "wait_for, cancelled":
        receiver.cancels_the_task += (means,)
    finding = ledger.close_books(got(receiver) + left, [receiver], f"{describe(capacity)}, 1 sent; {moment} ({means})")
    await stage.clear()
    return finding


@question(
    NEXT,
    ("next-one-native", "one value, asyncio's means: the second gets it", {"by": "native", "values": 1}),
    ("next-one-scope", "one value, a scope: the second gets it", {"by": "scope", "values": 1}),
    ("next-native", "two values, asyncio's means: the order stays", {"by": "native", "values": 2}),
    ("next-scope", "two values, a scope: the order stays", {"by": "scope", "values": 2}),
)
async def next_in_line(library: Library, stage: Stage, by: str, values: int) -> Finding:
    """Two receivers are asleep; 1, or 1 and 2, are sent in one turn; the first is cancelled around that."""
    found = [
        await two_receivers(library, stage, means, capacity, moment, values)
        for means in means_of(stage, by)
        for capacity in [2, *library.capacities()[1:]]
        for moment in MOMENTS
    ]
    return worst_of(found) if found else no_means(stage)


async def two_receivers(
    library: Library, stage: Stage, means: str, capacity: int, moment: Moment, values: int
) -> Finding:
    """Let the first of two be cancelled; the second has to get a value, and the order has to stay."""
    ledger = Ledger(library, capacity)
    first = ledger.recv(stage, means)
    await stage.settle()  # `wait_for` goes to sleep a turn later on 3.11
    second = ledger.recv(stage, stage_default(stage))
    await stage.settle()

    def deliver() -> None:
        for value in range(1, values + 1):
            ledger.offer(value)

    await moment.play(stage, deliver, first.leave)
    left = await ledger.drain(stage)
    finding = ledger.close_books(
        got(first, second) + left,
        [first] + [second] * bool(left),
        f"{describe(capacity)}, {values} value(s) sent to two receivers; the first {moment} ({means})",
    )
    await stage.clear()
    return finding


def stage_default(stage: Stage) -> str:
    """Name the plain way to be cancelled."""
    return stage.native[0] if stage.native else "scope"


def describe(capacity: int) -> str:
    """Say what kind of channel it is."""
    return f"room for {capacity}" if capacity else "rendezvous"
