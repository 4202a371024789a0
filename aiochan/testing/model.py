"""The reference model of a channel: its rules as plain data, to compare a real channel with.

Nothing waits here and nothing runs: an operation is a token (`Op`), and whoever uses the model says
when an operation begins, when a woken one gets to run and when one is cancelled. Nothing is fast
either. The model has one waiting list per channel, in order of arrival, searched from the front
every time, and it counts nothing that it can look up. A real channel is built differently, so that
both are unlikely to be wrong in the same way.

The rules, with S for the surplus: values held, without those promised to a woken receiver that has
not run yet.

  R1   A receive happens at once if S > 0, or a sender waits, or the channel is closed and holds
       nothing.
  R2   A send happens at once if there is room (S + places reserved < capacity), or a receiver
       waits, or the channel is closed; in a dropping channel always. A reservation happens at once
       if there is room, or the channel is closed.
  R3   Whoever takes a value takes the oldest. Values enter in the order in which their sends were
       done or admitted from the line.
  R4   What cannot happen at once waits, in order of arrival; senders and reservations wait in one
       line.
  R5   While S > 0, the longest waiting receiver is promised a value: it is woken, the value stays.
  R6   While there is room, the longest waiting sender or reservation gets it: the sender's value
       enters.
  R7   A woken operation that runs gets what it was granted. One that was cancelled meanwhile hands
       it on when it runs: the promise ends (R5 finds the next); the place is free again; the value
       is taken back if it is still there and S > 0.
  R8   An operation that is cancelled while it waits is out of every line at once; nobody moves.
  R9   Closing tells waiting receivers first, once nothing is held any more; waiting senders and
       then reservations at once.
  R10  A full dropping channel without a waiting receiver drops what arrives (`drop_newest`), or the
       oldest value nobody was promised (`drop_oldest`; it does so too when a promise ends and
       leaves one value too many).
  R11  A select waits in several lines as one operation, at most once per channel and side. What is
       granted first is its only case, and it is out of all other lines at once. It is never its own
       partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiochan.testing.tokens import (
    Answer,
    Kind,
    ModelCase,
    ModelStats,
    Op,
    Outcome,
    Overflow,
    Pick,
    Standing,
)

__all__ = [
    "Answer",
    "Kind",
    "ModelCase",
    "ModelChan",
    "ModelSignal",
    "Op",
    "Outcome",
    "Standing",
    "ready",
    "select",
    "select_nowait",
]


@dataclass(eq=False)
class _Value:
    """A value in a channel, and the admitted sender that has not run yet and might want it back."""

    value: object
    sender: Op | None = None


class ModelChan:
    """One channel of the model.

    Args:
        capacity: 0, a positive number, or `math.inf`.
        overflow: `"wait"`, `"drop_oldest"` or `"drop_newest"`.
    """

    def __init__(self, capacity: float = 0, *, overflow: Overflow = "wait") -> None:
        if overflow != "wait" and capacity < 1:
            raise ValueError("a dropping channel needs a capacity of at least 1")
        self.capacity = capacity
        self.overflow = overflow
        self.closed = False
        self.cause: BaseException | None = None
        self.line: list[Standing] = []  # everybody who waits here, longest first
        self.promised: list[Op] = []  # receivers that were woken and have not run
        self.places: list[Op] = []  # reservations that were given a place and have not used it
        self.sent = self.received = self.dropped = 0
        self._values: list[_Value] = []
        self._woken: list[Op] = []

    # -- operations

    def send(self, op: Op, value: object) -> Answer:
        """`await ch.send(value)` begins."""
        return _begin(op, [ModelCase(self, "send", value)])

    def recv(self, op: Op) -> Answer:
        """`await ch.recv()` begins."""
        return _begin(op, [ModelCase(self, "recv")])

    def recv_ok(self, op: Op) -> Answer:
        """`await ch.recv_ok()` begins."""
        return _begin(op, [ModelCase(self, "recv_ok")])

    def reserve(self, op: Op) -> Answer:
        """`async with ch.reserve()` begins. Once done, `op` stands for the permit."""
        if self.capacity < 1 or self.overflow != "wait":
            raise ValueError("only a channel with room that makes senders wait has places to reserve")
        return _begin(op, [ModelCase(self, "reserve")])

    def send_nowait(self, value: object) -> Answer:
        """`ch.send_nowait(value)`."""
        return _nowait([ModelCase(self, "send", value)])

    def recv_nowait(self) -> Answer:
        """`ch.recv_nowait()`."""
        return _nowait([ModelCase(self, "recv")])

    def use(self, op: Op, value: object) -> Answer:
        """`permit.send(value)`: the value enters now, ahead of all senders that wait.

        A closed channel refuses it, and the place is kept until it is given up.
        """
        if op not in self.places or op.state != "over":
            raise ValueError(f"{op} has no place here")
        if self.closed:
            return Answer(self._end("send", None))
        self.places.remove(op)
        self._enter(_Value(value))
        return self._answer(Outcome("done"))

    def give_up(self, op: Op) -> Answer:
        """Leave the block of a reservation; a place that was not used is free again."""
        if op in self.places:
            self.places.remove(op)
        return self._answer(Outcome("done"))

    def is_ready(self, case: ModelCase) -> bool:
        """Whether a case of this channel can happen at once (R1, R2)."""
        if case.side == "recv":
            return self._surplus() > 0 or self._first("send") is not None or (self.closed and not self._values)
        if self.closed or self._room():
            return True
        return case.kind == "send" and (self.overflow != "wait" or self._first("recv") is not None)

    def do(self, op: Op | None, case: ModelCase, index: int | None) -> Answer:
        """Let a case happen that is ready; `op` is needed for a reservation only."""
        return self._answer(self._perform(op, case, index))

    def close(self, cause: BaseException | None = None) -> Answer:
        """`ch.close(cause)` (R9)."""
        if self.closed:
            return Answer(Outcome("closed"))
        self.closed, self.cause = True, cause
        self._obey()
        for side in ("send", "reserve"):
            while (standing := self._first(side)) is not None:
                self._wake(standing, told=True)
        return self._answer(Outcome("done"))

    @staticmethod
    def cancel(op: Op) -> Answer:
        """Cancel `op` while it is parked (R8), or between wake-up and run: then `run` hands on."""
        if op.state == "parked":
            _leave_all(op)
            op.state = "over"
            return Answer(Outcome("cancelled"))
        assert op.state == "woken", f"{op} has nothing to be cancelled"
        op.cancelled = True
        return Answer(Outcome("parked"))

    @staticmethod
    def run(op: Op) -> Answer:
        """Let a woken operation run: it gets its result, or hands on what it got (R7)."""
        won = op.won
        assert op.state == "woken" and won is not None, f"{op} cannot run"
        op.state = "over"
        chan = won.case.chan
        if op.cancelled:
            if not op.told:
                chan._hand_on(won)
            return chan._answer(Outcome("cancelled"))
        if op.told:
            return chan._answer(chan._end(won.case.kind, won.index))
        return chan._answer(chan._redeem(won))

    # -- what can be seen

    @property
    def held(self) -> tuple[tuple[object, bool], ...]:
        """All values, oldest first, each with whether its sender might still take it back."""
        return tuple((v.value, v.sender is not None) for v in self._values)

    def waiting(self, side: str) -> tuple[Standing, ...]:
        """Who waits on one side (`"recv"`, `"send"`, `"reserve"`), longest first."""
        return tuple(s for s in self.line if s.case.side == side)

    def stats(self) -> ModelStats:
        """The figures that the channel's `stats()` would tell."""
        return ModelStats(
            length=self._surplus(),
            promised=len(self.promised),
            reserved=len(self.places),
            capacity=self.capacity,
            parked_senders=len(self.line) - len(self.waiting("recv")),
            parked_receivers=len(self.waiting("recv")),
            sent=self.sent,
            received=self.received,
            dropped=self.dropped,
            closed=self.closed,
        )

    def check(self) -> None:
        """Assert what must be true whenever nothing is going on."""
        receivers, senders = self.waiting("recv"), self.waiting("send")
        slots = self.waiting("reserve")
        assert 0 <= len(self.promised) <= len(self._values), "more promised than held"
        assert not (self._surplus() and receivers), "a receiver waits beside a value"
        assert not (self._room() and (senders or slots)), "a sender waits beside a free place"
        assert not (self.closed and (senders or slots)), "a sender waits at a closed channel"
        assert not (self.closed and receivers and not self._values), "a receiver missed the end"
        if receivers and senders:
            assert len({id(s.op) for s in receivers + senders}) == 1, "partners wait side by side"
        assert all(s.op.state == "parked" for s in self.line), "who does not wait stands in line"
        assert self.sent == self.received + self.dropped + len(self._values), "a value was lost"
        assert all(op.state == "woken" for op in self.promised), "a promise to nobody"

    # -- the rules

    def _surplus(self) -> int:
        return len(self._values) - len(self.promised)

    def _room(self) -> bool:
        return self._surplus() + len(self.places) < self.capacity

    def _first(self, *sides: str) -> Standing | None:
        return next((s for s in self.line if s.case.side in sides), None)

    def _perform(self, op: Op | None, case: ModelCase, index: int | None) -> Outcome:
        if case.side == "recv":
            if self._surplus() == 0:
                if (sender := self._first("send")) is None:
                    return self._end(case.kind, index)
                self._admit(sender)
            return self._got(case.kind, index)
        if self.closed:
            return self._end(case.kind, index)
        if op is not None and case.kind == "reserve":
            self.places.append(op)
        else:
            self._enter(_Value(case.value))
        return Outcome("done", None, index)

    def _redeem(self, won: Standing) -> Outcome:
        if won.case.side == "recv":
            self.promised.remove(won.op)
            return self._got(won.case.kind, won.index)
        self._forget_sender(won.op)
        return Outcome("done", None, won.index)

    def _hand_on(self, won: Standing) -> None:
        """R7 for a cancelled operation; `_obey` finds the next in line."""
        if won.case.side == "recv":
            self.promised.remove(won.op)
            if self._first("recv") is None and self.overflow == "drop_oldest":
                self._trim()
        elif won.case.kind == "reserve":
            self.places.remove(won.op)
        else:
            mine = [v for v in self._values if v.sender is won.op]
            if mine and self._surplus() > 0:
                self._values.remove(mine[0])
                self.sent -= 1
            self._forget_sender(won.op)

    def _forget_sender(self, op: Op) -> None:
        for value in self._values:
            if value.sender is op:
                value.sender = None

    def _got(self, kind: Kind, index: int | None) -> Outcome:
        value = self._values.pop(0).value  # R3
        self.received += 1
        return Outcome("done", (value, True) if kind == "recv_ok" else value, index)

    def _end(self, kind: Kind, index: int | None) -> Outcome:
        if kind == "recv_ok":
            return Outcome("done", (None, False), index)
        return Outcome("closed", None, index, self.cause)

    def _enter(self, value: _Value) -> None:
        self.sent += 1
        if self.overflow == "drop_newest" and not self._room() and self._first("recv") is None:
            self.dropped += 1  # R10
            return
        self._values.append(value)
        if self.overflow == "drop_oldest" and self._first("recv") is None:
            self._trim()

    def _trim(self) -> None:
        """R10: the values promised to receivers are the oldest ones."""
        while self._surplus() > self.capacity:
            self._values.pop(len(self.promised))
            self.dropped += 1

    def _admit(self, sender: Standing) -> None:
        self.sent += 1
        self._values.append(_Value(sender.case.value, sender.op))
        self._wake(sender)

    def _wake(self, standing: Standing, *, told: bool = False) -> None:
        op = standing.op
        _leave_all(op)  # R11
        op.state, op.won, op.told = "woken", standing, told
        self._woken.append(op)

    def _obey(self) -> None:
        """R5, R6 and the receivers' part of R9, until they ask for nothing more."""
        while True:
            receiver = self._first("recv")
            if receiver is not None and self._surplus() > 0:
                self.promised.append(receiver.op)
                self._wake(receiver)
            elif receiver is not None and self.closed and not self._values:
                self._wake(receiver, told=True)
            elif self._room() and (next_in := self._first("send", "reserve")) is not None:
                if next_in.case.kind == "send":
                    self._admit(next_in)
                else:
                    self.places.append(next_in.op)
                    self._wake(next_in)
            else:
                return

    def _answer(self, outcome: Outcome) -> Answer:
        self._obey()
        woken, self._woken = tuple(self._woken), []
        return Answer(outcome, woken)


class ModelSignal(ModelChan):
    """A signal of the model: a channel without values, whose end is the message."""

    def __init__(self) -> None:
        super().__init__(0)

    def close(self, cause: BaseException | None = None) -> Answer:
        """`signal.close()`; closing again does nothing."""
        return Answer(Outcome("done")) if self.closed else super().close(cause)

    def _end(self, kind: Kind, index: int | None) -> Outcome:
        return Outcome("done", (None, False) if kind == "recv_ok" else None, index)


# -- select, and the operations of one case, which are nothing else


def ready(cases: Sequence[ModelCase | None], *, biased: bool = False) -> list[int]:
    """Return the cases of which one may be chosen now; none means that the select would wait."""
    now = [i for i, case in enumerate(cases) if case is not None and case.chan.is_ready(case)]
    return now[:1] if biased else now


def select(op: Op, cases: Sequence[ModelCase | None], pick: Pick = min, *, biased: bool = False) -> Answer:
    """`await select(*cases)` begins.

    Args:
        op: The operation.
        cases: Its cases; None is one that never happens.
        pick: Chooses among the cases that are ready; if none is, once for every channel and side
            that several cases share, which of them is to stand in that line.
        biased: The first ready case happens, the first sharing case stands.
    """
    return _begin(op, cases, pick, biased=biased, numbered=True)


def select_nowait(cases: Sequence[ModelCase | None], pick: Pick = min, *, biased: bool = False) -> Answer:
    """`select_nowait(*cases)`."""
    return _nowait(cases, pick, biased=biased, numbered=True)


def _begin(
    op: Op,
    cases: Sequence[ModelCase | None],
    pick: Pick = min,
    *,
    biased: bool = False,
    numbered: bool = False,
) -> Answer:
    """Try, else park."""
    assert op.state == "new", f"{op} began already"
    if now := ready(cases, biased=biased):
        op.state = "over"
        return _now(op, cases, _chosen(now, pick), numbered)
    op.state = "parked"
    for group in _shared(cases):
        index = group[0] if biased else _chosen(group, pick)
        case = cases[index]
        assert case is not None
        case.chan.line.append(Standing(op, case, index if numbered else None))
        op.waits_on.append(case.chan)
    return Answer(Outcome("parked"))


def _nowait(
    cases: Sequence[ModelCase | None],
    pick: Pick = min,
    *,
    biased: bool = False,
    numbered: bool = False,
) -> Answer:
    if now := ready(cases, biased=biased):
        return _now(None, cases, _chosen(now, pick), numbered)
    return Answer(Outcome("blocked"))


def _now(op: Op | None, cases: Sequence[ModelCase | None], index: int, numbered: bool) -> Answer:
    case = cases[index]
    assert case is not None
    return case.chan.do(op, case, index if numbered else None)


def _chosen(allowed: Sequence[int], pick: Pick) -> int:
    index = allowed[0] if len(allowed) == 1 else pick(allowed)
    assert index in allowed, f"case {index} was chosen, allowed were {list(allowed)}"
    return index


def _shared(cases: Sequence[ModelCase | None]) -> list[list[int]]:
    """Group case numbers by the line they would stand in, lines in order of their first case."""
    groups: dict[tuple[int, str], list[int]] = {}
    for i, case in enumerate(cases):
        if case is not None:
            groups.setdefault((id(case.chan), case.side), []).append(i)
    return list(groups.values())


def _leave_all(op: Op) -> None:
    for chan in op.waits_on:
        chan.line = [s for s in chan.line if s.op is not op]
    op.waits_on = []
