"""What type checkers know of a channel and its ends. The functions also run, so that what is claimed is also true."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Literal, Never, assert_type

import pytest

import aiochan as ac


async def receive_every_way(ch: ac.Chan[int]) -> None:
    assert_type(await ch.recv(), int)
    assert_type(ch.recv_nowait(), int)
    answer = await ch.recv_ok()
    assert_type(answer, tuple[int, Literal[True]] | tuple[None, Literal[False]])
    async for value in ch:
        assert_type(value, int)
    assert_type([value async for value in ch], list[int])


async def the_flag_narrows_the_value(ch: ac.RecvChan[str]) -> str:
    match await ch.recv_ok():
        case value, True:
            assert_type(value, str)
            return value
        case nothing, False:
            assert_type(nothing, None)
            return "the end"


async def so_it_does_with_an_index(ch: ac.RecvChan[str]) -> str:
    """`is True` is for pyright, which narrows a tuple by identity and not by truth."""
    answer = await ch.recv_ok()
    if answer[1] is True:
        return assert_type(answer[0], str)
    assert_type(answer[0], None)
    return "the end"


async def send_every_way(ch: ac.Chan[float]) -> None:
    assert_type(await ch.send(1.5), None)
    await ch.send(1)  # an int is a float
    assert_type(ch.send_nowait(2.5), None)
    async with ch.reserve() as place:
        assert_type(place, ac.Reservation[float])
        assert_type(place.send(3), None)


def look(ch: ac.Chan[bytes]) -> None:
    assert_type(len(ch), int)
    assert_type(bool(ch), bool)
    assert_type(ch.capacity, float)
    assert_type(ch.closed, bool)
    assert_type(ch.name, str | None)
    assert_type(ch.stats(), ac.Stats)
    assert_type(ch.stats().length, int)
    assert_type(ch.sender, ac.SendChan[bytes])
    assert_type(ch.receiver, ac.RecvChan[bytes])


# -- a function says which end it needs, and takes a channel


async def produce(out: ac.SendChan[int], count: int) -> None:
    with out:
        for number in range(count):
            await out.send(number)


async def total(numbers: ac.RecvChan[int]) -> int:
    assert_type(await numbers.recv(), int)
    return sum([number async for number in numbers])


async def collect(numbers: AsyncIterator[object]) -> list[object]:
    return [number async for number in numbers]


async def take(awaitable: Awaitable[int]) -> int:
    return await awaitable


async def channels_are_both_ends() -> int:
    numbers = ac.Chan[int](5)
    await produce(numbers, 5)
    return await total(numbers)


async def views_are_taken_too() -> int:
    numbers = ac.Chan[int](math.inf)
    await produce(numbers.sender, 5)
    return await total(numbers.receiver)


async def a_receive_end_is_an_async_iterator() -> list[object]:
    numbers = ac.Chan[int](5)
    await produce(numbers, 5)
    return await collect(numbers.receiver)


async def operations_are_awaitables() -> int:
    numbers = ac.Chan[int](5)
    await produce(numbers, 5)
    task = asyncio.create_task(numbers.recv())
    first, second = await asyncio.gather(numbers.recv(), take(numbers.recv()))
    assert_type(first, int)
    return first + second + await assert_type(task, asyncio.Task[int])


# -- variance


def a_receiver_of_bool_is_a_receiver_of_int(flags: ac.RecvChan[bool]) -> ac.RecvChan[int]:
    return flags


def a_sender_of_anything_is_a_sender_of_int(anything: ac.SendChan[object]) -> ac.SendChan[int]:
    return anything


def a_channel_of_bool_is_a_receiver_of_int(flags: ac.Chan[bool]) -> ac.RecvChan[int]:
    return flags


def a_channel_of_anything_is_a_sender_of_int(anything: ac.Chan[object]) -> ac.SendChan[int]:
    return anything


def so_are_its_views(flags: ac.Chan[bool], anything: ac.Chan[object]) -> tuple[ac.RecvChan[int], ac.SendChan[int]]:
    return flags.receiver, anything.sender


def a_place_for_anything_is_a_place_for_int(place: ac.Reservation[object]) -> ac.Reservation[int]:
    return place


def nothing_fits_everywhere() -> tuple[ac.RecvChan[int], ac.RecvChan[str]]:
    never = ac.never()
    assert_type(never, ac.RecvChan[Never])
    return never, never


def kinds_can_be_told_apart(end: ac.SendChan[int] | ac.RecvChan[int] | None) -> str:
    if end is None:
        return "none"
    if isinstance(end, ac.Chan):
        return "both"
    if isinstance(end, ac.SendChan):
        return "send"
    assert_type(end, ac.RecvChan[int])
    return "receive"


# -- how the parameter is found


def parameters() -> None:
    assert_type(ac.Chan[int](), ac.Chan[int])
    declared: ac.Chan[str] = ac.Chan()
    assert_type(declared, ac.Chan[str])
    jobs = ac.Chan[tuple[int, str]](3, name="jobs", overflow="drop_oldest")
    assert_type(jobs, ac.Chan[tuple[int, str]])
    channels = [ac.Chan[int](n) for n in range(3)]
    assert_type(channels, list[ac.Chan[int]])


async def contexts(ch: ac.Chan[int], out: ac.SendChan[str]) -> None:
    async with ch as same:
        assert_type(same, ac.Chan[int])
    with out as end:
        assert_type(end, ac.SendChan[str])


# -- channels of channels: Go's replies


Request = tuple[int, ac.SendChan[int]]


async def serve(requests: ac.RecvChan[Request]) -> None:
    async for number, reply in requests:
        assert_type(number, int)
        assert_type(reply, ac.SendChan[int])
        await reply.send(number + 1)


async def ask(requests: ac.SendChan[Request], number: int) -> int:
    reply = ac.Chan[int](1)
    await requests.send((number, reply))
    return await reply.recv()


# -- and run


def filled(*values: Any, closed: bool = True) -> ac.Chan[Any]:
    ch = ac.Chan[Any](len(values) + 2)
    for value in values:
        ch.send_nowait(value)
    if closed:
        ch.close()
    return ch


def test_receiving_runs() -> None:
    asyncio.run(receive_every_way(filled(1, 2, 3, 4)))
    assert asyncio.run(the_flag_narrows_the_value(filled("value"))) == "value"
    assert asyncio.run(the_flag_narrows_the_value(filled())) == "the end"
    assert asyncio.run(so_it_does_with_an_index(filled("value"))) == "value"
    assert asyncio.run(so_it_does_with_an_index(filled())) == "the end"


def test_sending_runs() -> None:
    asyncio.run(send_every_way(ac.Chan[float](4)))


def test_looking_runs() -> None:
    look(ac.Chan[bytes](4))
    parameters()


def test_passing_ends_runs() -> None:
    assert asyncio.run(channels_are_both_ends()) == 10
    assert asyncio.run(views_are_taken_too()) == 10
    assert asyncio.run(a_receive_end_is_an_async_iterator()) == [0, 1, 2, 3, 4]
    assert asyncio.run(operations_are_awaitables()) == 3


def test_contexts_run() -> None:
    asyncio.run(contexts(ac.Chan[int](), ac.Chan[str]().sender))


def test_kinds_are_told_apart() -> None:
    ch = ac.Chan[int]()
    assert [kinds_can_be_told_apart(end) for end in (None, ch, ch.sender, ch.receiver)] == [
        "none",
        "both",
        "send",
        "receive",
    ]


def test_variance_is_no_conversion() -> None:
    flags, anything = ac.Chan[bool](), ac.Chan[object]()
    assert a_channel_of_bool_is_a_receiver_of_int(flags) is flags
    assert a_channel_of_anything_is_a_sender_of_int(anything) is anything
    assert a_receiver_of_bool_is_a_receiver_of_int(flags) is flags
    assert a_sender_of_anything_is_a_sender_of_int(anything) is anything
    assert so_are_its_views(flags, anything) == (flags.receiver, anything.sender)
    place = ac.Chan[object](1).reserve()
    assert a_place_for_anything_is_a_place_for_int(place) is place
    for end in nothing_fits_everywhere():
        with pytest.raises(ac.WouldBlock):
            end.recv_nowait()


def test_a_service_answers() -> None:
    async def main() -> int:
        requests = ac.Chan[Request]()
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(requests))
            answer = await ask(requests, 41)
            requests.close()
        return answer

    assert asyncio.run(main()) == 42
