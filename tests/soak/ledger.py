"""The books of a channel: what was sent, received, dropped, taken back, and what is still in it.

Every value has a number of its own. An `Account` does the operations of one channel and writes each down in the very
turn in which it ends, so a value that is lost, doubled or made up is noticed by the next `check`, or at once. What is
written down is forgotten as soon as it is settled: the books of an hour are as small as those of a second.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias, cast

import aiochan as ac

__all__ = ["END", "Account", "Offer", "Totals", "Value", "Want", "WrongBooks", "pick", "pick_now"]

END: Final = object()  # the answer of an operation on a channel that has ended
_numbers = itertools.count(1)


class WrongBooks(AssertionError):
    """Something was lost, doubled or made up."""


class Value:
    """What goes through the channels."""

    __slots__ = ("extra", "number")

    def __init__(self, extra: Any = None) -> None:
        self.number = next(_numbers)
        self.extra = extra


@dataclass
class Totals:
    """What all operations together came to."""

    operations: int = 0  # that ended in any way; the cases of a select that were not chosen count as well
    tried: int = 0  # sends that were begun
    refused: int = 0  # of these: the channel was closed or full, or another case was chosen
    taken_back: int = 0  # of these: cancelled, and not sent
    sent: int = 0  # of these: the others
    received: int = 0
    dropped: int = 0
    kept: int = 0  # sent although the sender was cancelled: somebody had the value, or was promised it

    def add(self, other: Totals) -> None:
        for field in fields(Totals):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Account(Totals):
    """One channel and its books."""

    def __init__(self, chan: ac.Chan[Value], dropping: bool = False) -> None:
        super().__init__()
        self.chan = chan
        self.dropping = dropping
        self._trying: set[int] = set()  # whose senders do not know yet
        self._early: set[int] = set()  # received already, and the sender does not know yet
        self._owed: set[int] = set()  # sent, and to be received
        self._unclear: set[int] = set()  # whose senders were cancelled

    # -- writing down

    def begin(self, extra: Any = None) -> Value:
        value = Value(extra)
        self.tried += 1
        self._trying.add(value.number)
        return value

    def did(self, value: Value) -> None:
        """Book a send that returned."""
        self.operations += 1
        self.sent += 1
        if self._knew(value):
            self._owed.add(value.number)

    def undone(self, value: Value) -> None:
        """Book a send that did not happen."""
        self.operations += 1
        self.refused += 1
        if not self._knew(value):
            raise WrongBooks(f"{value.number} was received, and its sender hears that it was not sent: {self.chan!r}")

    def cut(self, value: Value) -> None:
        """Book a send that was cancelled: it happened or not."""
        self.operations += 1
        if self._knew(value):
            self._unclear.add(value.number)
            if len(self.chan) and any(held is value for held, _ in self.chan._snapshot().held):
                raise WrongBooks(f"{value.number} was promised to nobody, and not taken back: {self.chan!r}")
        else:
            self.sent += 1
            self.kept += 1

    def got(self, value: Value) -> Value:
        """Book a value that was received."""
        number = value.number
        self.operations += 1
        self.received += 1
        if number in self._owed:
            self._owed.remove(number)
        elif number in self._trying:
            self._trying.remove(number)
            self._early.add(number)
        elif number in self._unclear:
            self._unclear.remove(number)
            self.sent += 1
            self.kept += 1
        else:
            raise WrongBooks(f"{number} was received twice, or after it was taken back: {self.chan!r}")
        return value

    def ended(self) -> Any:
        """Book a receive that found nothing."""
        self.operations += 1
        return END

    def _knew(self, value: Value) -> bool:
        """The sender knows by now. Tell whether the value was not yet received."""
        if value.number in self._early:
            self._early.remove(value.number)
            return False
        self._trying.remove(value.number)
        return True

    # -- operations

    async def send(self, extra: Any = None) -> bool:
        value = self.begin(extra)
        try:
            await self.chan.send(value)
        except ac.ChannelClosed:
            self.undone(value)
            return False
        except BaseException:
            self.cut(value)
            raise
        self.did(value)
        return True

    def send_now(self, extra: Any = None) -> bool:
        value = self.begin(extra)
        try:
            self.chan.send_nowait(value)
        except (ac.ChannelClosed, ac.WouldBlock):
            self.undone(value)
            return False
        self.did(value)
        return True

    def send_into(self, place: Any) -> bool:
        value = self.begin()
        try:
            place.send(value)
        except ac.ChannelClosed:
            self.undone(value)
            return False
        self.did(value)
        return True

    async def recv(self) -> Any:
        try:
            return self.got(await self.chan.recv())
        except ac.ChannelClosed:
            return self.ended()

    async def recv_ok(self) -> Any:
        match await self.chan.recv_ok():
            case value, True:
                return self.got(value)
        return self.ended()

    def recv_now(self) -> Any:
        try:
            return self.got(self.chan.recv_nowait())
        except (ac.ChannelClosed, ac.WouldBlock):
            return self.ended()

    def __aiter__(self) -> Account:
        return self

    async def __anext__(self) -> Value:
        try:
            return self.got(await self.chan.__anext__())
        except ac.ChannelClosed:
            raise StopAsyncIteration from None

    # -- checking

    def check(self) -> None:
        """Compare the books with the channel, and forget what is settled."""
        self.chan._check()
        snapshot = self.chan._snapshot()
        numbers = [value.number for value, _ in snapshot.held]
        held = set(numbers)
        if len(held) != len(numbers):
            raise WrongBooks(f"a value is twice in {self.chan!r}")
        if not held <= self._owed | self._trying | self._unclear:
            raise WrongBooks(f"a value that was received or taken back is still in {self.chan!r}")
        self.taken_back += len(self._unclear - held)
        self._unclear &= held
        lost = len(self._owed - held)
        self._owed &= held
        if self.dropping:
            self.dropped += lost
        elif lost:
            raise WrongBooks(f"{lost} values were lost by {self.chan!r}")
        told = snapshot.received, snapshot.dropped
        if told != (self.received, self.dropped):
            raise WrongBooks(f"{self.chan!r} counts {told} as received and dropped, not {self.received, self.dropped}")

    def finish(self) -> int:
        """Check for the last time, when nobody uses the channel any more; return how many values are still in it."""
        self.check()
        stats = self.chan.stats()
        if self._trying or self._early or stats.promised or stats.reserved:
            raise WrongBooks(f"somebody is still busy with {self.chan!r}: {stats}")
        if stats.parked_senders or stats.parked_receivers:
            raise WrongBooks(f"somebody still sleeps in {self.chan!r}: {stats}")
        self.sent += len(self._unclear)  # what nobody took back was sent
        self.kept += len(self._unclear)
        held = len(self._owed) + len(self._unclear)
        if self.tried != self.refused + self.taken_back + self.sent or self.sent != self.received + self.dropped + held:
            raise WrongBooks(f"the books of {self.chan!r} do not balance: {self.__dict__}")
        return held


# -- selects


class Offer:
    """The wish to send to a channel, in a select."""

    __slots__ = ("account",)

    def __init__(self, account: Account) -> None:
        self.account = account


Want: TypeAlias = "Account | Offer | ac.Signal | None"  # an account alone: to receive from it


class _Choice:
    """The cases of one select, and what to write down once it is known what became of it."""

    __slots__ = ("cases", "values", "wants")

    def __init__(self, wants: list[Want]) -> None:
        self.wants = wants
        self.values: list[Value | None] = [
            want.account.begin() if isinstance(want, Offer) else None for want in self.wants
        ]
        self.cases = [self._case(*pair) for pair in zip(self.wants, self.values, strict=True)]

    @staticmethod
    def _case(want: Want, value: Value | None) -> Any:
        if isinstance(want, Offer):
            return ac.send(want.account.chan, cast(Value, value))
        return ac.recv(want.chan if isinstance(want, Account) else want)

    def chosen(self, index: int, value: Any) -> tuple[int, Any]:
        self.none(but=index)
        want = self.wants[index]
        if isinstance(want, Account):
            return index, want.got(value)
        if isinstance(want, Offer):
            want.account.did(self._value(index))
        return index, None

    def none(self, but: int = -1) -> None:
        for index, want in enumerate(self.wants):
            if index != but and isinstance(want, Offer):
                want.account.undone(self._value(index))

    def cut(self) -> None:
        for index, want in enumerate(self.wants):
            if isinstance(want, Offer):
                want.account.cut(self._value(index))

    def _value(self, index: int) -> Value:
        value = self.values[index]
        assert value is not None
        return value


async def pick(wants: list[Want], biased: bool = False) -> tuple[int, Any]:
    """Select, and write down what became of it. The value is END where the chosen channel has ended."""
    choice = _Choice(wants)
    try:
        index, value = await ac.select(*choice.cases, biased=biased)
    except ac.ChannelClosed as error:
        choice.none()
        return error.index or 0, END
    except BaseException:
        choice.cut()
        raise
    return choice.chosen(index, value)


def pick_now(wants: list[Want], biased: bool = False) -> tuple[int, Any] | None:
    """Select now, and write down what became of it; None if no case was ready."""
    choice = _Choice(wants)
    try:
        index, value = ac.select_nowait(*choice.cases, biased=biased)
    except ac.ChannelClosed as error:
        choice.none()
        return error.index or 0, END
    except ac.WouldBlock:
        choice.none()
        return None
    return choice.chosen(index, value)
