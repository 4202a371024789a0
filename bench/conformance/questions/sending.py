"""A sender is cancelled around the moment in which its value is accepted."""

from __future__ import annotations

from bench.conformance.findings import Finding, not_asked, worst_of
from bench.conformance.ledger import NOTHING, Ledger
from bench.conformance.library import Library
from bench.conformance.questions.receiving import describe, stage_default
from bench.conformance.questions.registry import means_of, no_means, question
from bench.conformance.stage import Stage
from bench.conformance.sweeps import MOMENTS, Moment

GROUP = "Send, cancelled around its acceptance: does the sender know?"


@question(
    GROUP,
    ("send-native", "a place gets free; asyncio's means", {"by": "native", "capacity": 1}),
    ("send-scope", "a place gets free; a scope", {"by": "scope", "capacity": 1}),
    (
        "send-taken-native",
        "a place gets free, a second receiver comes; asyncio's means",
        {"by": "native", "capacity": 1, "takes": 2},
    ),
    (
        "send-taken-scope",
        "a place gets free, a second receiver comes; a scope",
        {"by": "scope", "capacity": 1, "takes": 2},
    ),
    ("send-rendezvous-native", "rendezvous, a receiver comes; asyncio's means", {"by": "native", "capacity": 0}),
    ("send-rendezvous-scope", "rendezvous, a receiver comes; a scope", {"by": "scope", "capacity": 0}),
)
async def send_cancelled(library: Library, stage: Stage, by: str, capacity: int, takes: int = 1) -> Finding:
    """Two senders are asleep; one or two receives come in one turn; the first sender is cancelled around that."""
    if not capacity and not library.rendezvous:
        return not_asked("no rendezvous")
    found = [
        await two_senders(library, stage, means, capacity, moment, takes)
        for means in means_of(stage, by)
        for moment in MOMENTS
    ]
    return worst_of(found) if found else no_means(stage)


async def two_senders(library: Library, stage: Stage, means: str, capacity: int, moment: Moment, takes: int) -> Finding:
    """Let the sender of 2 be cancelled; what it is told has to be true, and 3 has to follow."""
    ledger = Ledger(library, capacity, inside=(1,) * capacity)
    first = ledger.send(stage, 2, means)
    await stage.settle()
    second = ledger.send(stage, 3, stage_default(stage))
    await stage.settle()
    received = []

    def receive() -> None:
        received.extend(ledger.take() for _ in range(takes))

    await moment.play(stage, receive, first.leave)
    received = [value for value in received if value is not NOTHING]
    received += await ledger.drain(stage)
    ledger.settle_sender(first, 2)
    ledger.settle_sender(second, 3)
    finding = ledger.close_books(
        received, [first, second], f"{describe(capacity)}, {takes} receive(s), the sender of 2 {moment} ({means})"
    )
    await stage.clear()
    return finding
