"""What the tests of this folder share: calls that end when they are told to."""

from __future__ import annotations

import asyncio
from typing import Any

import aiochan as ac
from tests.conformance import kit
from tests.conformance.kit import watched

TURNS_TO_TELL = 3  # that the end of a task takes to be told to those who wait for it


class Calls:
    """A function to be called: it waits until the test ends it.

    Attributes:
        arguments: Of each call so far.
        cancelled: The numbers of the calls that were cancelled.
    """

    def __init__(self) -> None:
        self.arguments: list[tuple[Any, ...]] = []
        self.cancelled: list[int] = []
        self._ends: list[asyncio.Future[Any]] = []

    async def __call__(self, *args: Any) -> Any:
        number = len(self.arguments)
        self.arguments.append(args)
        self._ends.append(asyncio.get_running_loop().create_future())
        try:
            return await self._ends[number]
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise

    def __len__(self) -> int:
        return len(self.arguments)

    def end(self, value: Any = None, number: int = 0) -> None:
        """Let a call return, or raise if the value is an error."""
        if isinstance(value, BaseException):
            self._ends[number].set_exception(value)
        else:
            self._ends[number].set_result(value)


def flights(name: str | None = "users") -> ac.SingleFlight[Any, Any]:
    """Make a SingleFlight that `settle` checks after every turn of the loop."""
    group = ac.SingleFlight[Any, Any](name)
    watched.add(group)  # type: ignore[arg-type]
    return group


def task_of(name: str) -> asyncio.Task[Any]:
    """Find the task of a flight."""
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == name)
    return task


def listen() -> list[dict[str, Any]]:
    """Hear what the running loop's exception handler is told from now on."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    return told


async def settle() -> None:
    """Let the others run until each of them has ended or sleeps, and every end was told."""
    for _ in range(TURNS_TO_TELL):
        await kit.settle()
        await asyncio.sleep(0)
    await kit.settle()


async def dismiss(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks that have not ended, and see that each ends as cancelled."""
    await kit.dismiss(*tasks)
    await settle()
