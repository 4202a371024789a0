"""`run` of conftest.py: what a test leaves behind fails it."""

import asyncio

import pytest

kept = []


async def leaves_a_task():
    kept.append(asyncio.create_task(asyncio.Event().wait()))


async def forgets_a_waiting_task():
    async def wait():
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    del task


async def forgets_an_error():
    asyncio.get_running_loop().create_future().set_exception(ValueError("nobody asked"))


async def forgets_to_await():
    asyncio.sleep(1)


async def fails_in_a_callback():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)


NOISY = [
    leaves_a_task,
    forgets_a_waiting_task,
    forgets_an_error,
    forgets_to_await,
    fails_in_a_callback,
]


@pytest.mark.parametrize("main", NOISY)
def test_noise_fails_the_test(run, main):
    with pytest.raises(pytest.fail.Exception, match="not silent"):
        run(main)
    kept.clear()


@pytest.mark.parametrize("main", NOISY)
def test_noise_beside_an_expected_error_fails_the_test(run, silence, main):
    async def fail_too():
        await main()
        raise LookupError

    with pytest.raises(LookupError):
        run(fail_too)
    kept.clear()
    with pytest.raises(pytest.fail.Exception, match="not silent"):
        silence.check()


def test_a_cancelled_task_may_take_a_turn_to_end(run):
    async def main():
        asyncio.create_task(asyncio.sleep(3600)).cancel()
        return "fine"

    assert run(main) == "fine"


def test_each_kind_is_what_it_says(run, loop_kind):
    async def main():
        loop = asyncio.get_running_loop()
        steps = []

        async def child():
            steps.append("child")

        task = asyncio.create_task(child())
        steps.append("parent")
        await task
        return type(loop).__module__.split(".")[0], loop.get_debug(), steps

    package, debug, steps = run(main)
    assert (package == "uvloop") == (loop_kind == "uvloop")
    assert debug == (loop_kind == "debug")
    assert (steps == ["child", "parent"]) == (loop_kind == "eager")


def test_an_error_keeps_its_type(run):
    async def main():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main)
