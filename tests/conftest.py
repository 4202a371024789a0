"""What every test can use: the event loops of the matrix, and a `run` that insists on silence.

A test that needs an event loop takes the fixture `run` and is thereby run once on each kind of
loop:

    def test_a_value_arrives(run):
        async def main():
            ...
        run(main)

After `main` has ended, a test passes only if it left nothing behind: no unfinished task, no call of
the loop's exception handler, no exception or warning in a destructor (a coroutine nobody awaited, a
task destroyed while it waited). A test that is *about* such a noise installs a handler of its own
on the loop.

pytest-asyncio and the anyio plugin are for tests/interop only, where a test is about them; both act
only on tests that carry their mark.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings

R = TypeVar("R")
Loop = asyncio.AbstractEventLoop

# The same examples in every run, so that a red run means a change; no deadline, because machines
# differ; `run` is made for many calls, so hypothesis need not warn that it is not renewed between
# examples.
settings.register_profile(
    "gate",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("gate"), derandomize=False)
settings.load_profile("gate")

SLOW_TIMEOUT_S = 900
TURNS_TO_END = 10  # loop turns that a task which was told to stop may take to do so

KINDS = ["asyncio", "uvloop", "debug"]
if sys.version_info >= (3, 12):
    KINDS.append("eager")


class Run(Protocol):
    """`run(main, *args)` runs `main(*args)` on an event loop and gives its result."""

    def __call__(self, main: Callable[..., Awaitable[R]], *args: Any) -> R: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--loops", default=",".join(KINDS), help="run on these kinds of loop only (default: %(default)s)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the loops that are not asked for, and give tests that are slow on purpose the time they need."""
    loops = config.getoption("--loops").split(",")
    others = [item for item in items if _loop_of(item) not in (None, *loops)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in set(others)]
    for item in items:
        slow = item.get_closest_marker("exhaustive") or item.get_closest_marker("stress")
        if slow and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))


def _loop_of(item: pytest.Item) -> str | None:
    """Tell which kind of loop a test is for; None if it does not say."""
    call: Any = getattr(item, "callspec", None)
    return None if call is None else call.params.get("loop_kind")


def pytest_collection_finish() -> None:
    """Take what is there by now out of every later collection: `run` collects after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    """Name the one backend that the library runs on, for the tests marked anyio."""
    return "asyncio"


@pytest.fixture(params=KINDS)
def loop_kind(request: pytest.FixtureRequest) -> str:
    """Run the test once for each kind of event loop."""
    kind: str = request.param
    if kind == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    return kind


@pytest.fixture
def silence() -> Iterator[Silence]:
    """Hear every noise during the test; what nobody has checked fails it at its end."""
    with Silence() as silence:
        yield silence
        silence.check()
    gc.freeze()  # what outlives a test is pytest's; without it every collection takes longer than the last


@pytest.fixture
def run(loop_kind: str, silence: Silence) -> Run:
    """Run coroutine functions on this kind of loop, and see that they leave nothing behind."""

    def run(main: Callable[..., Awaitable[R]], *args: Any) -> R:
        result = _run(loop_kind, silence, main, args)
        silence.check()  # if `main` raised what the test expects, the fixture checks
        return result

    return run


def _run(kind: str, silence: Silence, main: Callable[..., Awaitable[R]], args: tuple[Any, ...]) -> R:
    with asyncio.Runner(debug=kind == "debug", loop_factory=_factory(kind)) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(silence.heard_by_loop)
        loop.slow_callback_duration = float("inf")  # a busy machine is no news
        if kind == "eager" and sys.version_info >= (3, 12):
            loop.set_task_factory(asyncio.eager_task_factory)
        return runner.run(_attended(silence, main, args))


def _factory(kind: str) -> Callable[[], Loop]:
    if kind != "uvloop":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


async def _attended(silence: Silence, main: Callable[..., Awaitable[R]], args: tuple[Any, ...]) -> R:
    """Run `main`, and tell of the tasks that are still there afterwards."""
    try:
        return await main(*args)
    finally:
        for _ in range(TURNS_TO_END):
            if not _others():
                break
            await asyncio.sleep(0)
        for task in _others():
            silence.noises.append(f"a task was left behind: {task!r}")


def _others() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class Silence:
    """Hear what is otherwise only printed, so that a test can fail for it.

    It listens to the loop's exception handler and to `sys.unraisablehook`, where the warnings of
    destructors arrive too, as warnings are errors here.
    """

    def __init__(self) -> None:
        self.noises: list[str] = []

    def __enter__(self) -> Silence:
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._hook

    def check(self) -> None:
        """Fail the test if there was a noise since the last check."""
        gc.collect()
        noises, self.noises = self.noises, []
        if noises:
            pytest.fail("not silent:\n  " + "\n  ".join(noises))

    def heard_by_loop(self, _loop: Loop, context: dict[str, Any]) -> None:
        """Take note of a call of the loop's exception handler."""
        self.noises.append(f"the loop's exception handler was called: {context!r}")

    def _unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        # As text: keeping the object would bring it back to life.
        self.noises.append(f"in {unraisable.object!r}: {unraisable.exc_value!r}")
