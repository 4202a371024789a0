"""Channels whose operations are written down, to be checked by `histories`.

A `Recorder` stands where a program has `import aiochan as ac`: it makes channels, cases and selects. What goes through
a channel are letters: every send puts its value into a new one, so values differ whatever they are, and a value that
comes out twice, or out of another channel, is seen.

    recorder = Recorder()
    ch = recorder.chan(2, name="jobs")
    await ch.send(1)
    await recorder.select(recorder.recv(ch), recorder.recv(done))
    recorder.check()
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import aiochan as ac
from tests.volume.histories import CLOSE, CLOSED, DONE, EMPTY, QUIT, RECV, SEND, UNDONE, Op, check

Case = tuple[Any, str, Any]  # a recorded channel, or anything else that can be received from; a kind; a letter


class Letter:
    """One value on its way through one channel."""

    __slots__ = ("content", "number")

    def __init__(self, content: Any, number: int) -> None:
        self.content = content
        self.number = number

    def __repr__(self) -> str:
        return f"{self.content!r} (letter {self.number})"


def need(holds: object, *why: object) -> None:
    """Assert, in words."""
    if not holds:
        raise AssertionError(" ".join(map(str, why)))


class Recorder:
    """Makes channels, and writes down what is done with them."""

    def __init__(self) -> None:
        self.time = 0
        self.chans: list[RecordedChan] = []
        self.given_up: list[list[Op]] = []  # the sends of each cancelled select

    def chan(self, capacity: float = 0, *, name: str | None = None, overflow: Any = "wait") -> RecordedChan:
        made = RecordedChan(self, ac.Chan(capacity, name=name, overflow=overflow), overflow != "wait")
        self.chans.append(made)
        return made

    def begin(self, ch: RecordedChan, kind: str, value: Any = None) -> Op:
        self.time = time = self.time + 1
        task = asyncio.current_task()
        op = Op(kind, "" if task is None else task.get_name(), value, time)
        ch.ops.append(op)
        return op

    def end(self, op: Op, answer: str) -> None:
        self.time = op.ended = self.time + 1
        op.answer = answer

    def got(self, op: Op, letter: Letter) -> Any:
        op.value = letter
        self.end(op, DONE)
        return letter.content

    def letter(self, content: Any) -> Letter:
        self.time += 1
        return Letter(content, self.time)

    # -- select

    def send(self, ch: RecordedChan | None, value: Any) -> Case:
        return ch, SEND, value

    def recv(self, ch: Any) -> Case:
        return ch, RECV, None

    def recv_ok(self, ch: Any) -> Case:
        return ch, "recv_ok", None

    async def select(self, *cases: Case, biased: bool = False) -> tuple[int, Any]:
        real, ops = self._cases(cases)
        try:
            index, answer = await ac.select(*real, biased=biased)
        except ac.ChannelClosed as error:
            self._chosen(ops, error.index, CLOSED)
            raise
        except BaseException:
            sends: list[Op] = []
            for (ch, _, _), op in zip(cases, ops, strict=True):
                if op is not None:
                    self.end(op, QUIT)
                if op is not None and op.kind == SEND:
                    sends.append(op)
                    ch.not_forgotten(op)
            self.given_up.append(sends)
            raise
        return index, self._answered(cases, ops, index, answer)

    def select_nowait(self, *cases: Case, biased: bool = False) -> tuple[int, Any]:
        real, ops = self._cases(cases)
        try:
            index, answer = ac.select_nowait(*real, biased=biased)
        except ac.ChannelClosed as error:
            self._chosen(ops, error.index, CLOSED)
            raise
        except ac.WouldBlock:
            for op in ops:
                if op is not None:
                    self.end(op, EMPTY if op.kind == RECV else UNDONE)
            raise
        return index, self._answered(cases, ops, index, answer)

    def _cases(self, cases: tuple[Case, ...]) -> tuple[list[Any], list[Op | None]]:
        """Make the real cases, and begin an operation for each that is on a recorded channel."""
        real: list[Any] = []
        ops: list[Op | None] = []
        for ch, kind, value in cases:
            if isinstance(ch, RecordedChan):
                letter = self.letter(value) if kind == SEND else None
                ops.append(self.begin(ch, SEND if kind == SEND else RECV, letter))
                real.append(_send(ch.chan, letter) if kind == SEND else _RECEIVES[kind](ch.chan))
            else:
                ops.append(None)
                real.append(_RECEIVES[kind](ch) if kind != SEND else _send(ch, value))
        return real, ops

    def _answered(self, cases: tuple[Case, ...], ops: list[Op | None], index: int, answer: Any) -> Any:
        ch, kind, _ = cases[index]
        if not isinstance(ch, RecordedChan):
            self._chosen(ops, index, DONE)
        elif kind == "recv_ok":
            letter, ok = answer
            self._chosen(ops, index, DONE if ok else CLOSED, letter)
            return (letter.content, True) if ok else answer
        else:
            self._chosen(ops, index, DONE, answer)
            return answer.content if kind == RECV else answer
        return answer

    def _chosen(self, ops: list[Op | None], index: int | None, answer: str, letter: Letter | None = None) -> None:
        """End the operation of the chosen case, and undo the others."""
        for number, op in enumerate(ops):
            if op is None:
                continue
            if number != index:
                self.end(op, UNDONE)
            else:
                op.value = letter if op.kind == RECV else op.value
                self.end(op, answer)

    # -- what must hold

    def check(self) -> None:
        """Check the history of every channel."""
        for ch in self.chans:
            bad = check(ch.ops, lossy=ch.lossy)
            need(bad is None, ch.chan.name, bad)

    def settle(self) -> None:
        """Check that every channel is at rest, and that every value is where it should be."""
        there: set[int] = set()
        for ch in self.chans:
            there |= ch.settle()
        for sends in self.given_up:
            need(sum(id(op.value) in there for op in sends) <= 1, "a cancelled select sent more than one of", sends)

    @property
    def operations(self) -> int:
        return sum(len(ch.ops) for ch in self.chans)


_send: Any = ac.send
_RECEIVES: dict[str, Any] = {RECV: ac.recv, "recv_ok": ac.recv_ok}


class RecordedChan:
    """A channel with a history."""

    def __init__(self, recorder: Recorder, chan: ac.Chan[Letter], lossy: bool) -> None:
        self.recorder = recorder
        self.chan = chan
        self.ops: list[Op] = []
        self.lossy = lossy

    # -- the operations

    async def send(self, value: Any) -> None:
        recorder = self.recorder
        letter = recorder.letter(value)
        op = recorder.begin(self, SEND, letter)
        try:
            await self.chan.send(letter)
        except ac.ChannelClosed:
            recorder.end(op, CLOSED)
            raise
        except BaseException:
            recorder.end(op, QUIT)
            self.not_forgotten(op)
            raise
        recorder.end(op, DONE)

    async def recv(self) -> Any:
        recorder = self.recorder
        op = recorder.begin(self, RECV)
        try:
            letter = await self.chan.recv()
        except ac.ChannelClosed:
            recorder.end(op, CLOSED)
            raise
        except BaseException:
            recorder.end(op, QUIT)
            raise
        return recorder.got(op, letter)

    async def recv_ok(self) -> tuple[Any, bool]:
        try:
            return await self.recv(), True
        except ac.ChannelClosed:
            return None, False

    def send_nowait(self, value: Any) -> None:
        recorder = self.recorder
        letter = recorder.letter(value)
        op = recorder.begin(self, SEND, letter)
        promised = self._promised() if self.lossy else ()
        try:
            self.chan.send_nowait(letter)
        except (ac.WouldBlock, ac.ChannelClosed) as error:
            recorder.end(op, CLOSED if isinstance(error, ac.ChannelClosed) else UNDONE)
            raise
        recorder.end(op, DONE)
        if promised:
            need(promised == self._promised()[: len(promised)], "what was promised is not there any more:", promised)

    def recv_nowait(self) -> Any:
        recorder = self.recorder
        op = recorder.begin(self, RECV)
        try:
            letter = self.chan.recv_nowait()
        except (ac.WouldBlock, ac.ChannelClosed) as error:
            recorder.end(op, CLOSED if isinstance(error, ac.ChannelClosed) else EMPTY)
            raise
        return recorder.got(op, letter)

    def close(self) -> None:
        op = self.recorder.begin(self, CLOSE)
        try:
            self.chan.close()
        except ac.ChannelClosed:
            self.recorder.end(op, CLOSED)
            raise
        self.recorder.end(op, DONE)

    def __aiter__(self) -> RecordedChan:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.recv()
        except ac.ChannelClosed:
            raise StopAsyncIteration from None

    def reserve(self) -> RecordedPlace:
        return RecordedPlace(self)

    def _promised(self) -> tuple[Letter, ...]:
        snapshot = self.chan._snapshot()
        return tuple(letter for letter, _ in snapshot.held[: snapshot.granted])

    def not_forgotten(self, op: Op) -> None:
        """Check that the value of a cancelled send was taken back, unless all that is inside is promised."""
        if len(self.chan):
            inside = [letter for letter, _ in self.chan._snapshot().held]
            need(op.value not in inside, "could have been taken back:", op)

    # -- what is true of it

    @property
    def received(self) -> list[Any]:
        """What came out of it, in the order in which receives ended."""
        done = [op for op in self.ops if op.kind == RECV and op.answer == DONE]
        return [op.value.content for op in sorted(done, key=lambda op: op.ended)]

    @property
    def inside(self) -> list[Any]:
        return [letter.content for letter, _ in self.chan._snapshot().held]

    def sent(self, *answers: str) -> list[Any]:
        """What was put in with one of these answers, in the order in which sends began."""
        return [op.value.content for op in self.ops if op.kind == SEND and op.answer in answers]

    def settle(self) -> set[int]:
        name, snapshot = self.chan.name, self.chan._snapshot()
        need(snapshot.granted == 0, "a permit leaked in", name)
        need(snapshot.reserved == 0, "a place leaked in", name)
        for line in (snapshot.recvq, snapshot.sendq, snapshot.slotq):
            need(not line, "somebody is left in line on", name, line)
        inside = [letter for letter, _ in snapshot.held]
        there = {id(letter) for letter in inside}
        came = {id(op.value) for op in self.ops if op.kind == RECV and op.answer == DONE}
        need(len(there) == len(inside) and not there & came, "a value is twice in", name, inside)
        quits = any(op.answer == QUIT and op.kind == RECV for op in self.ops)
        lost, known = 0, set[int]()
        for op in self.ops:
            if op.kind == SEND:
                known.add(id(op.value))
                gone = id(op.value) not in there and id(op.value) not in came
                lost += gone and op.answer == DONE
                need(gone or op.answer in (DONE, QUIT), "not sent, but there:", op)
                need(id(op.value) not in there or op.answer == DONE or quits, "cancelled, and not taken back:", op)
        need(there | came <= known, "a value that was not sent is in", name, inside)
        # After a cancelled receive, `dropped` also counts values of senders that were cancelled.
        need(lost == snapshot.dropped or (quits and lost < snapshot.dropped), lost, "values are lost in", name)
        need(snapshot.received == len(came), snapshot.received, "receives counted in", name, "and", len(came), "were")
        return there | came


class RecordedPlace:
    """A reservation; its send is an operation."""

    def __init__(self, ch: RecordedChan) -> None:
        self.ch = ch
        self.place = ch.chan.reserve()

    async def __aenter__(self) -> RecordedPlace:
        await self.place.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.place.__aexit__(kind, error, tb)

    def send(self, value: Any) -> None:
        recorder = self.ch.recorder
        letter = recorder.letter(value)
        op = recorder.begin(self.ch, SEND, letter)
        try:
            self.place.send(letter)
        except ac.ChannelClosed:
            recorder.end(op, CLOSED)
            raise
        recorder.end(op, DONE)
