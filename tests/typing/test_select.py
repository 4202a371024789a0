"""What type checkers know of a select: the type of every case, and that no case was forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Literal, assert_never, assert_type

import pytest

import aiochan as ac

CommaOk = tuple[int, Literal[True]] | tuple[None, Literal[False]]


def cases(ints: ac.RecvChan[int], strs: ac.SendChan[str], done: ac.Signal) -> None:
    assert_type(ac.recv(ints), ac.Case[int])
    assert_type(ac.recv_ok(ints), ac.Case[CommaOk])
    assert_type(ac.send(strs, "value"), ac.Case[None])
    assert_type(ac.recv(done), ac.Case[None])


def cases_of_a_channel(ch: ac.Chan[int]) -> None:
    assert_type(ac.recv(ch), ac.Case[int])
    assert_type(ac.recv_ok(ch), ac.Case[CommaOk])
    assert_type(ac.send(ch, 1), ac.Case[None])


def cases_on_nothing(maybe: ac.RecvChan[int] | None, out: ac.SendChan[int] | None) -> None:
    """Go's nil channel: a case is switched off by None."""
    assert_type(ac.recv(maybe), ac.Case[int])
    assert_type(ac.recv_ok(maybe), ac.Case[CommaOk])
    assert_type(ac.send(out, 1), ac.Case[None])
    nothing: ac.Case[str] = ac.recv(None)
    also_nothing: ac.Case[str] = ac.recv(ac.never())
    for case in (nothing, also_nothing):
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(case)


def a_case_that_answers_bool_answers_int(case: ac.Case[bool]) -> ac.Case[int]:
    return case


async def every_case_has_its_type(a: ac.Chan[int], b: ac.Chan[str], out: ac.Chan[bytes], done: ac.Signal) -> str:
    match await ac.select(ac.recv(a), ac.recv_ok(b), ac.send(out, b"value"), ac.recv(done)):
        case 0, number:
            assert_type(number, int)
            return "int"
        case 1, (text, True):
            assert_type(text, str)
            return "str"
        case 1, (nothing, False):
            assert_type(nothing, None)
            return "the end of str"
        case 2, sent:
            assert_type(sent, None)
            return "sent"
        case 3, heard:
            assert_type(heard, None)
            return "done"


async def none_is_forgotten(a: ac.RecvChan[int], b: ac.RecvChan[str]) -> str:
    answer = await ac.select(ac.recv(a), ac.recv(b))
    match answer:
        case 0, number:
            return f"int {number}"
        case 1, text:
            return f"str {text}"
        case _:
            assert_never(answer)


async def narrowed_by_if(a: ac.RecvChan[int], b: ac.RecvChan[str]) -> int:
    answer = await ac.select(ac.recv(a), ac.recv(b), biased=True)
    if answer[0] == 0:
        return assert_type(answer[1], int)
    return len(assert_type(answer[1], str))


def without_waiting(a: ac.RecvChan[int], b: ac.RecvChan[str]) -> str:
    try:
        match ac.select_nowait(ac.recv(a), ac.recv(b)):
            case 0, number:
                assert_type(number, int)
                return "int"
            case 1, text:
                assert_type(text, str)
                return "str"
    except ac.WouldBlock:
        return "default"


async def again_and_again(a: ac.RecvChan[int], b: ac.RecvChan[str], done: ac.Signal) -> list[int | str | None]:
    got: list[int | str | None] = []
    async for answer in ac.select_loop(ac.recv(a), ac.recv(b), ac.recv(done)):
        assert_type(answer, tuple[Literal[0], int] | tuple[Literal[1], str] | tuple[Literal[2], None])
        match answer:
            case 0, number:
                got.append(assert_type(number, int))
            case 1, text:
                got.append(assert_type(text, str))
            case 2, nothing:
                got.append(assert_type(nothing, None))
            case _:
                assert_never(answer)
    return got


# -- one to eight cases, each with a type of its own

Of1 = tuple[Literal[0], int]
Of2 = Of1 | tuple[Literal[1], str]
Of3 = Of2 | tuple[Literal[2], bytes]
Of4 = Of3 | tuple[Literal[3], float]
Of5 = Of4 | tuple[Literal[4], bool]
Of6 = Of5 | tuple[Literal[5], list[int]]
Of7 = Of6 | tuple[Literal[6], None]
Of8 = Of7 | tuple[Literal[7], CommaOk]


async def one_to_eight(ch: ac.Chan[Any]) -> None:
    a: ac.Case[int] = ac.recv(ch)
    b: ac.Case[str] = ac.recv(ch)
    c: ac.Case[bytes] = ac.recv(ch)
    d: ac.Case[float] = ac.recv(ch)
    e: ac.Case[bool] = ac.recv(ch)
    f: ac.Case[list[int]] = ac.recv(ch)
    g: ac.Case[None] = ac.send(ch, 1)
    h: ac.Case[CommaOk] = ac.recv_ok(ch)
    assert_type(await ac.select(a), Of1)
    assert_type(await ac.select(a, b), Of2)
    assert_type(await ac.select(a, b, c), Of3)
    assert_type(await ac.select(a, b, c, d), Of4)
    assert_type(await ac.select(a, b, c, d, e), Of5)
    assert_type(await ac.select(a, b, c, d, e, f), Of6)
    assert_type(await ac.select(a, b, c, d, e, f, g), Of7)
    assert_type(await ac.select(a, b, c, d, e, f, g, h), Of8)
    assert_type(await ac.select(a, b, c, d, e, f, g, h, a), tuple[int, Any])
    assert_type(await ac.select(*[a, b]), tuple[int, Any])
    assert_type(ac.select_nowait(a), Of1)
    assert_type(ac.select_nowait(a, b), Of2)
    assert_type(ac.select_nowait(a, b, c), Of3)
    assert_type(ac.select_nowait(a, b, c, d), Of4)
    assert_type(ac.select_nowait(a, b, c, d, e), Of5)
    assert_type(ac.select_nowait(a, b, c, d, e, f), Of6)
    assert_type(ac.select_nowait(a, b, c, d, e, f, g), Of7)
    assert_type(ac.select_nowait(a, b, c, d, e, f, g, h), Of8)
    assert_type(ac.select_nowait(a, b, c, d, e, f, g, h, a), tuple[int, Any])
    assert_type(ac.select_loop(a), AsyncIterator[Of1])
    assert_type(ac.select_loop(a, b), AsyncIterator[Of2])
    assert_type(ac.select_loop(a, b, c), AsyncIterator[Of3])
    assert_type(ac.select_loop(a, b, c, d), AsyncIterator[Of4])
    assert_type(ac.select_loop(a, b, c, d, e), AsyncIterator[Of5])
    assert_type(ac.select_loop(a, b, c, d, e, f), AsyncIterator[Of6])
    assert_type(ac.select_loop(a, b, c, d, e, f, g), AsyncIterator[Of7])
    assert_type(ac.select_loop(a, b, c, d, e, f, g, h), AsyncIterator[Of8])
    assert_type(ac.select_loop(a, b, c, d, e, f, g, h, a), AsyncIterator[tuple[int, Any]])


async def of_a_list(channels: list[ac.Chan[int]]) -> tuple[int, int]:
    """Beyond eight, or from a list: the index is an int, and the value is the caller's to know."""
    index, value = await ac.select(*map(ac.recv, channels))
    assert_type(index, int)
    return index, value


def it_is_a_coroutine(a: ac.RecvChan[int]) -> Coroutine[Any, Any, tuple[Literal[0], int]]:
    return ac.select(ac.recv(a))


async def a_task_of_a_select(a: ac.RecvChan[int], b: ac.RecvChan[str]) -> Of2:
    task = asyncio.create_task(ac.select(ac.recv(a), ac.recv(b)))
    return await assert_type(task, asyncio.Task[Of2])


# -- and run


def of(*values: Any) -> ac.Chan[Any]:
    ch = ac.Chan[Any](len(values) + 1)
    for value in values:
        ch.send_nowait(value)
    return ch


def ended(*values: Any) -> ac.Chan[Any]:
    ch = of(*values)
    ch.close()
    return ch


def full() -> ac.Chan[Any]:
    return ac.Chan[Any](0)


def heard() -> ac.Signal:
    signal = ac.Signal()
    signal.close()
    return signal


def test_cases_are_made() -> None:
    cases(of(1), of(), ac.Signal())
    cases_of_a_channel(of(1))
    cases_on_nothing(None, None)
    case = ac.recv(ac.Chan[bool]())
    assert a_case_that_answers_bool_answers_int(case) is case


@pytest.mark.parametrize(
    ("a", "b", "out", "done", "which"),
    [
        (of(1), of(), full(), ac.Signal(), "int"),
        (of(), of("text"), full(), ac.Signal(), "str"),
        (of(), ended(), full(), ac.Signal(), "the end of str"),
        (of(), of(), of(), ac.Signal(), "sent"),
        (of(), of(), full(), heard(), "done"),
    ],
)
def test_every_branch_is_taken(
    a: ac.Chan[int], b: ac.Chan[str], out: ac.Chan[bytes], done: ac.Signal, which: str
) -> None:
    assert asyncio.run(every_case_has_its_type(a, b, out, done)) == which


def test_exhaustive_matches_run() -> None:
    assert asyncio.run(none_is_forgotten(of(1), of())) == "int 1"
    assert asyncio.run(none_is_forgotten(of(), of("x"))) == "str x"
    assert asyncio.run(narrowed_by_if(of(5), of("x"))) == 5
    assert asyncio.run(narrowed_by_if(of(), of("four"))) == 4


def test_default_runs() -> None:
    assert [without_waiting(of(1), of()), without_waiting(of(), of("x")), without_waiting(of(), of())] == [
        "int",
        "str",
        "default",
    ]


def test_loops_run() -> None:
    got = asyncio.run(again_and_again(ended(1, 2), ended("x"), heard()))
    assert sorted(map(str, got)) == ["1", "2", "None", "x"]


def test_any_number_of_cases_runs() -> None:
    asyncio.run(one_to_eight(of(*range(30))))
    assert asyncio.run(of_a_list([of(), of(7), of()])) == (1, 7)
    assert asyncio.run(a_task_of_a_select(of(1), of())) == (0, 1)

    async def main() -> tuple[int, int]:
        return await it_is_a_coroutine(of(3))

    assert asyncio.run(main()) == (0, 3)
