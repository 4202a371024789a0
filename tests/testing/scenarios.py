"""Small programs of every kind, for cross-checking the search.

Each is a scenario with the most cancellations and interrupts, and the orders, under which it is small enough to be
searched without pruning. What can come out differently is shown by `run.state`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple

import aiochan as ac
from aiochan.core import WaitQueue
from aiochan.testing.scenario import Run


class Small(NamedTuple):
    """A program that is small enough."""

    scenario: Callable[[Run], object]
    cancels: int
    orders: tuple[Any, ...]
    options: dict[str, Any]


SMALL: dict[str, Small] = {}


def small(cancels: int = 0, orders: Iterable[str] = ("fifo", "any"), **options: Any) -> Callable[[Any], Any]:
    """Add a scenario to the list."""

    def add(scenario: Callable[[Run], object]) -> Callable[[Run], object]:
        SMALL[scenario.__name__] = Small(scenario, cancels, tuple(orders), options)
        return scenario

    return add


FIFO = ("fifo",)

# -- what hides where


@small()
def iterator_on_the_stack(run: Run) -> None:
    out: list[str] = []

    async def stay(name: str) -> None:
        for _ in [None] * 2:
            await asyncio.sleep(0)
        out.append(name)

    run.spawn(stay, "a")
    run.spawn(stay, "b")
    run.state(lambda: out)


@small()
def operand_on_the_stack(run: Run) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    out: list[int] = []

    async def add() -> None:
        out.append(await queue.get() * 10 + await queue.get())

    run.spawn(queue.put, 1, name="one")
    run.spawn(queue.put, 2, name="two")
    run.spawn(add)
    run.state(lambda: tuple(out))


@small()
def list_on_the_stack(run: Run) -> None:
    ch = ac.Chan[int](0)
    out: list[list[int]] = []

    async def collect() -> None:
        out.append([await ch.recv() for _ in "ab"])

    run.spawn(ch.send, 1, name="one")
    run.spawn(ch.send, 2, name="two")
    run.spawn(collect)
    run.watch(ch)
    run.state(lambda: out)


@small()
def generator_in_between(run: Run) -> None:
    ch = ac.Chan[int](0)
    out: list[int] = []

    async def received() -> AsyncIterator[int]:
        for _ in "xy":
            yield await ch.recv()

    async def consume() -> None:
        async for value in received():
            out.append(value)  # noqa: PERF401 - one by one, so that it can be seen

    async def produce(*values: int) -> None:
        for value in values:
            await ch.send(value)

    run.spawn(consume)
    run.spawn(produce, 1, 1, name="p")
    run.spawn(produce, 2, name="q")
    run.watch(ch)
    run.state(lambda: out)


@small()
def variable_that_may_be_unbound(run: Run) -> None:
    event, side, out = asyncio.Event(), list[int](), list[str]()

    async def choose() -> None:
        if side:
            left = 1
        else:
            right = 1
        await event.wait()
        try:
            out.append(f"left {left}")  # type: ignore[possibly-undefined]
        except NameError:
            out.append(f"right {right}")  # type: ignore[possibly-undefined]

    async def tilt() -> None:
        side.append(1)
        await asyncio.sleep(0)
        side.clear()

    async def go() -> None:
        event.set()

    for fn in (choose, tilt, go):
        run.spawn(fn)
    run.state(lambda: out)


@small()
def closures(run: Run) -> None:
    n = 0

    async def increase() -> None:
        nonlocal n
        before = n
        await asyncio.sleep(0)
        n = before + 1

    async def double() -> None:
        nonlocal n
        n *= 2

    def end() -> None:
        raise AssertionError(f"in the end it is {n}")

    run.spawn(increase)
    run.spawn(increase)
    run.spawn(double)
    run.at_end(end)


@small()
def context_variables(run: Run) -> None:
    var: contextvars.ContextVar[int] = contextvars.ContextVar("var", default=0)
    flag, out = list[int](), list[int]()

    async def look() -> None:
        if flag:
            var.set(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        out.append(var.get())

    async def raise_flag() -> None:
        flag.append(1)
        await asyncio.sleep(0)
        flag.clear()

    run.spawn(look)
    run.spawn(raise_flag)
    run.state(lambda: out)


@small()
def seen_at_the_end_only(run: Run) -> None:
    seen: list[int] = []

    async def note(n: int) -> None:
        seen.append(n)

    async def note_and_stay(n: int) -> None:
        seen.append(n)
        await asyncio.sleep(0)

    def end() -> None:
        assert seen != [3, 2, 1], "backwards"

    run.spawn(note, 1)
    run.spawn(note_and_stay, 2)
    run.spawn(note, 3)
    run.at_end(end)


# -- asyncio's primitives


@small(cancels=1)
def locks(run: Run) -> None:
    lock, order = asyncio.Lock(), list[str]()

    async def work(name: str) -> None:
        async with lock:
            order.append(name)
            await asyncio.sleep(0)

    for name in "abc":
        run.spawn(work, name, name=name, cancel=name != "c")
    run.state(lambda: order)


@small(cancels=1, must_finish=True)
def queue_join(run: Run) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(1)

    async def produce() -> None:
        for n in range(2):
            await queue.put(n)
        await queue.join()

    async def consume() -> None:
        for _ in range(2):
            await queue.get()
            queue.task_done()

    run.spawn(produce, cancel=True)
    run.spawn(consume, cancel=True)


@small()
def events(run: Run) -> None:
    event, out = asyncio.Event(), list[int]()

    async def wait(n: int) -> None:
        await event.wait()
        out.append(n)

    async def pulse() -> None:
        event.set()
        await asyncio.sleep(0)
        event.clear()

    run.spawn(wait, 1)
    run.spawn(wait, 2)
    run.spawn(pulse)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def conditions(run: Run) -> None:
    condition, out = asyncio.Condition(), list[int]()

    async def wait(n: int) -> None:
        async with condition:
            await condition.wait()
            out.append(n)

    async def notify() -> None:
        async with condition:
            condition.notify()

    run.spawn(wait, 1, cancel=True)
    run.spawn(wait, 2)
    run.spawn(notify)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def task_group(run: Run) -> None:
    out: list[int] = []

    async def child(n: int) -> None:
        await asyncio.sleep(0)
        out.append(n)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(1))
            group.create_task(child(2))

    run.spawn(main, cancel=True)
    run.spawn(child, 3)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def gather(run: Run) -> None:
    out: list[object] = []

    async def child(n: int) -> int:
        await asyncio.sleep(0)
        return n

    async def main() -> None:
        out.append(await asyncio.gather(child(1), child(2)))

    run.spawn(main, cancel=True)
    run.spawn(child, 3)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def timeouts(run: Run) -> None:
    out: list[object] = []

    async def slow() -> None:
        await asyncio.sleep(2)
        out.append("slow")

    async def main() -> None:
        try:
            async with asyncio.timeout(1):
                await slow()
        except TimeoutError:
            out.append("timeout")
        out.append(run.loop.time())

    run.spawn(main, cancel=True)
    run.spawn(slow)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def wait_for(run: Run) -> None:
    queue, out = asyncio.Queue[int](), list[object]()

    async def main() -> None:
        try:
            out.append(await asyncio.wait_for(queue.get(), 1))
        except TimeoutError:
            out.append("timeout")

    async def produce() -> None:
        await asyncio.sleep(1)
        queue.put_nowait(5)

    run.spawn(main, cancel=True, may_swallow=True)  # Python 3.11 swallows
    run.spawn(produce)
    run.state(lambda: (out, queue.qsize()))


@small()
def sleepers(run: Run) -> None:
    out: list[int] = []

    async def sleep(n: int, delay: float) -> None:
        await asyncio.sleep(delay)
        out.append(n)

    run.spawn(sleep, 1, 1.0)
    run.spawn(sleep, 2, 1.0)
    run.spawn(sleep, 3, 0.5)
    run.state(lambda: out)


@small(cancels=1)
def futures_by_hand(run: Run) -> None:
    getters, items, got = list[asyncio.Future[str]](), list[str](), list[tuple[int, str]]()

    async def put(item: str) -> None:
        if getters and not getters[0].done():
            getters.pop(0).set_result(item)
        else:
            items.append(item)

    async def get(n: int) -> None:
        if items:
            item = items.pop(0)
        else:
            getters.append(run.loop.create_future())
            item = await getters[-1]
        got.append((n, item))

    run.spawn(get, 1, cancel=True)
    run.spawn(get, 2)
    run.spawn(put, "a")
    run.spawn(put, "b")
    run.state(lambda: got)


def _deadlock(run: Run) -> None:
    one, other = asyncio.Lock(), asyncio.Lock()

    async def take_both(first: asyncio.Lock, second: asyncio.Lock) -> None:
        async with first:
            await asyncio.sleep(0)
            async with second:
                pass

    run.spawn(take_both, one, other)
    run.spawn(take_both, other, one)


@small()
def deadlock(run: Run) -> None:
    _deadlock(run)


@small(must_finish=True)
def deadlock_reported(run: Run) -> None:
    _deadlock(run)


@small(cancels=2, orders=FIFO)
def swallowed_cancellation(run: Run) -> None:
    async def swallow() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    run.spawn(swallow, cancel=2)


# -- channels


def _shows(run: Run, *chans: ac.Chan[Any]) -> list[Any]:
    out: list[Any] = []
    run.watch(*chans)
    run.state(lambda: (out, [len(ch) for ch in chans]))
    return out


def _receiver(ch: ac.Chan[Any], out: list[Any]) -> Callable[[], Any]:
    async def receive() -> None:
        out.append(await ch.recv())

    return receive


@small(cancels=1)
def rendezvous(run: Run) -> None:
    ch = ac.Chan[int](0)
    receive = _receiver(ch, _shows(run, ch))
    run.spawn(ch.send, 1, cancel=True)
    run.spawn(receive, cancel=True)


@small(cancels=1)
def equal_values_in_a_rendezvous(run: Run) -> None:
    ch = ac.Chan[str](0)
    receive = _receiver(ch, _shows(run, ch))
    run.spawn(ch.send, "x", name="p", cancel=True)
    run.spawn(ch.send, "x", name="q", cancel=True)
    run.spawn(receive, cancel=True)


@small()
def equal_values_in_a_ring(run: Run) -> None:
    """Only who sent it tells which value goes when a sender is cancelled that was let in already."""
    ch = ac.Chan[str](1)
    ch.send_nowait("o")
    out = _shows(run, ch)

    async def receive() -> None:
        await asyncio.sleep(0)
        await ch.recv()
        await ch.recv()

    async def cut_in() -> None:
        tasks = run.tasks
        if len(tasks) == 4 and tasks["p"].done() and tasks["receive"].done() and not tasks["q"].done():
            tasks["q"].cancel()
            out.append("cut")

    run.spawn(ch.send, "x", name="p")
    run.spawn(ch.send, "x", name="q")
    run.spawn(receive)
    run.spawn(cut_in)


@small()
def cause_of_the_close(run: Run) -> None:
    ch = ac.Chan[int](0)
    out = _shows(run, ch)

    async def close(cause: Exception) -> None:
        if not ch.closed:
            ch.close(cause)

    async def receive() -> None:
        if all(name in run.tasks and run.tasks[name].done() for name in ("close", "close2")):
            try:
                await ch.recv()
            except ac.ChannelClosed as error:
                out.append(repr(error.__cause__))

    run.spawn(close, LookupError("x"))
    run.spawn(close, LookupError("y"))
    run.spawn(receive)


@small(cancels=1, orders=FIFO)
def select_of_two(run: Run) -> None:
    one, other = ac.Chan[int](0), ac.Chan[int](1)
    out = _shows(run, one, other)

    async def choose() -> None:
        out.append(await ac.select(ac.recv(one), ac.recv(other)))

    run.spawn(choose, cancel=True)
    run.spawn(one.send, 1, name="to one", cancel=True)
    run.spawn(other.send, 2, name="to other")


@small()
def lots(run: Run) -> None:
    one, other = ac.Chan[int](1), ac.Chan[int](1)
    out = _shows(run, one, other)
    one.send_nowait(1)
    other.send_nowait(2)

    async def draw() -> None:
        out.append(await ac.select(ac.recv(one), ac.recv(other)))

    run.spawn(draw)
    run.spawn(draw)


@small(cancels=1)
def wait_queue(run: Run) -> None:
    line, out = WaitQueue[str](), list[str]()

    async def wait(name: str) -> None:
        await line.park(name)
        out.append(name)

    async def wake() -> None:
        line.wake()

    run.spawn(wait, "a", cancel=True)
    run.spawn(wait, "b")
    run.spawn(wake)
    run.watch(line)
    run.state(lambda: out)


@small(cancels=1, orders=FIFO)
def reservations(run: Run) -> None:
    ch = ac.Chan[str](1)
    receive = _receiver(ch, _shows(run, ch))

    async def reserve() -> None:
        async with ch.reserve() as permit:
            await asyncio.sleep(0)
            permit.send("reserved")

    run.spawn(reserve, cancel=True)
    run.spawn(ch.send, "sent", cancel=True)
    run.spawn(receive)


@small()
def dropping(run: Run) -> None:
    ch = ac.Chan[str](1, overflow="drop_oldest")
    receive = _receiver(ch, _shows(run, ch))
    run.spawn(ch.send, "a")
    run.spawn(ch.send, "b")
    run.spawn(receive)
    run.spawn(receive)


@small(cancels=1, orders=FIFO, interrupts=1)
def interrupts(run: Run) -> None:
    ch = ac.Chan[int](0)
    receive = _receiver(ch, _shows(run, ch))
    run.spawn(ch.send, 1, cancel=True)
    run.spawn(receive)


@small(budget=(2, 2))
def budget(run: Run) -> None:
    ch = ac.Chan[int](3)
    out = _shows(run, ch)

    async def produce() -> None:
        for n in range(3):
            await ch.send(n)

    async def consume() -> None:
        for _ in range(3):
            out.append(await ch.recv())

    run.spawn(produce)
    run.spawn(consume)
