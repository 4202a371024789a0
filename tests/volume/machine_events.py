"""What the state machine of machine.py has come across, counted: rules that were executed and events that matter.

A machine that draws at random can go blind without a word: a precondition too many, and nobody is ever cancelled in
the turn of his wake-up again. `IMPORTANT` names what has to occur; test_machine.py sees to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiochan.testing.model import Answer, ModelCase, ModelChan, ModelSignal, Op, Outcome
from tests.testing.differential import Spec

IMPORTANT = (
    "send: slept",
    "recv: slept",
    "recv_ok: slept",
    "async for: slept",
    "async for: ended",
    "reserve: slept",
    "select: slept",
    "select: drew among several",
    "select: asleep in several lines",
    "select: asleep with cases that share a line",
    "select: asleep on both sides of a channel",
    "select: asleep with a nil case",
    "select: asleep for ever",
    "select_nowait: done",
    "select_nowait: blocked",
    "select_nowait: closed",
    "select_loop: slept",
    "select_loop: a case left",
    "select_loop: raised",
    "select_loop: ended",
    "two rounds of one select_loop",
    "cancel: in sleep",
    "cancel: a select in sleep",
    "cancel: in the turn of the wake-up",
    "cancel: granted a recv",
    "cancel: granted a send",
    "cancel: granted a reserve",
    "cancel: told the end",
    "cancel: a select that was served",
    "cancel: twice",
    "killed: parked",
    "killed: woken",
    "promise: handed on",
    "promise: lapsed",
    "promise: lapsed and made a value drop",
    "place: handed on",
    "place: free again",
    "place: used",
    "place: refused, the channel is closed",
    "value: taken back",
    "value: taken back for the next sender",
    "value: stayed",
    "close: receivers asleep",
    "close: several receivers asleep",
    "close: senders asleep",
    "close: reservations asleep",
    "close: values promised",
    "close: again",
    "end: told by the last receiver",
    "drop_oldest",
    "drop_newest",
    "state: more surplus than capacity",
    "state: closed, receivers wait for the end",
    "state: somebody waits behind a place",
    "timeout: in time",
    "timeout: due and yet in time",
    "timeout: told",
    "timeout: rang in sleep",
    "timeout: rang in the turn of the wake-up",
    "timeout: rang after a cancel",
    "ran out of turn",
    "drained",
    "made: signal",
    "made: wait 0",
    "made: wait 1",
    "made: wait 2",
    "made: wait inf",
    "made: drop_oldest 1",
    "made: drop_oldest 2",
    "made: drop_newest 1",
    "made: drop_newest 2",
    "signal: heard in sleep",
)
RARE = ("select_loop: went on to sleep",)  # about once in 10,000 steps


class Events:
    """Counts of rules and events."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.examples = 0
        self._sent = self._values = 0

    @property
    def steps(self) -> int:
        """How many rules were executed that touched a channel, a task or the loop."""
        return self.rules.total()

    def saw(self, event: str, really: bool = True, *, count: int = 1) -> None:
        if really:
            self.seen[event] += count

    def makes(self, spec: Spec) -> None:
        """A channel is made."""
        self.saw("made: signal" if spec.capacity is None else f"made: {spec.overflow} {spec.capacity}")

    def begins(self, name: str, outcome: Outcome) -> None:
        what = name.partition(" (")[0].partition(" v")[0]  # without the number of the move, and without the value
        self.saw(f"{what}: {'slept' if outcome.what == 'parked' else 'at once'}")

    def parks(self, op: Op, cases: Sequence[ModelCase | None]) -> None:
        """A select goes to sleep."""
        real = [case for case in cases if case is not None]
        stood = len(op.waits_on)
        self.saw("select: asleep with a nil case", len(real) < len(cases))
        self.saw("select: asleep for ever", not real)
        self.saw("select: asleep in several lines", stood > 1)
        self.saw("select: asleep with cases that share a line", stood < len(real))
        sides = {(id(case.chan), case.side) for case in real}
        self.saw("select: asleep on both sides of a channel", len({chan for chan, _ in sides}) < len(sides))

    def cancels(self, op: Op, *, again: bool) -> None:
        """Somebody is cancelled."""
        if again:
            self.saw("cancel: twice")
        if op.state == "parked":
            self.saw("cancel: in sleep")
            self.saw("cancel: a select in sleep", str(op.name).startswith("select"))
        elif op.state == "woken" and not op.cancelled:
            assert op.won is not None
            self.saw("cancel: in the turn of the wake-up")
            kind = "told the end" if op.told else f"granted a {op.won.case.side}"
            self.saw(f"cancel: {kind}")
            self.saw("cancel: a select that was served", not op.told and op.won.index is not None)

    @contextmanager
    def concluding(self, op: Op) -> Iterator[None]:
        """Remember what a channel looked like before a woken operation runs."""
        assert op.won is not None
        chan = op.won.case.chan
        self._sent, self._values = chan.sent, chan.dropped
        yield

    def concludes(self, op: Op, answer: Answer) -> None:
        """A woken operation has run, in the model."""
        won = op.won
        assert won is not None
        chan, side = won.case.chan, won.case.side
        if not op.cancelled:
            self.saw("signal: heard in sleep", isinstance(chan, ModelSignal))
            self.saw("end: told by the last receiver", any(woken.told for woken in answer.woken))
        elif op.told:
            pass
        elif side == "recv":
            self.saw("promise: handed on" if answer.woken else "promise: lapsed")
            self.saw("promise: lapsed and made a value drop", chan.dropped > self._values)
        elif side == "reserve":
            self.saw("place: handed on" if answer.woken else "place: free again")
        else:
            self.saw("value: taken back" if chan.sent < self._sent else "value: stayed")
            self.saw("value: taken back for the next sender", chan.sent == self._sent and bool(answer.woken))

    def closes(self, chan: ModelChan) -> None:
        """Somebody closes a channel."""
        if chan.closed:
            self.saw("close: again")
            return
        self.saw("close: receivers asleep", bool(chan.waiting("recv")))
        self.saw("close: several receivers asleep", len(chan.waiting("recv")) > 1)
        self.saw("close: senders asleep", bool(chan.waiting("send")))
        self.saw("close: reservations asleep", bool(chan.waiting("reserve")))
        self.saw("close: values promised", bool(chan.promised))

    def states(self, chan: ModelChan) -> None:
        """Any channel, after any move."""
        self.saw(
            "state: more surplus than capacity",
            chan.overflow == "wait" and len(chan.held) > chan.capacity + len(chan.promised),
        )
        if chan.closed and chan.promised and chan.line:
            self.saw("state: closed, receivers wait for the end")
        if chan.places and chan.line:
            self.saw("state: somebody waits behind a place")

    def missing(self, names: Sequence[str]) -> list[str]:
        """Name what has not occurred."""
        return [name for name in names if not self.seen[name]]

    def lines(self) -> list[str]:
        """Say it all, most frequent first."""
        width = max(map(len, (*self.rules, *self.seen)))
        parts = ("rules", self.rules), ("events", self.seen)
        return [
            line
            for title, counts in parts
            for line in (f"{title}:", *(f"  {name:{width}} {n:>9}" for name, n in counts.most_common()))
        ]
