"""Run what the pages show, and see that it prints what they say.

A block may use `await` outside of a function, as in `python -m asyncio`. Everything runs on an
asyncio loop whose clock jumps: a sleep takes no time, and timers come in their order, always.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import selectors
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from unittest import mock

from tests.docs.pages import Block, Session

T = TypeVar("T")
Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


def run_session(session: Session, noise: Handler) -> None:
    """Run the blocks of a session one after the other.

    Args:
        noise: told what the loop's exception handler is told.

    Raises:
        AssertionError: a block printed something else, or left tasks behind.
        BaseException: whatever it raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    compiled = [(block, _compile(session, block)) for block in session.blocks]
    if not awaits_outside(session):
        with mock.patch.object(asyncio, "run", lambda main, **_: run_jumping(main, noise)):
            for block, code in compiled:
                with printing(session, block):
                    exec(code, names)
        return

    async def main() -> None:
        for block, code in compiled:
            with printing(session, block):
                if code.co_flags & inspect.CO_COROUTINE:
                    await eval(code, names)
                else:
                    exec(code, names)

    run_jumping(main(), noise)


def awaits_outside(session: Session) -> bool:
    """Tell whether a session uses `await` outside of a function."""
    return any(_compile(session, block).co_flags & inspect.CO_COROUTINE for block in session.blocks)


def _compile(session: Session, block: Block) -> Any:
    # Blank lines above, so that a traceback names the line of the page.
    code = "\n" * (block.line - 1) + block.text
    return compile(code, str(session.page.path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@contextlib.contextmanager
def printing(session: Session, block: Block) -> Iterator[None]:
    """Compare what is printed with what the page says."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        yield
    where = f"{session.page}:{block.line}"
    assert out.getvalue() == block.promised, f"{where} printed\n{out.getvalue()}instead of\n{block.promised}"


def run_jumping(main: Coroutine[Any, Any, T], noise: Handler) -> T:
    """Do what `asyncio.run` does, in no time; tasks that are left behind are an error."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.get_loop().set_exception_handler(noise)
        return runner.run(_attended(main))


async def _attended(main: Coroutine[Any, Any, T]) -> T:
    result = await main
    for _ in range(10):  # who was cancelled may take a turn to end
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left behind: {left}"
    return result


class JumpingLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, but waiting for a timer takes no time, unless a thread is at work."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        """Tell the time: it begins at 0, and goes on where the loop would have waited."""
        return self._jumps.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Let a thread do it. Time must not jump past it."""
        future = super().run_in_executor(executor, func, *args)
        self._jumps.threads += 1
        future.add_done_callback(self._jumps.thread_is_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the threads, however long that takes: a limit would be jumped to."""
        await super().shutdown_default_executor()


class _Jumps(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0

    def thread_is_done(self, _: object) -> None:
        self.threads -= 1

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout if timeout is None or self.threads else 0)
        if timeout and not events:
            self.now += timeout
        return events
