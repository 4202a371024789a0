"""The cases of a select, and the types of its answer.

A case is made for one use and looked at once, so it is a plain tuple: (channel, what is wanted of it, value). An object
would cost three times as much to make. Callers are not to know: to them it is a `Case`.

A receive has no value. On a view of some other class than our own, that view stands in its place, and so lives as long
as anybody waits for the case: what it stands for may end with it (the channel of a timer takes its timer along).
"""

# Views are looked through:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any, Final, Generic, Literal, Never, TypeAlias, TypeVar, cast, overload

from aiochan.core.chan import Chan
from aiochan.core.ends import CommaOk, RecvChan, SendChan
from aiochan.core.hchan import RECV, RECV_OK, SEND, HChan
from aiochan.core.signal import Signal

__all__ = ["DONE", "Case", "recv", "recv_ok", "send"]

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

DONE: Final = "done"  # wants the end of a Signal: answers None where RECV would raise


class Case(Generic[R_co]):
    """One thing that a `select` may do: made by `recv`, `recv_ok` or `send`, and opaque.

    Its type parameter is what the select answers when it did this.
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("a Case is made by recv(ch), recv_ok(ch) or send(ch, value)")


@overload
def recv(ch: RecvChan[T]) -> Case[T]: ...
@overload
def recv(ch: None) -> Case[Never]: ...
@overload
def recv(ch: RecvChan[T] | None) -> Case[T]: ...


def recv(ch: Any) -> Any:
    """Make the case "receive from `ch`", as Go's ``case v := <-ch``.

    Args:
        ch: A channel, its receive end or a `Signal`. On None (Go's nil channel) the case is never ready.

    Raises:
        TypeError: `ch` cannot be received from.
    """
    if type(ch) is Chan:
        return (ch, RECV, None)
    if type(ch) is Signal:
        return (ch._chan, DONE, None)
    return _receive(ch, RECV)


@overload
def recv_ok(ch: RecvChan[T]) -> Case[CommaOk[T]]: ...
@overload
def recv_ok(ch: None) -> Case[Never]: ...
@overload
def recv_ok(ch: RecvChan[T] | None) -> Case[CommaOk[T]]: ...


def recv_ok(ch: Any) -> Any:
    """Make the case "receive from `ch`, or hear that it has ended", as Go's ``case v, ok := <-ch``.

    It answers ``(value, True)``, or ``(None, False)`` once the channel is closed and drained.

    Args:
        ch: A channel, its receive end or a `Signal`. On None (Go's nil channel) the case is never ready.

    Raises:
        TypeError: `ch` cannot be received from.
    """
    if type(ch) is Chan:
        return (ch, RECV_OK, None)
    return _receive(ch, RECV_OK)


def send(ch: SendChan[T] | None, value: T) -> Case[None]:
    """Make the case "send `value` to `ch`", as Go's ``case ch <- value``.

    Args:
        ch: A channel or its send end. On None (Go's nil channel) the case is never ready.
        value: What is sent if this case is chosen.

    Raises:
        TypeError: `ch` cannot be sent to.
    """
    if type(ch) is Chan:
        return (ch, SEND, value)  # type: ignore[return-value]
    if ch is None:
        return cast("Case[None]", NEVER)
    if isinstance(ch, Chan):
        return cast("Case[None]", (ch, SEND, value))
    if isinstance(ch, SendChan):  # pyright: ignore[reportUnnecessaryIsInstance]
        return cast("Case[None]", (ch._chan, SEND, value))
    raise TypeError(f"send() takes a channel or its send end, not {ch!r}")


NEVER: Final = (None, RECV, None)


def _receive(ch: object, kind: str) -> tuple[Any, str, Any]:
    if ch is None:
        return NEVER
    if isinstance(ch, HChan):
        return ch, kind, None
    kept: object = None if type(ch) in (RecvChan, Signal) else ch
    if isinstance(ch, Signal):
        return ch._chan, DONE if kind == RECV else kind, kept
    if isinstance(ch, RecvChan):
        return ch._chan, kind, kept
    raise TypeError(f"{kind}() takes a channel or its receive end, a Signal or None, not {ch!r}")


# What a select over so many cases answers. `match` narrows on the index, so that the value has the type of its case.

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")

Of1: TypeAlias = tuple[Literal[0], A]
Of2: TypeAlias = Of1[A] | tuple[Literal[1], B]
Of3: TypeAlias = Of2[A, B] | tuple[Literal[2], C]
Of4: TypeAlias = Of3[A, B, C] | tuple[Literal[3], D]
Of5: TypeAlias = Of4[A, B, C, D] | tuple[Literal[4], E]
Of6: TypeAlias = Of5[A, B, C, D, E] | tuple[Literal[5], F]
Of7: TypeAlias = Of6[A, B, C, D, E, F] | tuple[Literal[6], G]
Of8: TypeAlias = Of7[A, B, C, D, E, F, G] | tuple[Literal[7], H]
