"""`aiochan.loops`: which event loop runs here."""

import asyncio

from aiochan.loops import running_loop


def test_the_running_loop_and_none_where_none_runs(run):
    async def main():
        loop = asyncio.get_running_loop()
        return running_loop() is loop, await asyncio.to_thread(running_loop)

    assert run(main) == (True, None)
    assert running_loop() is None
