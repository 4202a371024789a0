"""Channels: rendezvous where the workload allows it, and a real select."""

from __future__ import annotations

import asyncio

import aiochan as ac


async def stream(count: int) -> None:
    """Send `count` values through a channel of 100."""
    chan: ac.Chan[int] = ac.Chan(100)

    async def produce() -> None:
        for value in range(count):
            await chan.send(value)
        chan.close()

    producer = asyncio.create_task(produce())
    async for _ in chan:
        pass
    await producer


async def ping_pong(count: int) -> None:
    """Send a value there and back, `count` times, over two channels without a buffer."""
    there: ac.Chan[int] = ac.Chan()
    back: ac.Chan[int] = ac.Chan()

    async def answer() -> None:
        async for value in there:
            await back.send(value)

    answering = asyncio.create_task(answer())
    for value in range(count):
        await there.send(value)
        await back.recv()
    there.close()
    await answering


async def select_ready(count: int) -> None:
    """Choose among ten channels, one of which holds a value."""
    chans: list[ac.Chan[int]] = [ac.Chan(1) for _ in range(10)]
    for value in range(count):
        chans[value % 10].send_nowait(value)
        await ac.select(*[ac.recv(chan) for chan in chans])
