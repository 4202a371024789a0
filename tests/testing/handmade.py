"""A channel as people make one by hand, wrong in the usual way."""

from __future__ import annotations

import asyncio

from aiochan.testing.scenario import Run


def handmade(run: Run, *, receivers: tuple[str, ...] = ("g",), careful: bool = True) -> None:
    """Put into the future of who waits: loses the item if the first receiver is cancelled before it runs.

    Args:
        run: Where it happens.
        receivers: Their names; the first of them may be cancelled.
        careful: Look whether a future is done before its result is set.
    """
    getters: list[asyncio.Future[str]] = []
    items: list[str] = []
    got: list[str] = []

    async def put(item: str) -> None:
        if getters and not (careful and getters[0].done()):
            getters.pop(0).set_result(item)
        else:
            items.append(item)

    async def get() -> None:
        if items:
            got.append(items.pop(0))
            return
        getters.append(run.loop.create_future())
        got.append(await getters[-1])

    def end() -> None:
        if not got + items:
            raise AssertionError("the item is lost")

    for name in receivers:
        run.spawn(get, name=name, cancel=name == receivers[0])
    run.spawn(put, "item", name="put")
    run.at_end(end)
