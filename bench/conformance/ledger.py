"""What was sent into one channel and what came out of it."""

from __future__ import annotations

from typing import Any

from bench.conformance.findings import Finding, judge, other, show, worst_of
from bench.conformance.library import Ended, Library, Refused
from bench.conformance.stage import Actor, Stage

NOTHING = object()


class Ledger:
    """One channel under observation, in one trial.

    Attributes:
        sent: the values that are in, as far as their senders know, in order.
        refused: the values whose senders were told that they are not sent.
        troubles: the errors that nobody asked for.
    """

    def __init__(self, library: Library, capacity: int, *, inside: tuple[Any, ...] = ()) -> None:
        self.library = library
        self.channel = library.make(capacity)
        self.sent: list[Any] = []
        self.refused: list[Any] = []
        self.troubles: list[str] = []
        for value in inside:
            self.offer(value)

    def offer(self, value: Any) -> bool:
        """Send without waiting, and say whether it is in."""
        try:
            self.library.send_nowait(self.channel, value)
        except (Refused, Ended):
            self.refused.append(value)
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self.troubles.append(f"raises {type(error).__name__}")
            return False
        self.sent.append(value)
        return True

    def take(self) -> Any:
        """Receive without waiting, or answer `NOTHING`."""
        try:
            return self.library.recv_nowait(self.channel)
        except (Refused, Ended):
            return NOTHING
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self.troubles.append(f"raises {type(error).__name__}")
            return NOTHING

    async def drain(self, stage: Stage) -> list[Any]:
        """Take all that is left."""
        left = []
        await stage.settle()
        while (value := self.take()) is not NOTHING:
            left.append(value)
            await stage.settle()
        return left

    def send(self, stage: Stage, value: Any, means: str) -> Actor:
        """Start a sender."""
        return stage.spawn(lambda: self.library.send(self.channel, value), means)

    def recv(self, stage: Stage, means: str) -> Actor:
        """Start a receiver."""
        return stage.spawn(lambda: self.library.recv(self.channel), means)

    def settle_sender(self, sender: Actor, value: Any) -> None:
        """Write down what a sender was told."""
        if sender.told == "done":
            self.sent.append(value)
        else:
            self.refused.append(value)

    def close_books(self, received: list[Any], actors: list[Actor], story: str) -> Finding:
        """Judge the trial.

        Args:
            received: what came out, in line.
            actors: all who took part; a sender or receiver who should be awake by now is a finding of its own.
            story: what happened.
        """
        self.library.discard(self.channel)
        findings = [judge(self.sent, received, self.refused, story)]
        if self.troubles:
            findings.append(other(self.troubles[0], f"{story}: the other side {self.troubles[0]}"))
        for actor in actors:
            if actor.told is None:
                findings.append(other("strands", f"{story}: somebody sleeps on, received {show(received)}"))
            elif actor.told.startswith("raised"):
                findings.append(other(actor.told.replace("raised", "raises"), f"{story}: {actor.told}"))
            elif actor.deaf:
                findings.append(other("cancel lost", f"{story}: the cancellation is never heard"))
        worst = worst_of(findings)
        return Finding(worst.verdict, worst.evidence, worst.word)


def got(*receivers: Actor) -> list[Any]:
    """List what receivers got, in line."""
    return [receiver.value for receiver in receivers if receiver.told == "done"]
