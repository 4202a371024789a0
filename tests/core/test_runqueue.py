"""Woken tasks run in batches and in order, each in its own context. How long a batch may be is in test_budget.py."""

import asyncio
import contextvars
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import aiochan as ac
from aiochan import core
from aiochan.testing.loop import StepLoop
from tests.conformance.kit import settle as kit_settle
from tests.core.batches import BatchLoop, asleep, log_when_woken, running, settle


@pytest.fixture
def loop():
    with running(BatchLoop()) as loop:
        yield loop


# -- batches


def test_one_callback_of_the_loop_wakes_many_tasks(loop):
    ch = ac.Chan()
    tasks = asleep(loop, *(ch.recv() for _ in range(10)))
    for i in range(10):
        ch.send_nowait(i)
    assert len(loop.ready) == 1
    loop.step()
    assert [task.result() for task in tasks] == list(range(10))
    assert not loop.ready


def test_who_is_woken_meanwhile_joins_the_batch(loop):
    chans = [ac.Chan() for _ in range(10)]

    async def pass_on(i):
        await chans[i + 1].send(await chans[i].recv())

    tasks = asleep(loop, *(pass_on(i) for i in range(9)), chans[9].recv())
    chans[0].send_nowait("a")
    loop.step()
    assert not loop.ready
    assert tasks[9].result() == "a"


def test_what_wakes_by_a_close_and_a_cancellation_is_in_the_batch_too(loop):
    ch, other, queue = ac.Chan(), ac.Chan(), core.WaitQueue()
    tasks = asleep(loop, ch.recv_ok(), ch.recv_ok(), other.recv(), queue.park())
    ch.close()
    tasks[2].cancel()
    queue.wake()
    assert len(loop.ready) == 1
    loop.step()
    assert all(task.done() for task in tasks)


@pytest.mark.parametrize("how", ["single_steps", "debug"])
def test_tools_see_single_tasks(how):
    loop = StepLoop() if how == "single_steps" else BatchLoop()
    loop.set_debug(how == "debug")
    with loop.running():
        ch = ac.Chan()
        tasks = asleep(loop, *(ch.recv() for _ in range(5)))
        for i in range(5):
            ch.send_nowait(i)
        assert [handle.owner for handle in loop.ready] == tasks
        for task in tasks:
            assert not task.done()
            loop.step()
            assert task.done()


# -- order


@pytest.mark.parametrize("loop_class", [StepLoop, BatchLoop])
def test_woken_tasks_run_in_the_order_in_which_they_were_woken(loop_class):
    loop, log = loop_class(), []
    with loop.running():
        one, other, queue, signal = ac.Chan(), ac.Chan(1), core.WaitQueue(), ac.Signal()
        other.send_nowait("full")
        operations = [
            ("recv", one.recv()),
            ("send", other.send("s")),
            ("select", ac.select(ac.recv(one), ac.recv(signal))),
            ("park", queue.park()),
            ("wait", signal.wait()),
            ("cancelled", ac.never().recv()),
            ("again", one.recv()),
        ]
        tasks = asleep(loop, *(log_when_woken(log, name, coro) for name, coro in operations))
        tasks[5].add_done_callback(lambda _: log.append("cancelled"))
        queue.wake()
        one.send_nowait(1)
        tasks[5].cancel()
        other.recv_nowait()
        signal.close()
        one.send_nowait(2)
        settle(loop)
    # `select` was woken by its second case, before `wait`; the callback of a task comes one turn after it.
    log.remove("cancelled")
    assert log == ["park", "recv", "send", "select", "wait", "again"]


def test_the_order_is_kept_when_another_loop_ran_in_between():
    """Both loops take turns in one thread, so what the core remembers of the thread changes."""
    loop, log = BatchLoop(), []
    early, late = ac.Chan(), ac.Chan()
    with loop.running():
        asleep(loop, log_when_woken(log, "early 0", early.recv()), log_when_woken(log, "early 1", early.recv()))
    with BatchLoop().running() as other:
        asleep(other, ac.Chan(1).send(1), ac.select(ac.recv(ac.never())))[1].cancel()
        settle(other)
    with loop.running():
        asleep(loop, log_when_woken(log, "late", late.recv()), log_when_woken(log, "select", ac.select(ac.recv(early))))
        early.send_nowait(1)
        late.send_nowait(1)
        early.send_nowait(2)
        early.send_nowait(3)
        settle(loop)
    assert log == ["early 0", "late", "early 1", "select"]


def test_receivers_get_values_in_line_when_another_loop_ran_in_between():
    loop, late = BatchLoop(), ac.Chan()
    ch = ac.Chan()
    with loop.running():
        (first,) = asleep(loop, ch.recv())
    with BatchLoop().running() as other:
        asleep(other, ac.select(ac.recv(ac.never())))[0].cancel()
        settle(other)
    with loop.running():
        second, _ = asleep(loop, ac.select(ac.recv(ch)), ac.select(ac.recv(late)))
        late.send_nowait("x")  # whoever is woken with this one must not overtake `first`
        ch.send_nowait("a")
        ch.send_nowait("b")
        settle(loop)
    assert (first.result(), second.result()) == ("a", (0, "b"))


# -- errors


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_interrupts_a_batch_leaves_the_others_runnable(loop, error):
    ch, log = ac.Chan(), []

    async def interrupt():
        await ch.recv()
        raise error

    tasks = asleep(loop, log_when_woken(log, 0, ch.recv()), interrupt(), log_when_woken(log, 2, ch.recv()))
    for i in range(3):
        ch.send_nowait(i)
    with pytest.raises(error):
        loop.step()
    assert log == [0]
    ch._check()
    settle(loop)
    assert log == [0, 2]
    with pytest.raises(error):
        tasks[1].result()


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_who_interrupts_a_real_loop_leaves_the_others_runnable(kind, silence):
    loop = asyncio.new_event_loop() if kind == "asyncio" else pytest.importorskip("uvloop").new_event_loop()
    ch, log = ac.Chan(), []

    async def interrupt():
        await ch.recv()
        raise KeyboardInterrupt

    async def wake_all():
        coros = [log_when_woken(log, 0, ch.recv()), interrupt(), log_when_woken(log, 2, ch.recv())]
        tasks.extend(loop.create_task(coro) for coro in coros)
        await kit_settle()
        for i in range(3):
            ch.send_nowait(i)

    tasks = []
    waking = loop.create_task(wake_all())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(ac.never().recv())
    assert waking.done()
    assert log[0] == 0  # uvloop goes on for the rest of its turn, asyncio stops at once
    ch._check()
    loop.run_until_complete(tasks[2])
    assert log == [0, 2]
    assert type(tasks[1].exception()) is KeyboardInterrupt
    loop.close()


def test_an_error_in_a_task_is_its_own_affair(loop):
    ch, log = ac.Chan(), []

    async def fail():
        await ch.recv()
        raise ValueError

    tasks = asleep(loop, fail(), log_when_woken(log, 1, ch.recv()))
    ch.send_nowait(0)
    ch.send_nowait(1)
    loop.step()
    assert log == [1]
    assert type(tasks[0].exception()) is ValueError


# -- a closed loop


@pytest.mark.parametrize("loop_class", [StepLoop, BatchLoop])
def test_waking_on_a_closed_loop_does_nothing(loop_class):
    loop = loop_class()
    ch, queue = ac.Chan(), core.WaitQueue()
    with loop.running():
        tasks = asleep(loop, ch.recv(), ch.recv(), ch.recv_ok(), queue.park(), ac.select(ac.recv(ch)))
    loop.close()
    ch.send_nowait("a")
    assert tasks[1].cancel()
    assert queue.wake() == 1
    ch.close()
    ch._check()
    assert not any(task.done() for task in tasks)
    del tasks
    gc.collect()
    assert {error["message"] for error in loop.errors} == {"Task was destroyed but it is pending!"}


@pytest.mark.parametrize("loop_class", [StepLoop, BatchLoop])
def test_a_closed_loop_keeps_nobody_alive_who_is_woken_too_late(loop_class):
    loop = loop_class()
    with loop.running():
        chans = [ac.Chan() for _ in range(4)]
        tasks = asleep(loop, *(ch.recv() for ch in chans))
        chans[0].send_nowait("in time to be on its way")
    loop.close()
    for ch in chans[1:]:
        ch.send_nowait("too late")
    del tasks, chans, ch
    gc.collect()
    assert [error["message"] for error in loop.errors] == ["Task was destroyed but it is pending!"] * 4


@pytest.mark.parametrize("leads_to_it", [False, True])
@pytest.mark.parametrize("loop_class", [StepLoop, BatchLoop])
def test_a_closed_loop_is_let_go_of(loop_class, leads_to_it):
    """The core knows every loop that somebody waits in, but keeps none alive.

    Not even one that leads to a channel of its own, as by a task factory that is a method of an object with channels.
    """
    loop = loop_class()
    with loop.running():
        ch = ac.Chan()
        if leads_to_it:
            loop.application = ch
        asleep(loop, ch.recv())
        ch.send_nowait("a")
        settle(loop)
    loop.close()
    ref = weakref.ref(loop)
    del loop, ch
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("first", [0, -1])
def test_an_operation_may_be_stepped_before_its_wake_up_arrives(loop, n, first):
    """As by a scheduler of somebody's own; whoever was woken together with it is woken all the same."""
    ch, told = ac.Chan(), []
    operations = [ch.recv() for _ in range(n)]
    for number, operation in enumerate(operations):
        operation.send(None).add_done_callback(lambda _, number=number: told.append(number))
    for value in range(n):
        ch.send_nowait(value)
    while operations:
        with pytest.raises(StopIteration):
            operations.pop(first).send(None)
    ch._check()
    settle(loop)
    assert told == list(range(n))


def test_an_operation_that_is_stepped_from_inside_its_own_step_says_so():
    """The first wait on a loop asks the loop whether it is in debug mode: there it is in the middle of its step."""
    told = []

    class Meddling(StepLoop):
        def get_debug(self):
            if not told:
                ch.send_nowait("now there is one")
                try:
                    operation.send(None)
                except ValueError as error:
                    told.append(str(error))
            return super().get_debug()

    ch = ac.Chan(1)
    operation = ch.recv()

    def step_to_the_end():
        while True:  # it may sleep, and be woken already
            operation.send(None)

    with Meddling().running(), pytest.raises(StopIteration) as answer:
        step_to_the_end()
    assert answer.value.value == "now there is one"
    assert told == ["coroutine already executing"]


def test_a_wake_up_that_could_not_be_scheduled_does_not_stop_the_next(loop):
    """Whatever `call_soon` raises, it is asked again by whoever wakes somebody next."""
    queue, log = core.WaitQueue(), []
    asleep(loop, log_when_woken(log, 0, queue.park()), log_when_woken(log, 1, queue.park()))
    real, loop.call_soon = loop.call_soon, refuse
    with pytest.raises(OSError, match="not now"):
        queue.wake()
    loop.call_soon = real
    granted = 2 - len(queue)  # the Python core has granted before it fails, the compiled one not yet
    queue.wake()
    settle(loop)
    assert log == [0, 1][: granted + 1]
    queue.wake()
    settle(loop)
    assert log == [0, 1]


def refuse(*_, **__):
    raise OSError("not now")


# -- a loop that moves


def test_a_loop_may_go_on_in_another_thread():
    """One loop is one loop, whichever thread runs it; but only one at a time."""
    loop, ch = asyncio.new_event_loop(), ac.Chan()

    async def start():
        task = loop.create_task(ch.recv())
        await kit_settle()
        return task

    async def finish(task):
        ch.send_nowait("a")
        return await task

    first = in_thread(lambda: loop.run_until_complete(start()))
    assert in_thread(lambda: loop.run_until_complete(finish(first))) == "a"
    second = loop.run_until_complete(start())
    with pytest.raises(ac.WrongLoop, match="another thread"):
        in_thread(lambda: ch.send_nowait("b"))
    assert loop.run_until_complete(finish(second)) == "a"
    loop.close()


def in_thread(operation):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(operation).result()


# -- contexts

who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


@pytest.mark.parametrize("loop_class", [StepLoop, BatchLoop])
def test_every_task_is_woken_in_its_own_context(loop_class):
    loop, seen = loop_class(), []
    with loop.running():
        ch, queue = ac.Chan(), core.WaitQueue()

        async def wait(name, wait_for):
            who.set(name)
            await wait_for
            seen.append((name, who.get()))
            who.set(f"{name} again")
            await ch.recv()
            seen.append((name, who.get()))

        async def wake():
            who.set("waker")
            for _ in range(2):
                ch.send_nowait(1)
            queue.wake()
            await ch.send(2)
            for _ in range(2):
                await ch.send(3)

        asleep(loop, wait("recv", ch.recv()), wait("select", ac.select(ac.recv(ch))), wait("park", queue.park()))
        loop.create_task(wake())
        settle(loop)
    assert sorted(seen) == sorted(
        pair for name in ("recv", "select", "park") for pair in ((name, name), (name, f"{name} again"))
    )
    assert who.get() == "nobody"


def test_a_task_with_a_context_of_its_own_is_woken_in_that(loop):
    context, ch = contextvars.copy_context(), ac.Chan()
    context.run(who.set, "given")

    async def main():
        await ch.recv()
        return who.get()

    first, second = (asyncio.Task(main(), loop=loop, context=context) for _ in range(2))
    settle(loop)
    ch.send_nowait(1)
    ch.send_nowait(2)
    settle(loop)
    assert (first.result(), second.result()) == ("given", "given")
