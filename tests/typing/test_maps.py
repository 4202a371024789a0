"""What type checkers know of `Watch`, `AsyncMap` and `PriorityQueue`: the types of keys, values and items are kept."""

from __future__ import annotations

import asyncio
from collections.abc import ItemsView
from typing import assert_type

import aiochan as ac


async def load(number: int, upper: bool = False) -> str:
    return f"ann {number}".upper() if upper else f"ann {number}"


async def watches(stop: ac.Signal) -> None:
    watch = ac.Watch(1)
    assert_type(watch, ac.Watch[int])
    assert_type(watch.get(), int)
    assert_type(watch.set(2), None)
    assert_type(watch.swap(3), int)
    assert_type(watch.update(lambda n: n + 1), int)
    assert_type(watch.compare_and_set(4, 5), bool)
    assert_type(watch.version, int)
    assert_type(await watch.changed(0), int)
    view = watch.watch()
    assert_type(view, ac.RecvChan[int])
    match await ac.select(ac.recv(view), ac.recv(stop)):
        case 0, value:
            assert_type(value, int)
        case 1, nothing:
            assert_type(nothing, None)
    wider: ac.RecvChan[object] = view
    assert wider is view
    maybe = ac.Watch[str | None](None)
    assert_type(maybe.get(), str | None)


async def maps(users: ac.AsyncMap[int, str]) -> None:
    assert_type(ac.AsyncMap({1: "a"}), ac.AsyncMap[int, str])
    pairs: list[tuple[int, str]] = [(1, "a")]
    assert_type(ac.AsyncMap(pairs), ac.AsyncMap[int, str])
    assert_type(await users.get_or_create(7, load, 7), str)
    assert_type(await users.get_or_create(7, load, 7, True), str)
    match users.load(7):
        case value, True:
            assert_type(value, str)
        case nothing, False:
            assert_type(nothing, None)
    assert_type(users.store(8, "b"), None)
    assert_type(users.load_or_store(8, "c"), tuple[str, bool])
    assert_type(users.compare_and_swap(8, "b", "c"), bool)
    assert_type(users.compare_and_delete(8, "b"), bool)
    assert_type(users.range(), ItemsView[int, str])
    for key, value in users.range():
        assert_type((key, value), tuple[int, str])
    match users.swap(8, "d"), users.load_and_delete(8):
        case (before, True), (taken, True):
            assert_type((before, taken), tuple[str, str])
        case _:
            raise AssertionError
    assert_type(await users.lock(7), None)
    assert_type(users.unlock(7), None)
    async with users.locking(7) as locked:
        assert_type(locked, None)


async def queues() -> None:
    jobs = ac.PriorityQueue[tuple[int, str]](key=lambda job: -job[0])
    assert_type(jobs.push((1, "a")), None)
    jobs.push((2, "b"))
    jobs.push((3, "c"))
    assert_type(await jobs.pop(), tuple[int, str])
    assert_type(jobs.pop_nowait(), tuple[int, str])
    assert_type(jobs.close(), None)
    async for job in jobs:
        assert_type(job, tuple[int, str])


# -- and run


def test_they_run() -> None:
    asyncio.run(watches(ac.Signal()))
    asyncio.run(maps(ac.AsyncMap[int, str]()))
    asyncio.run(queues())
