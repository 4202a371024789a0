"""Tasks, turns of the event loop, and ways to be cancelled: the same names for asyncio and for trio.

Nothing here looks inside a library or an event loop. Time is moved by hand: the loop of asyncio says that it is later
(`time` is a method anybody may override), so a timer is due in exactly the turn that the question wants.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
from collections.abc import Awaitable, Callable
from typing import Any

Act = Callable[[], Awaitable[Any]]

LIMIT = 50.0  # seconds, for whatever is given a limit
SETTLED = 40  # turns, after which nobody has anything left to do
NATIVE = ("task.cancel()", "asyncio.timeout", "asyncio.wait_for", "wait_for, cancelled")


class Actor:
    """A task that does one thing, and what it was told in the end.

    A scope or a limit may be left before it has anything to say. `task.cancel()` has to be heard, in the operation or
    later; inside `wait_for` too, but whether it is, is a matter of Python's version (see docs/comparison.md), and is
    asked once, not everywhere.

    Attributes:
        told: None while it is at it, "done", "cancelled", or "raised X".
        value: what it got, if it is done.
        asked: whether it was asked to leave.
        heard: whether it heard so, if not in the operation then later.
    """

    cancels_the_task = ("task.cancel()",)

    def __init__(self, act: Act, means: str) -> None:
        self.act = act
        self.means = means
        self.told: str | None = None
        self.value: Any = None
        self.started = self.asked = self.heard = False

    def __str__(self) -> str:
        return self.told or "still asleep"

    @property
    def deaf(self) -> bool:
        """Whether a cancellation was lost on it: it was asked, got its value, and hears nothing later either."""
        return self.asked and self.told == "done" and not self.heard and self.means in self.cancels_the_task


class AsyncioActor(Actor):
    """An `Actor` in a task of asyncio."""

    task: asyncio.Task[None]
    scope: Any = None

    async def run(self) -> None:
        """Do it, and write down how it ended."""
        self.started = True
        try:
            self.value = await self._act()
        except (asyncio.CancelledError, TimeoutError):
            self.told, self.heard = "cancelled", True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self.told = f"raised {type(error).__name__}"
        else:
            self.told = "done"
        if self.told != "cancelled":
            await self._stay()

    async def _act(self) -> Any:
        match self.means:
            case "asyncio.timeout":
                async with asyncio.timeout(LIMIT):
                    return await self.act()
            case "asyncio.wait_for":
                return await asyncio.wait_for(self.act(), LIMIT)
            case "wait_for, cancelled":
                return await asyncio.wait_for(self.act(), 10_000 * LIMIT)
            case "scope":
                return await self._act_in_scope()
            case _:
                return await self.act()

    async def _act_in_scope(self) -> Any:
        import anyio

        value = None
        with anyio.CancelScope() as self.scope:
            value = await self.act()
        if self.scope.cancelled_caught:
            raise TimeoutError
        return value

    async def _stay(self) -> None:
        """Hear a cancellation that comes, or is heard, later."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.heard = True

    def leave(self) -> None:
        """Make it leave, by whatever its means are."""
        self.asked = True
        match self.means:
            case "asyncio.timeout" | "asyncio.wait_for":
                asyncio.get_running_loop().ahead += 2 * LIMIT  # type: ignore[attr-defined]
            case "scope":
                self.scope.cancel()
            case _:
                self.task.cancel()


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        """Say what time it is."""
        return super().time() + self.ahead


class AsyncioStage:
    """Where programs of asyncio run. A turn is one `asyncio.sleep(0)`."""

    kind = "asyncio"
    scopes = "anyio.CancelScope"
    native = NATIVE

    def __init__(self) -> None:
        self.actors: list[AsyncioActor] = []

    @staticmethod
    def has_scopes() -> bool:
        """Whether anyio is there."""
        return importlib.util.find_spec("anyio") is not None

    @classmethod
    def run(cls, ask: Callable[[AsyncioStage], Awaitable[Any]]) -> Any:
        """Run a question."""

        async def main() -> Any:
            stage = cls()
            try:
                return await ask(stage)
            finally:
                await stage.clear()

        with asyncio.Runner(loop_factory=ClockLoop) as runner:
            # What is lost may be an exception that nobody fetches; the question has seen it.
            runner.get_loop().set_exception_handler(lambda *_: None)
            return runner.run(main())

    def spawn(self, act: Act, means: str = "task.cancel()") -> AsyncioActor:
        """Start a task."""
        actor = AsyncioActor(act, means)
        actor.task = asyncio.get_running_loop().create_task(actor.run())
        self.actors.append(actor)
        return actor

    async def turn(self, count: int = 1) -> None:
        """Let the loop go round."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let everybody go as far as possible."""
        await self.turn(SETTLED)

    async def clear(self) -> None:
        """End all tasks, between two trials."""
        tasks = [actor.task for actor in self.actors]
        self.actors.clear()
        while tasks:  # again and again: a cancellation may get lost, in `wait_for` on 3.11
            for task in tasks:
                task.cancel()
            await self.turn(2)
            tasks = [task for task in tasks if not task.done()]

    def watch(self, look: Callable[[], None]) -> Callable[[], None]:
        """Call something in every turn, until told to stop."""
        loop = asyncio.get_running_loop()
        watching = True

        def again() -> None:
            if watching:
                look()
                loop.call_soon(again)

        def stop() -> None:
            nonlocal watching
            watching = False

        again()
        return stop


class TrioActor(Actor):
    """An `Actor` in a task of trio."""

    scope: Any

    async def run(self) -> None:
        """Do it, and write down how it ended."""
        self.started = True
        try:
            with self.scope:
                self.value = await self.act()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self.told = f"raised {type(error).__name__}"
        else:
            self.told = "cancelled" if self.scope.cancelled_caught else "done"

    def leave(self) -> None:
        """Make it leave."""
        import trio

        self.asked = True
        if self.means == "deadline":
            self.scope.deadline = trio.current_time() - 1
        else:
            self.scope.cancel()


class TrioStage:
    """Where programs of trio run. A turn is one checkpoint. Woken tasks run in random order, by trio's design."""

    kind = "trio"
    scopes = "trio.CancelScope"
    native: tuple[str, ...] = ()

    def __init__(self, nursery: Any) -> None:
        self.nursery = nursery
        self.actors: list[TrioActor] = []

    @staticmethod
    def has_scopes() -> bool:
        """Whether there are scopes."""
        return True

    @classmethod
    def run(cls, ask: Callable[[TrioStage], Awaitable[Any]]) -> Any:
        """Run a question."""
        import trio

        async def main() -> Any:
            async with trio.open_nursery() as nursery:
                answer = await ask(cls(nursery))
                nursery.cancel_scope.cancel()
            return answer

        return trio.run(main)

    def spawn(self, act: Act, means: str = "scope") -> TrioActor:
        """Start a task."""
        import trio

        actor = TrioActor(act, means)
        actor.scope = trio.CancelScope()
        self.nursery.start_soon(actor.run)
        self.actors.append(actor)
        return actor

    async def turn(self, count: int = 1) -> None:
        """Let the loop go round."""
        import trio

        for _ in range(count):
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def settle(self) -> None:
        """Let everybody go as far as possible."""
        import trio.testing

        await trio.testing.wait_all_tasks_blocked()

    async def clear(self) -> None:
        """End all tasks, between two trials."""
        for actor in self.actors:
            actor.scope.cancel()
        self.actors.clear()
        await self.settle()

    def watch(self, look: Callable[[], None]) -> Callable[[], None]:
        """Call something in every turn, until told to stop."""
        import trio

        scope = trio.CancelScope()

        async def again() -> None:
            with scope:
                while True:
                    look()
                    await trio.lowlevel.checkpoint()

        self.nursery.start_soon(again)
        return scope.cancel


Stage = AsyncioStage | TrioStage


def live_objects() -> int:
    """Count the objects that are alive, after the garbage collector has run."""
    gc.collect()
    return len(gc.get_objects())
