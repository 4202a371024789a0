"""H36: user code in the middle of an operation: finalisers that use the very channel, values that misbehave."""

import asyncio
import contextlib
import contextvars
import gc
import itertools

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from aiochan.testing.loop import StepLoop
from tests.hazards.awaits import WAITS, full
from tests.hazards.finalisers import LastWords, at_every_collection
from tests.hazards.stage import assert_idle, drain, parked, see_off, settle, start, turn

REFUSED = (ac.WouldBlock, ac.ChannelClosed)


class Spiteful:
    """A value of which nothing can be asked."""

    def refuse(self, *_):
        raise AssertionError("a value was asked something")

    __eq__ = __ne__ = __lt__ = __bool__ = __len__ = __repr__ = __str__ = __iter__ = __contains__ = __call__ = refuse
    __hash__ = None


@pytest.mark.parametrize("overflow", ["wait", "drop_oldest", "drop_newest"])
def test_h36_values_are_asked_nothing(run, overflow):
    async def main():
        ch = ac.Chan(1, overflow=overflow)
        first, second = Spiteful(), Spiteful()
        await ch.send(first)
        if overflow == "wait":
            await see_off(*await start(ch.send(second), ac.select(ac.send(ch, second)), on=[ch]))
        else:
            await ch.send(second)
        repr(ch)
        ch.stats()
        ch._check()
        assert await ch.recv() is (second if overflow == "drop_oldest" else first)
        [task] = await start(ch.recv_ok(), on=[ch])
        ch.send_nowait(first)
        task.cancel()
        await settle(task)
        index, answer = await ac.select(ac.recv_ok(ch))
        assert (index, answer[0] is first, answer[1]) == (0, True, True)
        assert_idle(ch)

    run(main)


@pytest.mark.parametrize("value", [None, False, 0, "", (), [], float("nan"), Ellipsis, NotImplemented, StopIteration()])
def test_h36_any_object_is_a_value(run, value):
    async def main():
        ch = ac.Chan(1)
        await ch.send(value)
        assert await ch.recv() is value
        [task] = await start(ch.recv_ok(), on=[ch])
        ch.send_nowait(value)
        answer = await task
        assert answer[0] is value
        assert answer[1] is True
        [task] = await start(ac.select(ac.recv(ch), ac.recv(None)), on=[ch])
        ch.send_nowait(value)
        assert (await task)[1] is value

    run(main)


def test_h36_a_tag_is_asked_nothing(run):
    async def main():
        queue, tag = WaitQueue(), Spiteful()
        [task] = await start(queue.park(tag), on=[queue])
        assert queue.first is tag
        repr(queue)
        queue._check()
        await see_off(task)

    run(main)


# -- finalisers of values, which run when the last reference goes


def refused(operation):
    """Call an operation that may be refused; what it answers is dropped."""
    with contextlib.suppress(*REFUSED):
        operation()


ON_THE_CHANNEL = {
    "send": lambda ch: ch.send_nowait("last words"),
    "recv": lambda ch: ch.recv_nowait(),
    "close": lambda ch: ch.close(),
    "select": lambda ch: ac.select_nowait(ac.recv(ch), ac.send(ch, "last words")),
    "look": lambda ch: (ch.stats(), repr(ch), ch._check(), len(ch)),
}
every_last_word = pytest.mark.parametrize("last_word", ON_THE_CHANNEL.values(), ids=ON_THE_CHANNEL.keys())


@every_last_word
@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_h36_a_value_that_is_dropped_uses_the_channel(overflow, last_word):
    ch = ac.Chan(2, overflow=overflow)
    for _ in range(4):
        refused(lambda: ch.send_nowait(LastWords(lambda: (ch._check(), refused(lambda: last_word(ch))))))
        ch._check()
    drain(ch)
    ch._check()


@every_last_word
@pytest.mark.parametrize("way", ["send", "select"])
@pytest.mark.parametrize("end", ["cancel", "close", "take back"])
def test_h36_a_value_that_was_not_sent_uses_the_channel(run, last_word, way, end):
    async def main():
        ch = full()

        def last_words():
            ch._check()
            refused(lambda: last_word(ch))
            said.append(True)

        said = []
        operation = ch.send if way == "send" else lambda value: ac.select(ac.send(ch, value), ac.recv(None))
        victim, *others = await start(*(operation(v) for v in (LastWords(last_words), "second", "third")), on=[ch])
        if end == "close":
            ch.close()
        else:
            if end == "take back":
                assert ch.recv_nowait() == "old 0"
            victim.cancel()
        await settle(victim)
        ch._check()
        del victim
        gc.collect()
        assert said
        if not ch.closed:
            ch.close()
        await settle(*others)
        drain(ch)
        assert_idle(ch)

    run(main)


@every_last_word
def test_h36_a_tag_that_is_left_uses_the_queue_and_a_channel(run, last_word):
    async def main():
        queue, ch, said = WaitQueue(), full(), []
        tag = LastWords(lambda: (queue._check(), queue.wake(), refused(lambda: last_word(ch)), said.append(True)))
        victim, other = await start(queue.park(tag), queue.park(), on=[queue])
        del tag
        victim.cancel()
        await settle(victim)
        del victim
        gc.collect()
        assert said
        await settle(other)
        assert_idle(queue)

    run(main)


def test_h36_a_context_that_dies_with_a_tombstone_uses_the_channel(run):
    """What only the context of a cancelled task kept alive dies when the line is rebuilt, and sends."""

    async def main():
        ch, variable = ac.Chan(5), contextvars.ContextVar("variable")
        context = contextvars.copy_context()
        context.run(variable.set, LastWords(lambda: ch.send_nowait("last words")))
        first = asyncio.create_task(ch.recv(), context=context)
        await turn()
        rest = await start(*(ch.recv() for _ in range(40)), on=[ch])
        await see_off(first)
        del first, context
        gc.collect()
        for task in rest[:-1]:
            task.cancel()
            ch._check()
        await settle(*rest[:-1])
        ch._check()
        await see_off(rest[-1])

    run(main)


def test_h36_a_give_back_that_raises_is_heard_by_its_task(run):
    """The line is in order all the same; the cancellation is the context of that error."""

    async def main():
        queue = WaitQueue()

        def give_back():
            raise ValueError("refused")

        victim, other = await start(queue.park(give_back=give_back), queue.park(), on=[queue])
        queue.wake()
        victim.cancel()
        await settle(victim)
        assert isinstance(victim.exception(), ValueError)
        assert isinstance(victim.exception().__context__, asyncio.CancelledError)
        assert len(queue) == 1
        queue.wake()
        await other
        assert_idle(queue)

    run(main)


# -- finalisers that the garbage collector runs, at any allocation


def lies_down(make):
    wait = make()
    return wait, wait.operation()


def go_to_sleep(subject):
    _, coroutine = subject
    with contextlib.suppress(StopIteration, StopAsyncIteration, *REFUSED):
        coroutine.send(None)


@pytest.mark.parametrize("make", [make for name, make in WAITS.items() if name not in ("park", "async for")])
def test_h36_an_answer_while_somebody_lies_down(make):
    """The collector answers, or closes, just then: nobody may sleep beside what it waits for."""
    with StepLoop().running():
        for finaliser in (lambda s: s[0].answer(), lambda s: s[0].things[0].close()):
            calls = lambda s, finaliser=finaliser: refused(lambda: finaliser(s))  # noqa: E731
            for wait, coroutine in at_every_collection(lambda: lies_down(make), go_to_sleep, calls):
                for thing in wait.things:
                    thing._check()
                coroutine.close()


SLEEPERS = {
    "nobody": lambda ch: [],
    "receivers": lambda ch: [ch.recv() for _ in range(2)],
    "selects": lambda ch: [ac.select(ac.recv(ch), ac.recv(None)) for _ in range(2)],
    "senders": lambda ch: [ch.send(f"asleep {n}") for n in range(2)],
    "selects that send": lambda ch: [ac.select(ac.send(ch, f"asleep {n}")) for n in range(2)],
}
OPERATIONS = {
    "send": lambda ch: ch.send_nowait("new"),
    "recv": lambda ch: ch.recv_nowait(),
    "select send": lambda ch: ac.select_nowait(ac.send(ch, "new")),
    "select recv": lambda ch: ac.select_nowait(ac.recv(ch)),
    "close": lambda ch: ch.close(),
}


@pytest.mark.parametrize("capacity", [0, 1])
@pytest.mark.parametrize("sleepers", SLEEPERS.values(), ids=SLEEPERS.keys())
def test_h36_one_operation_in_the_middle_of_another(sleepers, capacity):
    """Every pair of operations, the second at every allocation of the first."""
    with StepLoop().running() as loop:

        def prepare():
            ch = ac.Chan(capacity)
            if capacity and sleepers not in (SLEEPERS["receivers"], SLEEPERS["selects"]):
                ch.send_nowait("old")
            asleep = sleepers(ch)
            for coroutine in asleep:
                coroutine.send(None).add_done_callback(lambda _: None)
            return ch, asleep

        for first, second in itertools.product(OPERATIONS.values(), repeat=2):
            act, finaliser = (lambda s, call=call: refused(lambda: call(s[0])) for call in (first, second))
            for ch, asleep in at_every_collection(prepare, act, finaliser):
                ch._check()
                for coroutine in asleep:
                    coroutine.close()
                    ch._check()
                assert parked(ch) == 0
            while loop.ready:
                loop.step()
