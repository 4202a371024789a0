"""H32, H33: a channel used from another thread, or from a second event loop of the same thread."""

import asyncio
import threading

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.awaits import WAITS, every_wait, full
from tests.hazards.stage import assert_idle, drain, fresh_loop, see_off, settle, start, until


async def elsewhere(call):
    """Call something in another thread, without letting our own loop go on: its result, or its error raised here."""
    answers = []

    def work():
        try:
            answers.append((call(), None))
        except BaseException as error:
            answers.append((None, error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    [(result, error)] = answers
    if error is not None:
        raise error
    return result


# -- another thread


@every_wait
def test_h32_nobody_is_woken_from_another_thread(run, make):
    """It would sleep on, for its loop would not be told: so the one who tries gets an error."""

    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        seen = [thing._snapshot() for thing in wait.things]
        with pytest.raises(ac.WrongLoop, match="another thread"):
            await elsewhere(wait.answer)
        assert [thing._snapshot() for thing in wait.things] == seen
        wait.answer()
        await task

    run(main)


@every_wait
def test_h32_nobody_sleeps_in_another_thread(run, make):
    async def main():
        wait = make()
        [task] = await start(wait.operation(), on=wait.things)
        seen = [thing._snapshot() for thing in wait.things]
        with pytest.raises(ac.WrongLoop):
            await elsewhere(lambda: asyncio.run(wait.operation()))
        assert [thing._snapshot() for thing in wait.things] == seen
        await see_off(task)

    run(main)


NOT_FROM_HERE = {
    "send_nowait": lambda ch: ch.send_nowait("value"),
    "recv_nowait": lambda ch: ch.recv_nowait(),
    "close": lambda ch: ch.close(),
    "select_nowait, recv": lambda ch: ac.select_nowait(ac.recv(ch)),
    "select_nowait, send": lambda ch: ac.select_nowait(ac.send(ch, "value")),
}


@pytest.mark.parametrize("operation", NOT_FROM_HERE.values(), ids=NOT_FROM_HERE.keys())
def test_h32_what_never_waits_is_no_exception(run, operation):
    """Once somebody has waited on it, also when nobody does now."""

    async def main():
        ch = ac.Chan(2)
        await see_off(*await start(ch.recv(), on=[ch]))
        ch.send_nowait("old")
        with pytest.raises(ac.WrongLoop, match="another thread"):
            await elsewhere(lambda: operation(ch))
        assert drain(ch) == ["old"]
        assert not ch.closed

    run(main)


def test_h32_the_place_of_a_reservation_stays_in_its_thread(run):
    async def main():
        ch = full()
        asyncio.get_running_loop().call_soon(ch.recv_nowait)
        async with ch.reserve() as place:
            with pytest.raises(ac.WrongLoop):
                await elsewhere(lambda: place.send("value"))
            place.send("mine")
        assert drain(ch) == ["mine"]

    run(main)


def test_h32_a_wait_queue_says_so_too(run):
    async def main():
        queue = WaitQueue()
        [task] = await start(queue.park(), on=[queue])
        for call in (queue.wake, queue.wake_all):
            with pytest.raises(ac.WrongLoop, match="another thread"):
                await elsewhere(call)
        assert len(queue) == 1
        await see_off(task)

    run(main)


def test_h32_the_error_says_what_to_do_instead(run):
    async def main():
        ch = ac.Chan(name="mine")
        [task] = await start(ch.recv(), on=[ch])
        with pytest.raises(ac.WrongLoop, match=r"'mine'.*call_soon_threadsafe\(ch\.send_nowait, value\)"):
            await elsewhere(lambda: ch.send_nowait("value"))
        await see_off(task)

    run(main)


def test_h32_what_it_says_works(run):
    async def main():
        ch, loop = ac.Chan(1), asyncio.get_running_loop()
        tasks = [asyncio.create_task(ch.recv()) for _ in range(2)]
        await until(lambda: ch.stats().parked_receivers == 2)
        await elsewhere(lambda: loop.call_soon_threadsafe(ch.send_nowait, "by callback"))

        def send():
            asyncio.run_coroutine_threadsafe(ch.send("by coroutine"), loop).result()

        thread = threading.Thread(target=send)
        thread.start()
        assert await asyncio.gather(*tasks) == ["by callback", "by coroutine"]
        thread.join()

    run(main)


def test_h32_looking_is_free(run):
    async def main():
        ch = full()
        [task] = await start(ch.send("value"), on=[ch])
        look = await elsewhere(lambda: (len(ch), ch.closed, ch.name, ch.capacity, ch.stats().parked_senders, bool(ch)))
        assert look == (1, False, "full", 1, 1, True)
        assert "1 senders" in await elsewhere(lambda: repr(ch))
        await see_off(task)

    run(main)


# -- another loop of the same thread


@pytest.fixture
def two_loops(loop_kind, silence):
    """Two loops in one thread, run in turns."""
    with fresh_loop(loop_kind, silence) as first, fresh_loop(loop_kind, silence) as second:
        yield first, second
        silence.check()


@pytest.mark.parametrize("make", [make for name, make in WAITS.items() if name != "select, both sides"])
def test_h33_nobody_sleeps_in_a_second_loop(two_loops, make):
    first, second = two_loops
    wait = make()
    [task] = first.run_until_complete(start(wait.operation(), on=wait.things))
    seen = [thing._snapshot() for thing in wait.things]
    with pytest.raises(ac.WrongLoop, match="not the running one"):
        second.run_until_complete(wait.operation())
    assert [thing._snapshot() for thing in wait.things] == seen
    first.run_until_complete(see_off(task))
    assert_idle(*wait.things)


def test_h33_a_select_that_is_refused_half_way_in_stands_nowhere(two_loops):
    first, second = two_loops
    ours, theirs, silent = ac.Chan(), ac.Chan(), ac.Chan()
    [task] = first.run_until_complete(start(theirs.recv(), on=[theirs]))
    with pytest.raises(ac.WrongLoop):
        second.run_until_complete(ac.select(ac.recv(ours), ac.send(silent, "value"), ac.recv(theirs)))
    assert_idle(ours, silent)
    assert theirs.stats().parked_receivers == 1
    first.run_until_complete(see_off(task))


@every_wait
def test_h33_what_belongs_to_a_closed_loop_says_so(loop_kind, silence, make):
    wait = make()
    with fresh_loop(loop_kind, silence) as loop:
        [task] = loop.run_until_complete(start(wait.operation(), on=wait.things))
        loop.run_until_complete(see_off(task))
    with fresh_loop(loop_kind, silence) as loop, pytest.raises(ac.WrongLoop, match="closed"):
        loop.run_until_complete(wait.operation())
    silence.check()


@every_wait
def test_h33_it_belongs_to_the_loop_that_first_waits_on_it(loop_kind, silence, make):
    """Not to the one in which it was made, if any; and what need not wait is at home everywhere."""
    wait = make()

    async def main():
        [task] = await start(wait.operation(), on=wait.things)
        wait.answer()
        await task

    with fresh_loop(loop_kind, silence) as loop:
        loop.run_until_complete(main())
    silence.check()


def test_h33_a_second_loop_may_wake_the_first(two_loops):
    """In one thread that loses nothing: the task runs when its loop does."""
    first, second = two_loops
    ch = ac.Chan()

    async def send():
        await ch.send("value")

    [task] = first.run_until_complete(start(ch.recv(), on=[ch]))
    second.run_until_complete(send())
    assert ch.stats().promised == 1
    first.run_until_complete(settle(task))
    assert task.result() == "value"


def test_h33_a_channel_without_waiting_may_be_used_in_two_loops(two_loops):
    ch = ac.Chan(1)
    for number, loop in enumerate(two_loops):
        loop.run_until_complete(ch.send(number))
        assert loop.run_until_complete(ch.recv()) == number
    assert_idle(ch)


def test_h33_without_a_loop_nothing_can_wait():
    ch = ac.Chan()
    coroutine = ch.recv()
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)
    assert_idle(ch)
