"""Barging: can a newcomer overtake somebody who was woken and has not run yet?"""

from __future__ import annotations

from bench.conformance.findings import Finding, other, safe, show
from bench.conformance.ledger import NOTHING, Ledger, got
from bench.conformance.library import Library
from bench.conformance.questions.receiving import stage_default
from bench.conformance.questions.registry import question
from bench.conformance.stage import Stage

GROUP = "A newcomer comes before the woken one has run"


@question(
    GROUP,
    ("barging-recv", "takes what a sleeping receiver was woken for?", {}),
)
async def receivers_are_overtaken(library: Library, stage: Stage) -> Finding:
    """A and B sleep; 1 is sent; a newcomer asks in the same turn; then 2 is sent. A was first and has to have 1."""
    ledger = Ledger(library, 2)
    first, second = ledger.recv(stage, stage_default(stage)), ledger.recv(stage, stage_default(stage))
    await stage.settle()
    ledger.offer(1)
    newcomer = ledger.take()
    await stage.settle()
    ledger.offer(2)
    await stage.settle()
    ledger.library.discard(ledger.channel)
    story = f"1 sent to sleeping A; a newcomer asks in the same turn; 2 sent. A got {show(got(first))}"
    if newcomer is NOTHING:
        return safe(f"{story}, B {show(got(second))}, the newcomer nothing")
    queue_lost = "; A also lost its place in line" if got(second) else ""
    return other("barges", f"{story}, B {show(got(second))}, the newcomer {newcomer}{queue_lost}")


@question(
    GROUP,
    ("barging-send", "gets in before a sleeping sender who was woken?", {}),
)
async def senders_are_overtaken(library: Library, stage: Stage) -> Finding:
    """1 is inside, 2 waits; 1 is taken; a newcomer sends 3 in the same turn. 2 waited, so it has to come first."""
    ledger = Ledger(library, 1, inside=(1,))
    waiting = ledger.send(stage, 2, stage_default(stage))
    await stage.settle()
    received = [ledger.take()]
    let_in = ledger.offer(3)
    received += await ledger.drain(stage)
    story = f"1 inside, 2 waits; 1 taken; 3 comes in the same turn{'' if let_in else ' and is refused'}"
    finding = Finding("safe", f"{story}: received {show(received)}")
    ledger.library.discard(ledger.channel)
    if received != [1, 2, 3][: 2 + let_in]:
        finding = Finding("reorders", f"{story}: received {show(received)}; the sender of 2 is {waiting}")
    return finding
