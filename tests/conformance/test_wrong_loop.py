"""Who waits on a thing makes it belong to his loop and thread. Others are refused, and nothing is lost by that.

What is promised: waiting is refused everywhere else; in another thread whatever could touch a sleeping task is refused,
too. What is not: the shortcuts of `send` and `recv`, taken when nobody sleeps, do not look at the thread.
"""

import asyncio
import threading

import pytest

import aiochan as ac
from aiochan import core
from aiochan.testing.loop import StepLoop
from tests.conformance.kit import asleep, begin, check, dismiss, finish, settle, watched


def elsewhere(operation):
    """Do something in another thread, and return what it raises there."""
    raised = []

    def work():
        try:
            operation()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def awaiting(make_coro):
    """The same, in an event loop of that thread."""

    def operation():
        async def main():
            return await make_coro()

        return asyncio.run(main())

    return operation


async def entering(place):
    async with place:
        raise AssertionError("it was let in")


def channel(*values, capacity=1):
    ch = ac.Chan(capacity, name="home")
    watched.add(ch)
    for value in values:
        ch.send_nowait(value)
    return ch


WAITING = {
    "recv": lambda ch: ch.recv(),
    "recv_ok": lambda ch: ch.recv_ok(),
    "async for": anext,
    "recv through a view": lambda ch: ch.receiver.recv(),
    "select": lambda ch: ac.select(ac.recv(ac.never()), ac.recv(ch)),
    "select_loop": lambda ch: anext(ac.select_loop(ac.recv(ch))),
}
WAITING_TO_SEND = {
    "send": lambda ch: ch.send("x"),
    "send through a view": lambda ch: ch.sender.send("x"),
    "select": lambda ch: ac.select(ac.recv(ac.never()), ac.send(ch, "x")),
    "reserve": lambda ch: entering(ch.reserve()),
}
NOT_WAITING = {
    "send_nowait": lambda ch: ch.send_nowait("x"),
    "recv_nowait": lambda ch: ch.recv_nowait(),
    "close": lambda ch: ch.close(),
    "close through a view": lambda ch: ch.sender.close(),
    "with": lambda ch: ch.__exit__(None, None, None),
}


# -- another loop of the same thread


@pytest.fixture
def home():
    """A loop that has run, on which somebody sleeps, and a channel it is at home in."""
    loop = StepLoop()
    yield loop
    while loop.ready:
        with loop.running():
            loop.step()
    loop.close()


def sleep_at(loop, coro):
    with loop.running():
        return begin(coro)


@pytest.mark.parametrize("operation", WAITING.values(), ids=WAITING)
def test_nobody_waits_for_a_value_from_another_loop(home, operation):
    ch = channel()
    receiver = sleep_at(home, ch.recv())
    before = ch._snapshot()
    with StepLoop().running(), pytest.raises(ac.WrongLoop) as caught:
        operation(ch).send(None)
    assert ch._snapshot() == before
    check()
    assert str(caught.value) == (
        f"{ch!r} belongs to the event loop that first waited on it, which is not the running one;"
        " make one inside each loop"
    )
    with home.running():
        ch.send_nowait("a")
        assert finish(receiver) == "a"


@pytest.mark.parametrize("operation", WAITING_TO_SEND.values(), ids=WAITING_TO_SEND)
def test_nobody_waits_for_room_from_another_loop(home, operation):
    ch = channel("full")
    sender = sleep_at(home, ch.send("s"))
    before = ch._snapshot()
    with StepLoop().running(), pytest.raises(ac.WrongLoop, match="make one inside each loop"):
        operation(ch).send(None)
    assert ch._snapshot() == before
    check()
    assert [ch.recv_nowait(), ch.recv_nowait()] == ["full", "s"]
    assert finish(sender) is None


def test_a_select_that_is_refused_stands_nowhere(home):
    ch, free = channel(), channel(capacity=0)
    receiver = sleep_at(home, ch.recv())
    with StepLoop().running(), pytest.raises(ac.WrongLoop):
        ac.select(ac.recv(free), ac.send(free, 1), ac.recv(ch), ac.recv(free)).send(None)
    receiver.close()
    check()
    assert not any(free._snapshot()[-3:])
    assert not any(ch._snapshot()[-3:])


def test_what_need_not_wait_is_done_from_another_loop_of_the_thread(home):
    """It is one thread, so nothing can go wrong; and a close at shutdown has to be possible."""
    ch, ended_by = channel(), channel()
    receiver, other = sleep_at(home, ch.recv()), sleep_at(home, ended_by.recv_ok())
    with StepLoop().running():
        ch.send_nowait("a")
        ended_by.close()
    with home.running():
        assert finish(receiver) == "a"
        assert finish(other) == (None, False)


def test_a_thing_whose_loop_is_closed_says_so(home):
    ch = channel()
    sleep_at(home, ch.recv()).close()
    home.close()
    with StepLoop().running(), pytest.raises(ac.WrongLoop, match="which is closed; make one inside each loop"):
        ch.recv().send(None)


def test_a_channel_on_which_nobody_waited_belongs_to_nobody(home):
    ch = channel()
    for loop in (home, StepLoop()):
        with loop.running():
            for coro in (ch.send("a"), ch.recv()):
                with pytest.raises(StopIteration):
                    coro.send(None)
    with StepLoop().running():
        begin(ch.recv()).close()


def test_a_loop_may_stop_and_run_again():
    ch, loop = channel(), asyncio.new_event_loop()

    async def start():
        return loop.create_task(ch.recv())

    task = loop.run_until_complete(start())
    loop.run_until_complete(asyncio.wait_for(ch.send("a"), None))
    assert loop.run_until_complete(task) == "a"
    loop.close()


def test_a_wait_queue_belongs_to_a_loop_too(home):
    queue = core.WaitQueue("line")
    parked = sleep_at(home, queue.park("tag"))
    with StepLoop().running(), pytest.raises(ac.WrongLoop, match="<WaitQueue 'line', 1 parked> belongs"):
        queue.park().send(None)
    assert list(queue) == ["tag"]
    queue._check()
    parked.close()


# -- another thread

OWNED = "belongs to the event loop of another thread"


@pytest.mark.parametrize(
    "operation",
    [*(awaiting_of for awaiting_of in WAITING.values()), *WAITING_TO_SEND.values()],
    ids=[*WAITING, *(f"to {name}" for name in WAITING_TO_SEND)],
)
def test_another_thread_cannot_wait(run, operation):
    """There is one asleep on each, so no shortcut is open."""

    async def main():
        empty, full = channel(capacity=0), channel("full")
        receiver, sender = await asleep(empty.recv(), full.send("s"))
        ch = empty if operation in WAITING.values() else full
        before = ch._snapshot()
        error = elsewhere(awaiting(lambda: operation(ch)))
        assert type(error) is ac.WrongLoop
        assert str(error).startswith(f"{ch!r} {OWNED}")
        assert ch._snapshot() == before
        empty.send_nowait("a")
        assert full.recv_nowait() == "full"
        await settle()
        assert (receiver.result(), sender.result()) == ("a", None)

    run(main)


@pytest.mark.parametrize("operation", NOT_WAITING.values(), ids=NOT_WAITING)
def test_another_thread_cannot_even_do_what_need_not_wait(run, operation):
    """It would wake a task of a loop that sleeps in its selector, and does not hear of it."""

    async def main():
        ch = channel(capacity=0)
        for sleeper in (ch.recv, lambda: ch.send("s")):
            (task,) = await asleep(sleeper())
            before = ch._snapshot()
            error = elsewhere(lambda: operation(ch))
            assert type(error) is ac.WrongLoop
            assert str(error).startswith(f"{ch!r} {OWNED}")
            assert "loop.call_soon_threadsafe(ch.send_nowait, value)" in str(error)
            assert "asyncio.run_coroutine_threadsafe(ch.send(value), loop)" in str(error)
            assert ch._snapshot() == before
            await dismiss(task)

    run(main)


def test_another_thread_cannot_select(run):
    async def main():
        ch = channel(capacity=0)
        (receiver,) = await asleep(ch.recv())
        error = elsewhere(lambda: ac.select_nowait(ac.send(ch, "x")))
        assert type(error) is ac.WrongLoop
        error = elsewhere(awaiting(lambda: ac.select(ac.send(ch, "x"))))
        assert type(error) is ac.WrongLoop
        ch.send_nowait("a")
        await settle()
        assert receiver.result() == "a"

    run(main)


@pytest.mark.parametrize("operation", ["send", "leave"])
def test_another_thread_cannot_use_a_place_nor_give_it_back(home, operation):
    ch = channel()
    place = ch.reserve()
    with pytest.raises(StopIteration):
        place.__aenter__().send(None)
    sender = sleep_at(home, ch.send("s"))
    before = ch._snapshot()
    do = {"send": lambda: place.send("x"), "leave": awaiting(lambda: place.__aexit__(None, None, None))}
    error = elsewhere(do[operation])
    assert type(error) is ac.WrongLoop
    assert ch._snapshot() == before
    place.send("a")
    assert [ch.recv_nowait(), ch.recv_nowait()] == ["a", "s"]
    assert finish(sender) is None


SIGNAL = {
    "wait": lambda signal: awaiting(signal.wait),
    "recv": lambda signal: awaiting(signal.recv),
    "recv_ok": lambda signal: awaiting(signal.recv_ok),
    "select": lambda signal: awaiting(lambda: ac.select(ac.recv(signal))),
    "recv_nowait": lambda signal: signal.recv_nowait,
    "close": lambda signal: signal.close,
}


@pytest.mark.parametrize("operation", SIGNAL.values(), ids=SIGNAL)
def test_a_signal_belongs_to_a_thread_too(home, operation):
    signal = ac.Signal("over")
    waiting = sleep_at(home, signal.wait())
    error = elsewhere(operation(signal))
    assert type(error) is ac.WrongLoop
    assert not signal.closed
    signal.close()
    finish(waiting)


QUEUE = {
    "wake": lambda queue: queue.wake,
    "wake_all": lambda queue: queue.wake_all,
    "park": lambda queue: awaiting(queue.park),
}


@pytest.mark.parametrize("operation", QUEUE.values(), ids=QUEUE)
def test_a_wait_queue_belongs_to_a_thread_too(home, operation):
    queue = core.WaitQueue("line")
    parked = sleep_at(home, queue.park("tag"))
    error = elsewhere(operation(queue))
    assert type(error) is ac.WrongLoop
    assert str(error).startswith(f"{queue!r} {OWNED}")
    assert list(queue) == ["tag"]
    queue.wake()
    finish(parked)


def test_anybody_may_look(run):
    async def main():
        ch, queue = channel(), core.WaitQueue()
        tasks = await asleep(ch.recv(), queue.park())

        def look():
            assert (len(ch), ch.closed, ch.stats().parked_receivers, len(queue)) == (0, False, 1, 1)
            assert repr(ch)
            assert repr(queue)

        assert elsewhere(look) is None
        await dismiss(*tasks)

    run(main)


def test_the_remedies_in_the_message_work(run):
    async def main():
        loop, ch = asyncio.get_running_loop(), channel(capacity=0)
        (receiver,) = await asleep(ch.recv())
        assert elsewhere(lambda: loop.call_soon_threadsafe(ch.send_nowait, "a")) is None
        assert await receiver == "a"
        receiver = loop.create_task(ch.recv())
        thread = threading.Thread(target=lambda: asyncio.run_coroutine_threadsafe(ch.send("b"), loop).result())
        thread.start()
        assert await receiver == "b"
        await loop.run_in_executor(None, thread.join)
        await loop.shutdown_default_executor()

    run(main)


def test_a_wrong_loop_is_a_misuse_and_a_runtime_error():
    assert issubclass(ac.WrongLoop, ac.MisuseError)
    assert issubclass(ac.WrongLoop, RuntimeError)
