"""Select as people call it: with the type of every case kept.

The answer is ``tuple[Literal[0], A] | tuple[Literal[1], B] | ...``, so that ``match`` narrows the value to the type of its
case, and a type checker proves that no case was forgotten. That takes one overload for each number of cases, up to 8;
the last one takes any number, untyped. The algorithm stands in select.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar, overload

from aiochan.core.cases import DONE, A, B, C, Case, D, E, F, G, H, Of1, Of2, Of3, Of4, Of5, Of6, Of7, Of8
from aiochan.core.hchan import RECV, RECV_OK
from aiochan.core.select import check_cases, choose, choose_now
from aiochan.errors import ChannelClosed

__all__ = ["SelectLoop", "select", "select_loop", "select_nowait"]

T = TypeVar("T")
Awaits: TypeAlias = Coroutine[Any, Any, T]
Choose: TypeAlias = Callable[[Sequence[Any], bool], Awaits[tuple[int, Any]]]

# fmt: off
# ruff: noqa: E501

@overload
def select(a: Case[A], /, *, biased: bool = ...) -> Awaits[Of1[A]]: ...
@overload
def select(a: Case[A], b: Case[B], /, *, biased: bool = ...) -> Awaits[Of2[A, B]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], /, *, biased: bool = ...) -> Awaits[Of3[A, B, C]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], d: Case[D], /, *, biased: bool = ...) -> Awaits[Of4[A, B, C, D]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], /, *, biased: bool = ...) -> Awaits[Of5[A, B, C, D, E]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], /, *, biased: bool = ...) -> Awaits[Of6[A, B, C, D, E, F]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], /, *, biased: bool = ...) -> Awaits[Of7[A, B, C, D, E, F, G]]: ...
@overload
def select(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], h: Case[H], /, *, biased: bool = ...) -> Awaits[Of8[A, B, C, D, E, F, G, H]]: ...
@overload
def select(*cases: Case[Any], biased: bool = ...) -> Awaits[tuple[int, Any]]: ...

def select(*cases: Any, biased: bool = False) -> Awaits[tuple[int, Any]]:
    """Wait until one of the cases can be done, do it, and answer ``(index, value)``.

    Follows Go's ``select``: exactly one case happens; among those that are ready the choice is uniformly random. The
    value is what was received, ``(value, ok)`` for `recv_ok`, and None for a send. A select of no cases, or of cases on
    None, waits for ever. Use it with ``match``::

        match await ac.select(ac.recv(jobs), ac.send(out, item), ac.recv(done)):
            case 0, job: ...
            case 1, _: ...
            case 2, _: return

    Args:
        cases: Any number of `recv`, `recv_ok` and `send`; the same channel may stand in several, on both sides too.
        biased: Take the first case that is ready instead of a random one.

    Raises:
        ChannelClosed: The case that was chosen is a `recv` on a closed, drained channel or a `send` on a closed one;
            ``error.index`` is its number.
        TypeError: An argument is no case.
        WrongLoop: A channel belongs to another loop or thread.

    Cancellation: nothing was received. Nothing was sent either, with one exception: one of the values had already been
    taken by a receiver, or promised to it.
    """
    return choose(cases, biased)

@overload
def select_nowait(a: Case[A], /, *, biased: bool = ...) -> Of1[A]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], /, *, biased: bool = ...) -> Of2[A, B]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], /, *, biased: bool = ...) -> Of3[A, B, C]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], d: Case[D], /, *, biased: bool = ...) -> Of4[A, B, C, D]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], /, *, biased: bool = ...) -> Of5[A, B, C, D, E]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], /, *, biased: bool = ...) -> Of6[A, B, C, D, E, F]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], /, *, biased: bool = ...) -> Of7[A, B, C, D, E, F, G]: ...
@overload
def select_nowait(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], h: Case[H], /, *, biased: bool = ...) -> Of8[A, B, C, D, E, F, G, H]: ...
@overload
def select_nowait(*cases: Case[Any], biased: bool = ...) -> tuple[int, Any]: ...

def select_nowait(*cases: Any, biased: bool = False) -> tuple[int, Any]:
    """Do one of the cases now and answer ``(index, value)``, as a Go ``select`` with a ``default``.

    Args:
        cases: As for `select`.
        biased: Take the first case that is ready instead of a random one.

    Raises:
        WouldBlock: No case is ready: Go's ``default``.
        ChannelClosed: As for `select`.
        TypeError: An argument is no case.
        WrongLoop: The channel of the chosen case belongs to another thread.
    """
    return choose_now(cases, biased)

@overload
def select_loop(a: Case[A], /, *, biased: bool = ...) -> AsyncIterator[Of1[A]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], /, *, biased: bool = ...) -> AsyncIterator[Of2[A, B]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], /, *, biased: bool = ...) -> AsyncIterator[Of3[A, B, C]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], d: Case[D], /, *, biased: bool = ...) -> AsyncIterator[Of4[A, B, C, D]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], /, *, biased: bool = ...) -> AsyncIterator[Of5[A, B, C, D, E]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], /, *, biased: bool = ...) -> AsyncIterator[Of6[A, B, C, D, E, F]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], /, *, biased: bool = ...) -> AsyncIterator[Of7[A, B, C, D, E, F, G]]: ...
@overload
def select_loop(a: Case[A], b: Case[B], c: Case[C], d: Case[D], e: Case[E], f: Case[F], g: Case[G], h: Case[H], /, *, biased: bool = ...) -> AsyncIterator[Of8[A, B, C, D, E, F, G, H]]: ...
@overload
def select_loop(*cases: Case[Any], biased: bool = ...) -> AsyncIterator[tuple[int, Any]]: ...
# fmt: on


def select_loop(*cases: Any, biased: bool = False) -> AsyncIterator[tuple[int, Any]]:
    """Select again and again over the same cases, until none is left.

    A receive case leaves when its channel has ended, silently for `recv`, with ``(None, False)`` for `recv_ok`, with None
    for a `Signal`. A channel that was closed with a cause ends the loop by raising that, as ``async for`` over it would.
    A send case sends the same value each time it is chosen. Cases on None are left out. The numbers of the cases stay
    what they were::

        async for index, value in ac.select_loop(ac.recv(left), ac.recv(right)):
            ...

    Args:
        cases: As for `select`.
        biased: Take the first case that is ready instead of a random one.

    Raises:
        ChannelClosed: A channel was closed with a cause, or a case sends to a closed channel; ``error.index`` says which.
        TypeError: An argument is no case.
        WrongLoop: A channel belongs to another loop or thread.

    Cancellation: as for `select`, in each round. Between rounds nothing is held: the loop may be left at any time.
    """
    check_cases(cases)
    return SelectLoop(choose, cases, biased)


class SelectLoop(AsyncIterator[tuple[int, Any]]):
    """The cases that are left, and which numbers they have, to be chosen from by `choose` of either core.

    Both are replaced, never changed: another consumer may be in the middle of a round over them.
    """

    __slots__ = ("_biased", "_cases", "_choose", "_numbers")

    def __init__(self, choose: Choose, cases: tuple[Any, ...], biased: bool) -> None:
        self._choose = choose
        self._biased = biased
        self._numbers = [number for number, case in enumerate(cases) if case[0] is not None]
        self._cases = [cases[number] for number in self._numbers]

    async def __anext__(self) -> tuple[int, Any]:
        while self._cases:
            number, kind, value, ended = await self._round(self._cases, self._numbers)
            if ended:
                self._leave_out(number)
            if not ended or kind != RECV:
                return number, value
        raise StopAsyncIteration

    async def _round(self, cases: list[Any], numbers: list[int]) -> tuple[int, str, Any, bool]:
        """Select once: which case, what it wanted, its value, and whether that was its end."""
        try:
            at, value = await self._choose(cases, self._biased)
        except ChannelClosed as error:
            at = error.index or 0
            if cases[at][1] != RECV or error.__cause__ is not None:
                raise error.at(numbers[at]) from error.__cause__
            return numbers[at], RECV, None, True
        kind = cases[at][1]
        return numbers[at], kind, value, kind == DONE or (kind == RECV_OK and not value[1])

    def _leave_out(self, number: int) -> None:
        left = [(n, case) for n, case in zip(self._numbers, self._cases, strict=True) if n != number]
        self._numbers, self._cases = [n for n, _ in left], [case for _, case in left]
