"""What closing does to those who wait and to what is inside."""

from __future__ import annotations

from bench.conformance.findings import Finding, judge, not_asked, other, safe, show, worst_of
from bench.conformance.ledger import NOTHING, Ledger, got
from bench.conformance.library import Ended, Library
from bench.conformance.questions.receiving import describe, stage_default
from bench.conformance.questions.registry import means_of, question
from bench.conformance.stage import Stage
from bench.conformance.sweeps import MOMENTS

GROUP = "Close"
NO_END = not_asked("there is no close")


@question(
    GROUP,
    ("close-receivers", "sleeping receivers are told", {}),
)
async def receivers_are_told(library: Library, stage: Stage) -> Finding:
    """Two receivers sleep; the channel is closed."""
    if not library.closes:
        return NO_END
    ledger = Ledger(library, 1)
    receivers = [ledger.recv(stage, stage_default(stage)) for _ in range(2)]
    await stage.settle()
    library.close(ledger.channel)
    await stage.settle()
    told = f"they are told: {', '.join(map(str, receivers))}"
    asleep = any(receiver.told is None for receiver in receivers)
    return other("strands", told) if asleep else safe(told.replace("raised Ended", "the end"))


@question(
    GROUP,
    ("close-senders", "sleeping senders are told the truth", {}),
)
async def senders_are_told(library: Library, stage: Stage) -> Finding:
    """1 is inside, the sender of 2 sleeps; the channel is closed; the rest is received."""
    if not library.closes:
        return NO_END
    found = []
    for capacity in library.capacities():
        ledger = Ledger(library, capacity, inside=(1,) * capacity)
        sender = ledger.send(stage, 2, stage_default(stage))
        await stage.settle()
        library.close(ledger.channel)
        received = await ledger.drain(stage)
        ledger.settle_sender(sender, 2)
        told = "that it is sent" if sender.told == "done" else "of the end"
        if sender.told is None:
            found.append(other("strands", f"{describe(capacity)}: the sender of 2 sleeps on"))
        else:
            story = f"{describe(capacity)}, closed, the sender of 2 is told {told}"
            found.append(judge(ledger.sent, received, ledger.refused, story))
        await stage.clear()
    return worst_of(found)


@question(
    GROUP,
    ("close-inside", "what is inside can still be received, then the end", {}),
)
async def what_is_inside(library: Library, _: Stage) -> Finding:
    """1 and 2 are inside; the channel is closed; three receives."""
    if not library.closes:
        return NO_END
    ledger = Ledger(library, 2, inside=(1, 2))
    library.close(ledger.channel)
    received: list[object] = []
    for _count in range(3):
        try:
            received.append(await library.recv(ledger.channel))
        except Ended:
            received.append("the end")
    wanted = [1, 2, "the end"]
    evidence = f"1 and 2 inside, closed: received {show(received)}"
    return safe(evidence) if received == wanted else Finding("loses", evidence)


@question(
    GROUP,
    ("close-cancel", "a value delivered, then close, then the receiver is cancelled", {}),
)
async def closed_and_cancelled(library: Library, stage: Stage) -> Finding:
    """A receiver sleeps; 1 is sent and the channel closed in one turn; the receiver is cancelled around that."""
    if not library.closes:
        return NO_END
    found = []
    for means in means_of(stage, "native", "scope"):
        for moment in MOMENTS:
            ledger = Ledger(library, 1)
            receiver = ledger.recv(stage, means)
            await stage.settle()

            def send_and_close(ledger: Ledger = ledger) -> None:
                ledger.offer(1)
                library.close(ledger.channel)

            await moment.play(stage, send_and_close, receiver.leave)
            received = got(receiver) + await ledger.drain(stage)
            found.append(ledger.close_books(received, [], f"1 sent, closed, receiver {moment} ({means})"))
            await stage.clear()
    return worst_of(found)


@question(
    GROUP,
    ("close-twice", "closing twice", {}),
)
async def closed_twice(library: Library, _: Stage) -> Finding:
    """Close what is closed."""
    if not library.closes:
        return NO_END
    channel = library.make(1)
    library.close(channel)
    try:
        library.close(channel)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return safe(f"{type(error).__name__}", "raises")
    return safe("nothing happens", "no-op")


@question(
    GROUP,
    ("none", "the value `None` is told from the end", {}),
)
async def none_is_a_value(library: Library, _: Stage) -> Finding:
    """Send None, and close if that is possible."""
    ledger = Ledger(library, 1)
    ledger.offer(None)
    if ledger.troubles:
        return other("cannot send", f"sending None {ledger.troubles[0]}")
    if library.closes:
        library.close(ledger.channel)
    first, second = ledger.take(), ledger.take()
    ledger.library.discard(ledger.channel)
    if first is None and second is NOTHING:
        return safe("None received, then the end" if library.closes else "None received")
    return other("confused", f"received {first}, {second}")
