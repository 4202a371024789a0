"""examples/bounded_queue: on a condition, beside a channel; nothing is lost to a cancellation (SY08, E36)."""

import asyncio
import subprocess
import sys
from functools import partial

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from examples.bounded_queue.__main__ import KINDS, main
from examples.bounded_queue.bounded import BoundedQueue
from examples.bounded_queue.counting import Counts, count
from tests.architecture.house import ROOT
from tests.schedules.orders import every_order

PATIENCE_S = 60  # for what happens at once unless something is broken

both_kinds = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


async def turns(n=5):
    for _ in range(n):
        await asyncio.sleep(0)


# -- what it does


@both_kinds
def test_who_puts_waits_while_it_is_full_and_who_takes_while_it_is_empty(run, make):
    async def begin():
        queue, sent = make(2), []

        async def put():
            for number in range(4):
                await queue.send(number)
                sent.append(number)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(put())
            await turns()
            assert (sent, len(queue)) == ([0, 1], 2)
            assert await queue.recv() == 0
            await turns()
            assert (sent, len(queue)) == ([0, 1, 2], 2)
            assert [await queue.recv() for _ in range(3)] == [1, 2, 3]
            waiting = tasks.create_task(queue.recv())
            await turns()
            assert not waiting.done()
            await queue.send(4)
            assert await waiting == 4

    run(begin)


@both_kinds
def test_after_close_what_is_there_can_be_taken_and_nothing_put(run, make):
    async def begin():
        queue = make(2)
        await queue.send(1)
        await queue.send(2)
        putting = asyncio.create_task(queue.send(3))
        await turns()
        queue.close()
        with pytest.raises(ac.ChannelClosed):
            await putting
        with pytest.raises(ac.ChannelClosed):
            await queue.send(4)
        assert [await queue.recv(), await queue.recv()] == [1, 2]
        with pytest.raises(ac.ChannelClosed):
            await queue.recv()

    run(begin)


@both_kinds
def test_close_tells_all_who_wait_for_something(run, make):
    async def begin():
        queue = make(1)
        waiting = [asyncio.create_task(queue.recv()) for _ in range(3)]
        await turns()
        queue.close()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in told] == [ac.ChannelClosed] * 3

    run(begin)


@pytest.mark.parametrize("room", [0, -1])
def test_it_needs_room(room):
    with pytest.raises(ValueError, match=f"not for {room}"):
        BoundedQueue(room)


@both_kinds
@pytest.mark.parametrize("seed", range(3))
def test_many_put_and_many_take_and_some_give_up(make, seed):
    """Every value that was put is taken once, in the order of who put it.

    A cancelled `send` of a channel means that it was not sent, unless somebody has it already, or it was promised.
    """

    async def begin():
        queue, sent, taken = make(3), [], []

        async def put(who):
            for number in range(50):
                await queue.send((who, number))
                sent.append((who, number))

        async def take():
            while True:
                taken.append(await queue.recv())

        puts = [asyncio.create_task(put(who)) for who in range(8)]
        takes = [asyncio.create_task(take()) for _ in range(4)]
        for victim in puts[:3] + takes[:3]:
            await turns(7)
            victim.cancel()
        await asyncio.wait(puts)
        await virtual.settle()
        takes[3].cancel()
        await asyncio.wait(takes)
        for who in range(8):
            own = [number for other, number in taken if other == who]
            assert own == [*range(len(own))], "lost, doubled, or out of order"
            known = sum(other == who for other, _ in sent)
            assert len(own) == known or (make is KINDS["chan"] and who < 3 and len(own) == known + 1)
            assert who < 3 or known == 50

    virtual.run(begin, seed=seed)


# -- in every order


def puts_and_takes(make, puts, takes, room=1):
    """A scenario: each puts or takes one, and may be cancelled."""

    def scenario(run):
        queue, sent, taken = make(room), [], []

        async def put(value):
            await queue.send(value)
            sent.append(value)

        async def take():
            taken.append(await queue.recv())

        def at_end():
            left = len(queue)
            assert set(sent) <= {*range(puts)}
            assert set(taken) <= {*range(puts)} and len(set(taken)) == len(taken), "taken twice"
            assert len(taken) + left == len(sent), (sent, taken, left)
            waiting = [name for name, task in run.tasks.items() if not task.done()]
            assert not (left and any(name.startswith("take") for name in waiting)), "sleeps beside an item"
            assert not (left < room and any(name.startswith("put") for name in waiting)), "sleeps beside room"

        for number in range(puts):
            run.spawn(put, number, name=f"put {number}", cancel=True)
        for number in range(takes):
            run.spawn(take, name=f"take {number}", cancel=True)
        run.always(lambda: _need(len(queue) <= room, "more than there is room for"))
        run.at_end(at_end)

    return scenario


def _need(holds, why):
    assert holds, why


@every_order
@pytest.mark.parametrize(("puts", "takes"), [(2, 1), (1, 2), (2, 2), (3, 1)])
def test_in_every_order_nothing_is_lost_and_nobody_sleeps_for_nothing(puts, takes, order, cancels):
    result = explore(puts_and_takes(BoundedQueue, puts, takes), order=order, cancels=cancels)
    assert result.check().complete


class Forgetful(BoundedQueue):
    """Wakes nobody when an item leaves."""

    async def recv(self):
        async with self._lock:
            while not self._items:
                await self._not_empty.wait()
            return self._items.popleft()


class Trusting(BoundedQueue):
    """Does not look again when it was woken."""

    async def recv(self):
        async with self._lock:
            if not self._items:
                await self._not_empty.wait()
            item = self._items.popleft()
            self._not_full.signal()
            return item


@pytest.mark.parametrize(("wrong", "reason"), [(Forgetful, "sleeps beside room"), (Trusting, "IndexError")])
def test_the_search_finds_what_is_mostly_wrong_with_it(wrong, reason):
    failure = explore(puts_and_takes(wrong, 2, 2)).failure
    assert failure is not None
    assert reason in failure.reason


def first_come(make, got_it):
    """A scenario: one waits for the only item there will be, and one comes later."""

    def scenario(run):
        queue, came, taken = make(1), [], []

        async def early():
            came.append("early")
            await queue.recv()
            taken.append("early")

        async def late():
            if came and not taken:
                await queue.recv()
                taken.append("late")

        async def put():
            await queue.send(None)

        for each in early, late, put:
            run.spawn(each)
        run.at_end(lambda: got_it.update(taken))

    return scenario


@pytest.mark.parametrize(("make", "who"), [(BoundedQueue, {"early", "late"}), (ac.Chan, {"early"})], ids=KINDS)
def test_only_in_the_channel_is_who_waits_never_overtaken(make, who):
    """What README.md says of the difference."""
    got_it = set()
    assert explore(first_come(make, got_it)).check().complete
    assert got_it == who


# -- the program


TEXT = b"one two\n\n  three\nno end"


@both_kinds
@pytest.mark.parametrize("room", [1, 100])
def test_it_counts_as_wc_does(run, here, make, room):
    paths = [here / "a", here / "b"]
    for path in paths:
        path.write_bytes(TEXT)
    assert run(count, paths, partial(make, room), 3) == Counts(6, 10, 2 * len(TEXT))


@pytest.mark.parametrize("kind", KINDS)
def test_it_prints_what_it_counted(here, capsys, kind):
    (here / "f").write_bytes(TEXT)
    assert main(["--queue", kind, "f"]) == 0
    assert capsys.readouterr().out == f"3 5 {len(TEXT)}\n"


def test_what_cannot_be_read_is_said(here, capsys):
    (here / "f").write_bytes(TEXT * 100)
    assert main(["f", "gone"]) == 1
    assert capsys.readouterr() == ("", "bounded_queue: [Errno 2] No such file or directory: 'gone'\n")


@pytest.mark.parametrize("wrong", [[], ["-r", "0", "f"], ["-c", "0", "f"], ["-q", "deque", "f"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: bounded_queue" in capsys.readouterr().err


def test_it_runs_as_a_program(here):
    (here / "f").write_bytes(TEXT)
    command = [sys.executable, "-W", "error", "-m", "examples.bounded_queue", str(here / "f")]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"3 5 {len(TEXT)}\n", "")
