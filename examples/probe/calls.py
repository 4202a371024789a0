"""Two ways to call something and to wait no longer than so many seconds, without leaving anything behind.

What can be cancelled is cancelled: `stopped_after`. What cannot, such as a thread in a system call, goes on until it
has its answer, for which nobody waits any more: `answered_within`. There lies the classical leak: if the channel that
the answer comes through has no room for it, whoever brings it stands there for ever. With room for one the late answer
is put down, and forgotten together with the channel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiochan as ac

T = TypeVar("T")


async def stopped_after(seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    """Call it, and cancel it when the time is up.

    Raises:
        DeadlineExceeded: The time is up; also a TimeoutError.
    """
    with ac.background().with_timeout(seconds) as ctx:
        return await ctx.run(call)


async def answered_within(seconds: float, call: Callable[[], Awaitable[T]], *, room: int = 1) -> T:
    """Call it, and go away when the time is up; the call goes on and ends by itself.

    Args:
        seconds: How long to wait.
        call: What cannot be cancelled, or should not be.
        room: How many answers the channel has room for. With 0, a late answer leaks the task that brings it: that is
            here to be shown, and tests/examples/test_probe.py shows it.

    Raises:
        TimeoutError: The time is up.
    """
    answers = ac.Chan[T | Exception](room, name="answers")

    async def bring() -> None:
        try:
            answer: T | Exception = await call()
        except Exception as error:  # noqa: BLE001 - whoever waits is to have it, late or not
            answer = error
        await answers.send(answer)

    ac.go(bring, name="bring an answer")
    match await ac.select(ac.recv(answers), ac.recv(ac.after(seconds))):
        case 0, answer:
            if isinstance(answer, Exception):
                raise answer
            return answer
        case 1, _:
            raise TimeoutError(f"no answer within {seconds:g} s")
