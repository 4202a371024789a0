"""Programs made by dice: three senders, three receivers, cancellations anywhere, and a ledger."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.conformance.findings import LIE, Finding, other, safe, show, worst_of
from bench.conformance.ledger import NOTHING, Ledger
from bench.conformance.library import Library
from bench.conformance.questions.receiving import stage_default
from bench.conformance.questions.registry import means_of, no_means, question
from bench.conformance.stage import Actor, Stage

GROUP = "Programs made by dice, with a ledger"
SEEDS = int(os.environ.get("CONFORMANCE_SEEDS", "300"))
SENDERS, RECEIVERS, VALUES, STEPS = 3, 3, 4, 60


@question(
    GROUP,
    ("random-recv-native", "receivers are cancelled by asyncio's means", {"by": "native", "victims": "receivers"}),
    ("random-recv-scope", "receivers are cancelled by scopes", {"by": "scope", "victims": "receivers"}),
    ("random-send-native", "senders are cancelled by asyncio's means", {"by": "native", "victims": "senders"}),
    ("random-send-scope", "senders are cancelled by scopes", {"by": "scope", "victims": "senders"}),
)
async def programs(library: Library, stage: Stage, by: str, victims: str) -> Finding:
    """Run as many as there are seeds."""
    means = means_of(stage, by)
    if not means:
        return no_means(stage)
    found = []
    for seed in range(SEEDS):
        found.append(await Program(library, stage, means, victims, seed).run())
        await stage.clear()
    return worst_of(found)


@dataclass
class Program:
    """One of them."""

    library: Library
    stage: Stage
    means: list[str]
    victims: str
    seed: int
    sending: dict[Actor, tuple[int, int]] = field(default_factory=dict)  # (sender, number of the value)
    receiving: list[Actor] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)
    refused: list[tuple[int, int]] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)
    taken: dict[Any, tuple[int, int]] = field(default_factory=dict)  # when the receive of a value began and ended
    troubles: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        # A rendezvous cannot take a value back: what a cancelled sender is told there is asked elsewhere.
        least = 0 if self.library.rendezvous and self.victims == "receivers" else 1
        self.capacity = self.dice.randint(least, 3)
        self.ledger = Ledger(self.library, self.capacity)
        self.offered = 0
        self.todo = [[(sender, number) for number in range(VALUES)] for sender in range(SENDERS)]

    async def run(self) -> Finding:
        """Throw the dice for a while, then let all that is left go through."""
        for _ in range(STEPS):
            match self.dice.randrange(7):
                case 0:
                    self.start_receiver()
                case 1:
                    self.start_sender()
                case 2:
                    self.offer()
                case 3:
                    self.take()
                case 4 | 5:
                    self.cancel_somebody()
                case _:
                    await self.stage.turn(self.dice.randint(1, 3))
            self.collect()
        await self.finish()
        return self.judge()

    def pick_means(self, side: str) -> str:
        """Choose a way to be cancelled."""
        return self.dice.choice(self.means) if side == self.victims else stage_default(self.stage)

    def start_receiver(self) -> None:
        """Let one more receive."""

        async def receive() -> Any:
            began = self.now()
            value = await self.library.recv(self.ledger.channel)
            self.taken[value] = (began, self.now())
            return value

        if len(self.receiving) < RECEIVERS:
            self.receiving.append(self.stage.spawn(receive, self.pick_means("receivers")))

    def start_sender(self) -> None:
        """Let a sender who is not at it send its next value."""
        busy = {sender for sender, _ in self.sending.values()}
        if idle := [values for sender, values in enumerate(self.todo) if values and sender not in busy]:
            value = self.dice.choice(idle).pop(0)
            actor = self.ledger.send(self.stage, value, self.pick_means("senders"))
            self.sending[actor] = value

    def offer(self) -> None:
        """Send from outside, without waiting."""
        if self.ledger.offer((SENDERS, self.offered)):
            self.sent.append((SENDERS, self.offered))
        self.offered += 1

    def take(self) -> None:
        """Receive from outside, without waiting."""
        if (value := self.ledger.take()) is not NOTHING:
            self.received.append(value)
            self.taken[value] = (self.now(), self.now())

    def cancel_somebody(self) -> None:
        """Cancel one of the victims, wherever it is."""
        victims = self.receiving if self.victims == "receivers" else list(self.sending)
        # Who is cancelled before its first step never starts, in any library.
        ready = [actor for actor in victims if actor.started and not actor.asked]
        if ready:
            self.dice.choice(ready).leave()

    def collect(self) -> None:
        """Write down who has finished."""
        for actor in [actor for actor in self.receiving if actor.told]:
            self.receiving.remove(actor)
            self.note(actor)
            if actor.told == "done":
                self.received.append(actor.value)
        for actor in [actor for actor in self.sending if actor.told]:
            value = self.sending.pop(actor)
            self.note(actor)
            (self.sent if actor.told == "done" else self.refused).append(value)

    def note(self, actor: Actor) -> None:
        """Write down what nobody asked for."""
        if actor.told and actor.told.startswith("raised"):
            self.troubles.append(actor.told.replace("raised", "raises"))

    async def finish(self) -> None:
        """Let everything be sent and received; whoever sleeps on then was forgotten."""
        for _ in range(SENDERS * VALUES * 3):
            await self.stage.settle()
            self.collect()
            if not self.sending and not any(self.todo) and (not self.receiving or len(self.receiving) == RECEIVERS):
                break
            self.start_sender()
            self.start_receiver()
        await self.stage.settle()
        self.collect()
        self.forgotten = len(self.sending)
        left = await self.ledger.drain(self.stage)
        self.stranded = bool(left) and bool(self.receiving)
        self.received += left
        self.taken |= {value: (self.now(), self.now()) for value in left}
        self.library.discard(self.ledger.channel)

    def judge(self) -> Finding:
        """Close the books."""
        story = f"seed {self.seed}"
        missing = [value for value in self.sent if value not in self.received]
        if missing:
            return Finding(
                "loses", f"{story}: {len(missing)} of {len(self.sent)} values lost, {show(missing[:1])} first"
            )
        if twice := [value for value, count in Counter(self.received).items() if count > 1]:
            return Finding("doubles", f"{story}: {show(twice[:1])} received twice")
        if lies := [value for value in self.refused if value in self.received]:
            return Finding(
                "doubles", f"{story}: {show(lies[:1])} received, its sender was told that it is not sent", LIE
            )
        if self.out_of_order():
            return Finding("reorders", f"{story}: values of one sender received in another order")
        if troubles := self.troubles + self.ledger.troubles:
            return other(troubles[0], f"{story}: somebody {troubles[0]}")
        if self.forgotten or self.stranded:
            return other("strands", f"{story}: somebody sleeps on beside a value or a free place")
        return safe(f"{SEEDS} seeds, nothing lost, doubled or reordered")

    def now(self) -> int:
        """Tell the time, by counting how often it was asked for."""
        self.asked += 1
        return self.asked

    def out_of_order(self) -> bool:
        """Look for a value that was received by somebody who began when a later one of its sender was gone already.

        Receives that overlap may end in either order: who was woken first need not run first.
        """
        for value, (began, _) in self.taken.items():
            for later, (_, ended) in self.taken.items():
                if later[0] == value[0] and later[1] > value[1] and ended < began:
                    return True
        return False
