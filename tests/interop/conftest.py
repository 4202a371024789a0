"""The event loops on which the tests of this folder run, under pytest-asyncio and under anyio's plugin.

They are ordinary programs with channels in them, as users test them: nothing here looks inside.
"""

import asyncio
import importlib.util
import logging
import sys

import pytest


def debug_loop():
    """Make a loop that stays in debug mode: pytest-asyncio would switch it off again."""
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = float("inf")
    loop.set_debug = lambda enabled: None
    return loop


def eager_loop():
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


LOOPS = {"asyncio": asyncio.new_event_loop, "debug": debug_loop}
if sys.version_info >= (3, 12):
    LOOPS["eager"] = eager_loop
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.hookimpl(optionalhook=True)  # older pytest-asyncio does not ask, and uses asyncio's own loop
def pytest_asyncio_loop_factories():
    return LOOPS


@pytest.fixture(params=LOOPS.values(), ids=LOOPS.keys())
def anyio_backend(request):
    return "asyncio", {"loop_factory": request.param}


@pytest.fixture(params=LOOPS.values(), ids=LOOPS.keys())
def loop_factory(request):
    """Give what makes a loop, for tests that run their program themselves."""
    return request.param


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    """Fail a test after which asyncio has complained: an exception nobody took, a task destroyed in its sleep."""
    caplog.set_level(logging.WARNING)
    yield
    assert not caplog.records
